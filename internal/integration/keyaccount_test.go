package integration_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
)

func TestTheFirstProofOfAKeyTellsWhoseItIs(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := integrationtest.New(t, s)
		const me = "blue.example.com/api/me"
		w.Vendor.Answer(me, http.StatusOK, `{"id":"u7","name":"Ada"}`)
		kind := "API_KEY"
		created, err := w.Create(w.Ctx, integration.CreateInput{
			UserID: &w.User.ID, Provider: "acme_desk", AuthKind: &kind, Name: "Desk", Enabled: true,
			Visibility: integration.Private, Config: map[string]any{"desk": "blue", "key": "k-1"},
		})
		if err != nil || created.Integration.AccountID != nil {
			t.Fatalf("%+v, %v", created, err)
		}
		for range 2 {
			row, err := w.CheckHealth(w.Ctx, created.Integration.ID)
			if err != nil || row.AccountID == nil || *row.AccountID != "u7" || *row.AccountName != "Ada" {
				t.Fatalf("%+v, %v", row, err)
			}
		}
		if calls := w.Vendor.Calls(me); len(calls) != 3 || calls[1].Header.Get("Authorization") != "k-1" {
			t.Errorf("%d calls: two probes and one question for the account", len(calls))
		}

		// Another key may be another account's.
		if _, err := w.Update(w.Ctx, integration.UpdateInput{
			ID: created.Integration.ID, Config: map[string]any{"key": "k-2"},
		}); err != nil {
			t.Fatal(err)
		}
		w.Vendor.Answer(me, http.StatusOK, `{"name":"nobody"}`)
		if row, err := w.CheckHealth(w.Ctx, created.Integration.ID); err != nil || row.AccountID != nil {
			t.Errorf("%+v, %v", row, err)
		}
	})
}

func TestAKeyThatMayNotKnowItsAccountIsAGoodKey(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := integrationtest.New(t, s)
		kind, calls := "API_KEY", 0
		created, err := w.Create(w.Ctx, integration.CreateInput{
			UserID: &w.User.ID, Provider: "acme_desk", AuthKind: &kind, Name: "Desk", Enabled: true,
			Visibility: integration.Private, Config: map[string]any{"desk": "blue", "key": "k-1"},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Vendor.Handle("blue.example.com/api/me", func(answer http.ResponseWriter, _ *http.Request) {
			if calls++; calls%2 == 0 { // behind the probe
				answer.WriteHeader(http.StatusUnauthorized)
			}
			_, _ = io.WriteString(answer, `{"id":"u7"}`)
		})
		row, err := w.CheckHealth(w.Ctx, created.Integration.ID)
		if err != nil || row.AccountID != nil || health.Of(row).Reason != health.OK || calls != 2 {
			t.Errorf("%d calls: %+v, %v", calls, row, err)
		}
	})
}

func TestAKeyThatIsReplacedMeanwhileDoesNotLeaveItsAccountBehind(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := integrationtest.New(t, s)
		kind := "API_KEY"
		created, err := w.Create(w.Ctx, integration.CreateInput{
			UserID: &w.User.ID, Provider: "acme_desk", AuthKind: &kind, Name: "Desk", Enabled: true,
			Visibility: integration.Private, Config: map[string]any{"desk": "blue", "key": "k-1"},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Wait(time.Second)
		w.Vendor.Handle("blue.example.com/api/me", func(answer http.ResponseWriter, _ *http.Request) {
			if _, err := w.Update(w.Ctx, integration.UpdateInput{
				ID: created.Integration.ID, Config: map[string]any{"key": "k-2"},
			}); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(answer, `{"id":"u-of-k-1"}`)
		})
		if row, err := w.CheckHealth(w.Ctx, created.Integration.ID); err != nil || row.AccountID != nil {
			t.Errorf("the account of the key before: %+v, %v", row, err)
		}
	})
}
