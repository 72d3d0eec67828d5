package integration_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	entcredential "github.com/patchbay/patchbay/ent/credential"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/viewer"
)

// account connects the vendor for a user with an account of its own.
func account(t *testing.T, w *integrationtest.World, user *ent.User, name string) *ent.Integration {
	t.Helper()
	w.Vendor.Answer("api.example.com/me", http.StatusOK, `{"id":"`+name+`"}`)
	return w.Connect(t, user)
}

// kill runs the kill switch and returns the outcomes by integration.
func kill(t *testing.T, w *integrationtest.World, in integration.Incident) map[string]integration.Killed {
	t.Helper()
	out := map[string]integration.Killed{}
	err := w.Kill(t.Context(), in, 3, func(k integration.Killed) {
		if _, twice := out[k.IntegrationID]; twice {
			t.Errorf("%s is reported twice", k.IntegrationID)
		}
		out[k.IntegrationID] = k
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func credentials(t *testing.T, w *integrationtest.World) int {
	t.Helper()
	return w.Store.Client(w.Ctx).Credential.Query().CountX(w.Ctx)
}

func TestAnIncidentEndsWhatMatchesAndNothingElse(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		mine, _ := viewer.From(w.Ctx)
		old := account(t, w, w.User, "old")
		w.Wait(48 * time.Hour)
		young := account(t, w, w.User, "young")
		hook := w.Webhook(t).Integration
		otherKey := viewer.With(w.Ctx, viewer.Viewer{
			Company: mine.Company, Actor: w.NewID(id.APIKey), Scopes: []viewer.Scope{viewer.Admin},
		})
		leaked, _ := viewer.From(otherKey)
		made, err := w.Create(otherKey, integrationtest.WebhookInput())
		if err != nil {
			t.Fatal(err)
		}
		foreign, _ := viewer.From(w.Foreign)
		sealing := w.Ring.Primary()
		day := w.Now().Add(-24 * time.Hour)
		all := []string{old.ID, young.ID, hook.ID, made.Integration.ID}
		for _, c := range []struct {
			in   integration.Incident
			want []string
		}{
			{integration.Incident{Provider: integrationtest.Provider}, []string{old.ID, young.ID}},
			{integration.Incident{Company: mine.Company}, all},
			{integration.Incident{Company: foreign.Company}, nil},
			{integration.Incident{Since: day}, []string{young.ID, hook.ID, made.Integration.ID}},
			{integration.Incident{Since: day, Provider: integrationtest.Provider}, []string{young.ID}},
			{integration.Incident{APIKey: leaked.Actor}, []string{made.Integration.ID}},
			{integration.Incident{APIKey: leaked.Actor, Provider: integrationtest.Provider}, nil},
			{integration.Incident{SealedBy: sealing}, all},
			{integration.Incident{SealedBy: sealing + 1}, nil},
			{
				integration.Incident{SealedBy: sealing, Since: day, Provider: "custom_webhook", APIKey: leaked.Actor},
				[]string{made.Integration.ID},
			},
		} {
			found, err := w.Affected(t.Context(), c.in)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, row := range found.Integrations {
				got = append(got, row.ID)
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) || len(found.Ending) != 0 {
				t.Errorf("%s matches %v, want %v", c.in, got, c.want)
			}
		}

		got := kill(t, w, integration.Incident{Provider: integrationtest.Provider})
		if len(got) != 2 || got[old.ID].Outcome != credential.Revoked || got[young.ID].Outcome != credential.Revoked ||
			got[old.ID].Company != mine.Company {
			t.Errorf("killed %+v", got)
		}
		if left := integrations(t, w); len(left) != 2 || credentials(t, w) != 2 {
			t.Errorf("left %v, %d credentials", left, credentials(t, w))
		}
		events := w.Events(t, audit.Disconnected)
		if len(events) != 2 || events[0].Details["incident"] != "provider="+integrationtest.Provider ||
			events[0].Actor != "system" {
			t.Errorf("trail = %+v", events)
		}
		if n := len(w.Events(t, audit.Revoked)); n != 2 {
			t.Errorf("%d revocations in the trail", n)
		}
		if again := kill(t, w, integration.Incident{Provider: integrationtest.Provider}); len(again) != 0 {
			t.Errorf("again: %+v", again)
		}
		ended := kill(t, w, integration.Incident{APIKey: leaked.Actor})[made.Integration.ID]
		if ended.Outcome != credential.Unsupported || ended.Message == "" {
			t.Errorf("a webhook: %+v", ended)
		}
	})
}

func TestAnIncidentEndsConnectionsThatAreOnTheirWay(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		attempt, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
		if err != nil {
			t.Fatal(err)
		}
		kill(t, w, integration.Incident{Provider: integrationtest.Provider})
		_, err = w.Callback(w.Ctx, w.CallbackInput(w.User, attempt))
		if !problem.Is(err, problem.StateMismatch) {
			t.Errorf("the callback: %v", err)
		}
		row := w.Store.Client(w.Ctx).ConnectAttempt.Query().OnlyX(w.Ctx)
		if len(row.Verifier)+len(row.Secrets) != 0 || row.Status != string(integration.Failed) {
			t.Errorf("the attempt is %s and still holds secrets", row.Status)
		}
	})
}

func TestAVendorThatCannotBeReachedStopsNobodyAndIsToldLater(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		const many = 12
		for i := range many {
			account(t, w, w.User, fmt.Sprint("a", i))
		}
		hook := w.Webhook(t).Integration
		w.Vendor.Answer("login.example.com/revoke", http.StatusServiceUnavailable, "down")
		got := kill(t, w, integration.Incident{Since: integrationtest.Start.Add(-time.Hour)})
		if len(got) != many+1 || got[hook.ID].Outcome != credential.Unsupported {
			t.Errorf("killed %+v", got)
		}
		for _, k := range got {
			if k.IntegrationID != hook.ID && (k.Outcome != credential.Retrying || k.Message == "") {
				t.Errorf("%+v", k)
			}
		}
		calls := len(w.Vendor.Calls("login.example.com/revoke"))
		if calls >= many {
			t.Errorf("%d calls to a vendor that fails every time", calls)
		}
		if len(integrations(t, w)) != 0 || credentials(t, w) != many {
			t.Errorf("%d integrations, %d credentials are left", len(integrations(t, w)), credentials(t, w))
		}
		w.Vendor.Handle("login.example.com/revoke", func(http.ResponseWriter, *http.Request) {})
		for id, k := range kill(t, w, integration.Incident{Provider: integrationtest.Provider}) {
			if k.Outcome != credential.Revoked || got[id].IntegrationID != id {
				t.Errorf("told again: %+v", k)
			}
		}
		if credentials(t, w) != 0 {
			t.Errorf("%d credentials are left", credentials(t, w))
		}
	})
}

// TestAKillThatWasKilledGoesOnWithWhatIsLeft ends the kill switch after its first call, at the vendor and at the stop.
func TestAKillThatWasKilledGoesOnWithWhatIsLeft(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		const many = 6
		want := map[string]bool{}
		for i := range many {
			want[account(t, w, w.User, fmt.Sprint("a", i)).ID] = true
		}
		in := integration.Incident{Provider: integrationtest.Provider}
		ctx, die := context.WithCancel(t.Context())
		w.Vendor.Handle("login.example.com/revoke", func(http.ResponseWriter, *http.Request) { die() })
		told := map[string]integration.Killed{}
		err := w.Kill(ctx, in, 1, func(k integration.Killed) { told[k.IntegrationID] = k })
		if err == nil || len(told) != many {
			t.Errorf("err = %v, told of %d", err, len(told))
		}
		revoked := 0
		for id, k := range told {
			if k.Outcome == credential.Revoked {
				revoked++
				delete(want, id)
			} else if !strings.Contains(k.Message, "was stopped") {
				t.Errorf("%+v", k)
			}
		}
		if revoked == 0 || revoked == many || len(integrations(t, w)) != 0 || credentials(t, w) != many-revoked {
			t.Fatalf("%d were revoked, %d credentials are left", revoked, credentials(t, w))
		}
		for id, k := range kill(t, w, in) {
			if !want[id] || k.Outcome != credential.Revoked {
				t.Errorf("%+v", k)
			}
			delete(want, id)
		}
		if len(want) != 0 || credentials(t, w) != 0 || len(w.Events(t, audit.Revoked)) != many ||
			len(w.Events(t, audit.Disconnected)) != many {
			t.Errorf("left %v, %d credentials", want, credentials(t, w))
		}
		// Each token was given back once.
		tokens := map[string]bool{}
		for _, call := range w.Vendor.Calls("login.example.com/revoke") {
			tokens[call.Form.Get("token")] = true
		}
		if len(tokens) != many || len(w.Vendor.Calls("login.example.com/revoke")) != many {
			t.Errorf("%d tokens in %d calls", len(tokens), len(w.Vendor.Calls("login.example.com/revoke")))
		}
	})
}

func TestAnAccountThatSeveralShareIsRevokedOnceWithTheLast(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		account(t, w, w.User, "shared")
		account(t, w, w.Other, "shared")
		outcomes := map[credential.Outcome]int{}
		for _, k := range kill(t, w, integration.Incident{Provider: integrationtest.Provider}) {
			outcomes[k.Outcome]++
		}
		if outcomes[credential.Revoked] != 1 || outcomes[credential.NotNeeded] != 1 ||
			len(w.Vendor.Calls("login.example.com/revoke")) != 1 {
			t.Errorf("outcomes %v, %d calls", outcomes, len(w.Vendor.Calls("login.example.com/revoke")))
		}
	})
}

func TestAnIncidentOfOneCompanyLeavesTheOthersAlone(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		v, _ := viewer.From(w.Ctx)
		account(t, w, w.User, "a")
		user := w.Store.Client(w.Foreign).User.Create().SetID(w.NewID(id.User)).SetCreatedAt(w.Now()).
			SetUpdatedAt(w.Now()).SaveX(w.Foreign)
		w.Vendor.Answer("api.example.com/me", http.StatusOK, `{"id":"theirs"}`)
		attempt, err := w.Service.Connect(w.Foreign, w.ConnectInput(user))
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := w.Callback(w.Foreign, w.CallbackInput(user, attempt))
		if err != nil {
			t.Fatal(err)
		}
		if got := kill(t, w, integration.Incident{Company: v.Company}); len(got) != 1 {
			t.Errorf("killed %+v", got)
		}
		if n := w.Store.Client(w.Foreign).Credential.Query().
			Where(entcredential.IntegrationID(theirs.ID), entcredential.State(credential.Active)).CountX(w.Foreign); n != 1 {
			t.Error("another company lost its credential")
		}
	})
}
