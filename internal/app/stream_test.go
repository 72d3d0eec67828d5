package app_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

const streamed = `subscription($after: String) {
	integrationHealthChanged(after: $after) { kind cursor integrationId previousStatus health { status } } }`

// socket subscribes over WebSocket (graphql-transport-ws) and returns a function that reads the next event.
func (r *running) socket(query string, variables map[string]any) func() map[string]any {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	conn, _, err := websocket.Dial(ctx, r.URL+"/graphql", &websocket.DialOptions{ //nolint:bodyclose // the connection's
		Subprotocols: []string{"graphql-transport-ws"},
	})
	if err != nil {
		cancel()
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.CloseNow(); cancel() })
	send := func(frame map[string]any) {
		if err := conn.Write(ctx, websocket.MessageText, []byte(text(frame))); err != nil {
			r.t.Fatal(err)
		}
	}
	next := func() map[string]any {
		r.t.Helper()
		limited, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		_, frame, err := conn.Read(limited)
		if err != nil {
			r.t.Fatal(err)
		}
		var message map[string]any
		if err := json.Unmarshal(frame, &message); err != nil {
			r.t.Fatal(err)
		}
		return message
	}
	send(map[string]any{"type": "connection_init", "payload": map[string]any{"authorization": "Bearer " + r.Key}})
	if m := next(); m["type"] != "connection_ack" {
		r.t.Fatal(m)
	}
	send(map[string]any{"type": "subscribe", "id": "1", "payload": map[string]any{"query": query, "variables": variables}})
	return func() map[string]any {
		r.t.Helper()
		m := next()
		event, ok := at(m, "payload", "data").(map[string]any)
		if m["type"] != "next" || !ok {
			r.t.Fatal(m)
		}
		return event
	}
}

// TestBehaviour16HealthIsStreamedOverBothWaysAndResumed follows health over SSE and over WebSocket, on PostgreSQL at another replica
// than the one where it changes, and goes on from the middle over each.
func TestBehaviour16HealthIsStreamedOverBothWaysAndResumed(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		here := serveReal(t, database)
		there := here
		if !strings.HasPrefix(database, "sqlite:") {
			there = replica(t, database, keyRing(t), here.Key)
		}
		hook := func() string {
			return at(here.mutate("integrationCreate", "integration { id }", map[string]any{
				"provider": "custom_webhook", "name": "Orders", "config": map[string]any{
					"url": "https://webhooks.example.com/",
					"capabilities": []any{map[string]any{
						"name": "orders", "description": "", "trigger_phrases": []string{"order"},
					}},
				},
			}), "integration", "id").(string)
		}
		first := hook()
		events := there.subscribe(streamed, nil)
		sse := func() map[string]any { t.Helper(); return next(t, events) }
		socket := there.socket(streamed, nil)

		var told []string // cursors over SSE, in order
		expect := func(kind, id string) {
			t.Helper()
			for way, read := range map[string]func() map[string]any{"SSE": sse, "WebSocket": socket} {
				e := at(read(), "integrationHealthChanged")
				if at(e, "kind") != kind || at(e, "integrationId") != id {
					t.Errorf("%s: want %s of %s, got %v", way, kind, id, e)
				}
				if way == "SSE" {
					told = append(told, at(e, "cursor").(string))
				}
			}
		}
		expect("SNAPSHOT", first)
		second := hook()
		expect("CHANGE", second)
		expect("CHANGE", hook())
		here.mutate("integrationDisconnect", "", map[string]any{"id": second})
		expect("REMOVED", second)

		// Whoever stopped after the second event gets the rest, in order, over either way.
		after := map[string]any{"after": told[1]}
		events = there.subscribe(streamed, after)
		again := map[string]func() map[string]any{
			"SSE": func() map[string]any { t.Helper(); return next(t, events) }, "WebSocket": there.socket(streamed, after),
		}
		for way, read := range again {
			var cursors []string
			for range told[2:] {
				cursors = append(cursors, at(read(), "integrationHealthChanged", "cursor").(string))
			}
			if !slices.Equal(cursors, told[2:]) {
				t.Errorf("%s: resumed with %q, want %q", way, cursors, told[2:])
			}
		}
		refused := there.try(streamed, map[string]any{"after": "nonsense"})
		if len(refused.Errors) == 0 {
			t.Errorf("a malformed cursor: %s", refused.raw)
		}
	})
}
