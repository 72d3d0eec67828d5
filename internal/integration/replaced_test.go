package integration_test

import (
	"net/http"
	"testing"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/problem"
)

const deskMe = "blue.example.com/api/me"

func createDesk(t *testing.T, w *integrationtest.World) *ent.Integration {
	t.Helper()
	kind := "API_KEY"
	created, err := w.Create(w.Ctx, integration.CreateInput{
		UserID: &w.User.ID, Provider: "acme_desk", AuthKind: &kind, Name: "Desk", Enabled: true,
		Visibility: integration.Private, Config: map[string]any{"desk": "blue", "key": "k-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return created.Integration
}

// What a probe has learned with the key before says nothing about the one that took its place while it was under way.
func TestAProbeWithTheKeyBeforeSaysNothingAboutTheOneThatReplacedIt(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		for name, answer := range map[string]struct {
			status int
			body   string
		}{
			"honoured": {http.StatusOK, `{"id":"u-of-k-1"}`},
			"refused":  {http.StatusUnauthorized, `{}`},
			"failed":   {http.StatusServiceUnavailable, `{}`},
		} {
			row := createDesk(t, w)
			w.Vendor.Handle(deskMe, func(a http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") == "k-1" {
					if _, err := w.Update(w.Ctx, integration.UpdateInput{
						ID: row.ID, Config: map[string]any{"key": "k-2"},
					}); err != nil {
						t.Error(err)
					}
				}
				a.Header().Set("Content-Type", "application/json")
				a.WriteHeader(answer.status)
				_, _ = a.Write([]byte(answer.body))
			})
			if _, err := w.CheckHealth(w.Ctx, row.ID); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			now := w.Reload(t, row)
			if now.HealthReason != string(health.NotYetChecked) || now.FailedProbes != 0 ||
				now.HealthCheckedAt != nil || now.AccountID != nil {
				t.Errorf("%s: %s after %d failures, account %v", name, now.HealthReason, now.FailedProbes, now.AccountID)
			}
			if answer.status == http.StatusOK {
				if now, err := w.CheckHealth(w.Ctx, row.ID); err != nil || now.HealthReason != string(health.OK) {
					t.Errorf("with the new key %v, %v", now, err)
				}
			}
		}
		if events := w.Events(t, audit.HealthChanged); len(events) != 1 {
			t.Errorf("%d changes, want the proof of the new key alone: %+v", len(events), events)
		}
	})
}

// An access token is good for a while after its grant was refused: it must not make green what has ended.
func TestAProbeUnderWayDoesNotReviveWhatHasEndedMeanwhile(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		w.Vendor.Answer("login.example.com/token", http.StatusBadRequest, `{"error":"invalid_grant"}`)
		w.Vendor.Handle("api.example.com/ping", func(a http.ResponseWriter, _ *http.Request) {
			if _, err := w.Refresh(w.Ctx, row.ID); !problem.Is(err, problem.ReauthorizationRequired) {
				t.Errorf("the renewal: %v", err)
			}
			_, _ = a.Write([]byte(`{"pong":true}`))
		})
		now, err := w.CheckHealth(w.Ctx, row.ID)
		if err != nil || now.HealthReason != string(health.RefreshRejected) {
			t.Errorf("%s, %v", now.HealthReason, err)
		}
	})
}

func TestAProbeUnderWaySaysNothingAboutAConnectionMadeMeanwhile(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		again := true
		w.Vendor.Handle("api.example.com/ping", func(a http.ResponseWriter, _ *http.Request) {
			if again {
				again = false
				w.Connect(t, w.User)
			}
			a.WriteHeader(http.StatusServiceUnavailable)
		})
		for want := range 2 {
			now, err := w.CheckHealth(w.Ctx, row.ID)
			if err != nil || now.FailedProbes != want {
				t.Errorf("%d failed probes, %v, want %d", now.FailedProbes, err, want)
			}
		}
	})
}
