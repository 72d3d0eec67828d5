package query_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/problem"
)

func TestATokenThatIsRefusedIsRenewedOnceAndADeadGrantEnds(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Wait(2 * time.Minute)
		w.Vendor.Handle(entries, func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer access-1" {
				rw.WriteHeader(http.StatusUnauthorized)
				return
			}
			_, _ = rw.Write([]byte(`{"items":[]}`))
		})
		w.must(t, "meetings today")
		w.Wait(2 * time.Minute)
		w.Vendor.Answer(entries, http.StatusUnauthorized, `{}`)
		w.Vendor.Answer("login.example.com/token", http.StatusBadRequest, `{"error":"invalid_grant"}`)
		_, err := w.ask("meetings today")
		if e := refused(t, err, problem.ReauthorizationRequired); e.IntegrationID != w.row.ID {
			t.Errorf("err = %v", err)
		}
		if now := w.Reload(t, w.row); integration.StatusOf(now) != integration.Expired {
			t.Errorf("health = %+v", health.Of(now))
		}
		w.Vendor.GrantAll()
		if again := w.Connect(t, w.User); again.ID != w.row.ID {
			t.Error("another integration was connected")
		}
	})
}

// TestBehaviour09ExpiryIsWhatTheProviderSays has a vendor that says it with status 200, as its manifest knows, and one
// whose 403 and 404 say nothing of the kind.
func TestBehaviour09ExpiryIsWhatTheProviderSays(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Wait(2 * time.Minute)
		w.Vendor.Handle(entries, func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			if r.Header.Get("Authorization") == "Bearer access-1" {
				_, _ = rw.Write([]byte(`{"error":"token_gone"}`))
				return
			}
			_, _ = rw.Write([]byte(`{"items":[]}`))
		})
		w.must(t, "meetings today")
		if n := len(w.Vendor.Calls("login.example.com/token")); n != 2 || len(w.Vendor.Calls(entries)) != 2 {
			t.Errorf("%d token requests, %d questions", n, len(w.Vendor.Calls(entries)))
		}
		for _, status := range []int{http.StatusForbidden, http.StatusNotFound} {
			w.Vendor.Answer(entries, status, `{}`)
			if _, err := w.ask("meetings today"); err == nil || problem.Is(err, problem.ReauthorizationRequired) {
				t.Errorf("status %d: %v", status, err)
			}
		}
		if n := len(w.Vendor.Calls("login.example.com/token")); n != 2 {
			t.Errorf("%d token requests after answers that say nothing of the credential", n)
		}
		if now := w.Reload(t, w.row); integration.StatusOf(now) != integration.Connected {
			t.Errorf("health = %+v", health.Of(now))
		}
	})
}
