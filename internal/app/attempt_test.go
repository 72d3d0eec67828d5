package app_test

import (
	"testing"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// TestAConnectionAttemptIsFollowed watches an attempt over SSE and over WebSocket while a person allows it.
func TestAConnectionAttemptIsFollowed(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		r := serve(t, database)
		started := r.mutate("integrationConnect", "authorizationUrl state", map[string]any{"provider": "google_calendar"})
		query := `subscription($s: String!) { connectAttemptChanged(state: $s) {
			status provider { name } integration { status } failure { message } } }`
		variables := map[string]any{"s": started["state"]}
		events := r.subscribe(query, variables)
		socket := r.socket(query, variables)
		for way, e := range map[string]map[string]any{"SSE": next(t, events), "WebSocket": socket()} {
			if at(e, "connectAttemptChanged", "status") != "PENDING" || at(e, "connectAttemptChanged", "integration") != nil {
				t.Errorf("%s: %v", way, e)
			}
		}
		if status, page, _ := r.browse(started["authorizationUrl"].(string)); status != 200 {
			t.Fatalf("the last page: %d\n%s", status, page)
		}
		for way, e := range map[string]map[string]any{"SSE": next(t, events), "WebSocket": socket()} {
			if at(e, "connectAttemptChanged", "status") != "SUCCEEDED" ||
				at(e, "connectAttemptChanged", "integration", "status") != "CONNECTED" {
				t.Errorf("%s: %v", way, e)
			}
		}
		if e, open := <-events; open {
			t.Errorf("more came: %v", e)
		}
	})
}
