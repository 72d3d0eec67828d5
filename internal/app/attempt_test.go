package app_test

import (
	"fmt"
	"sync"
	"sync/atomic"
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

// TestTheAttemptsOfACallerGoneWildAreBounded begins to connect ten thousand times, as fast as it can.
func TestTheAttemptsOfACallerGoneWildAreBounded(t *testing.T) {
	t.Parallel()
	database := storetest.SQLite(t)
	s := newSealedServer(t, database)
	var refused, begun, strange atomic.Int64
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for range wild / 8 {
				a, err := s.send(t.Context(), `mutation { integrationConnect(input: {provider: "google_calendar"}) {
					state userErrors { code message ... on OperationRefused { retryAfterSeconds } } } }`, nil)
				payload := at(a.Data, "integrationConnect")
				wait, _ := at(payload, "userErrors", 0, "retryAfterSeconds").(float64)
				switch {
				case at(payload, "state") != nil:
					begun.Add(1)
				case at(payload, "userErrors", 0, "code") == "TOO_MANY_ATTEMPTS" && wait > 0 && wait <= 600:
					refused.Add(1)
				default:
					if strange.Add(1) == 1 {
						t.Errorf("%v %s", err, a.raw)
					}
				}
			}
		})
	}
	callers.Wait()
	if n := begun.Load(); n < 100 || n > 108 || n+refused.Load() != wild {
		t.Errorf("%d were begun and %d refused", n, refused.Load())
	}
	db := openBeside(t, database)
	defer db.Close()
	if kept := column(t, db, `select count(*) from connect_attempts`); kept[0] != fmt.Sprint(begun.Load()) {
		t.Errorf("%v attempts are kept", kept)
	}
	s.answers(s.webhook()) // everything else goes on
}
