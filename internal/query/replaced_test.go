package query_test

import (
	"net/http"
	"testing"

	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/problem"
)

// The answer to a question proves the key that it was asked with, and not the one that took its place meanwhile. That it
// was asked, and answered, stays true.
func TestAnAnswerSaysNothingAboutAKeyThatCameMeanwhile(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		for status, failed := range map[int]bool{
			http.StatusOK: false, http.StatusServiceUnavailable: true, http.StatusUnauthorized: true,
		} {
			w.row = w.Webhook(t).Integration
			w.Vendor.Handle(hook, func(a http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") == "Bearer hook-token" {
					if _, err := w.Update(w.Ctx, integration.UpdateInput{
						ID: w.row.ID, Secrets: map[string]any{"TOKEN": "another"},
					}); err != nil {
						t.Error(err)
					}
				}
				a.Header().Set("Content-Type", "application/json")
				a.WriteHeader(status)
				_, _ = a.Write([]byte(`{"results":[]}`))
			})
			result, err := w.ask("orders")
			if (err != nil) != failed {
				t.Fatalf("%d: %v, %s", status, err, problem.CodeOf(err))
			}
			now := w.Reload(t, w.row)
			if now.HealthReason != string(health.NotYetChecked) || now.FailedProbes != 0 {
				t.Errorf("%d: %s after %d failures", status, now.HealthReason, now.FailedProbes)
			}
			if failed {
				continue
			}
			if now.LastSucceededAt == nil || now.LastUsedAt == nil || result.Integration.HealthReason != now.HealthReason {
				t.Errorf("the answer left no trace: %+v", now)
			}
			if result = w.must(t, "orders"); result.Integration.HealthReason != string(health.OK) {
				t.Errorf("an answer with the new key left %s", result.Integration.HealthReason)
			}
		}
	})
}
