package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// TestTheAuditTrailIsStreamed follows the trail over SSE and over WebSocket, on PostgreSQL at another replica than the one
// that writes it, and goes on behind a cursor.
func TestTheAuditTrailIsStreamed(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		here := serveReal(t, database)
		there := here
		if !strings.HasPrefix(database, "sqlite:") {
			there = replica(t, database, keyRing(t), here.Key)
		}
		query := `subscription($after: String, $filter: AuditEventFilter) { auditEventAppended(after: $after, filter: $filter) {
			kind cursor event { eventType userId user { externalId } succeeded } } }`
		created := map[string]any{"filter": map[string]any{"eventTypes": []string{"CREATED", "DELETED"}}}
		begin := there.subscribe(query, created)
		var first map[string]any
		for limit := time.Now().Add(patience); first == nil && time.Now().Before(limit); {
			// the first ones may be written before the stream has begun
			here.mutate("userCreate", "user { id }", map[string]any{})
			select {
			case first = <-begin:
			case <-time.After(500 * time.Millisecond):
			}
		}
		created["after"] = at(first, "auditEventAppended", "cursor")
		if at(first, "auditEventAppended", "kind") != "CHANGE" || created["after"] == nil {
			t.Fatalf("first = %v", first)
		}
		events := there.subscribe(query, created)
		socket := there.socket(query, created)
		made := at(here.mutate("userCreate", "user { id }", map[string]any{"externalId": "ada"}), "user", "id")
		for way, read := range map[string]func() map[string]any{
			"SSE": func() map[string]any { return next(t, events) }, "WebSocket": socket,
		} {
			e := at(read(), "auditEventAppended")
			for at(e, "event", "userId") != made { // those that were made to begin
				if at(e, "kind") != "CHANGE" || at(e, "event", "eventType") != "CREATED" {
					t.Fatalf("%s: %v", way, e)
				}
				e = at(read(), "auditEventAppended")
			}
			if at(e, "event", "user", "externalId") != "ada" {
				t.Errorf("%s: %v", way, e)
			}
		}
	})
}
