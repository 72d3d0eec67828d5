package app_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// TestARevokedKeyEndsItsStreams revokes a key with itself while it has a stream and a socket open, on PostgreSQL at
// another replica: the answer comes, and both end within five seconds and say why.
func TestARevokedKeyEndsItsStreams(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		here := serveReal(t, database)
		there := here
		if !strings.HasPrefix(database, "sqlite:") {
			there = replica(t, database, keyRing(t), here.Key)
		}
		made := here.mutate("apiKeyCreate", "apiKey { id } secret", map[string]any{"name": "app", "scopes": []string{"ADMIN"}})
		key := made["secret"].(string)
		first := *there
		here.Key, there.Key = key, key

		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		stream := there.post(ctx, "text/event-stream", `subscription { integrationHealthChanged { kind } }`, nil)
		defer stream.Body.Close()
		lines := bufio.NewReader(stream.Body)
		if _, err := lines.ReadString('\n'); err != nil { // the stream is open
			t.Fatal(err)
		}
		socket, _, err := websocket.Dial(ctx, there.URL+"/graphql", &websocket.DialOptions{ //nolint:bodyclose // the connection's
			Subprotocols: []string{"graphql-transport-ws"},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = socket.CloseNow() }()
		init := text(map[string]any{"type": "connection_init", "payload": map[string]any{"authorization": "Bearer " + key}})
		if err := socket.Write(ctx, websocket.MessageText, []byte(init)); err != nil {
			t.Fatal(err)
		}
		if _, frame, err := socket.Read(ctx); err != nil || !strings.Contains(string(frame), "connection_ack") {
			t.Fatalf("%s, %v", frame, err)
		}

		since := newStopwatch(t, func() {
			if _, err := first.send(ctx, `{ viewer { company { name } } }`, nil); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		})
		revoked := here.mutate("apiKeyRevoke", "apiKey { revokedAt }", map[string]any{"id": at(made, "apiKey", "id")})
		if at(revoked, "apiKey", "revokedAt") == nil {
			t.Errorf("revoked = %v", revoked)
		}
		rest, err := io.ReadAll(lines)
		if err != nil || !strings.Contains(string(rest), "The API key has been revoked.") {
			t.Errorf("the stream ended with %q, %v", rest, err)
		}
		_, frame, err := socket.Read(ctx)
		if end, ok := errors.AsType[websocket.CloseError](err); !ok || end.Code != 4403 ||
			end.Reason != "The API key has been revoked." {
			t.Errorf("the socket ended with %v %q", err, frame)
		}
		if took := since(); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// TestTheStreamOfADeletedUserEnds deletes a user whose health is followed, on PostgreSQL at another replica.
func TestTheStreamOfADeletedUserEnds(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		here := serveReal(t, database)
		there := here
		if !strings.HasPrefix(database, "sqlite:") {
			there = replica(t, database, keyRing(t), here.Key)
		}
		userID := at(here.mutate("userCreate", "user { id }", map[string]any{}), "user", "id").(string)
		made := here.mutate("integrationCreate", "integration { id }", map[string]any{
			"userId": userID, "provider": "custom_webhook", "name": "Orders", "config": map[string]any{
				"url":          "https://webhooks.example.com/",
				"capabilities": []any{map[string]any{"name": "orders", "description": "", "trigger_phrases": []string{"order"}}},
			},
		})
		events := there.subscribe(`subscription($user: ID) { integrationHealthChanged(userId: $user) { kind integrationId } }`,
			map[string]any{"user": userID})
		if e := next(t, events); at(e, "integrationHealthChanged", "kind") != "SNAPSHOT" {
			t.Errorf("first = %v", e)
		}
		here.mutate("userDelete", "deletedUserId", map[string]any{"id": userID})
		e := next(t, events)
		if at(e, "integrationHealthChanged", "kind") != "REMOVED" ||
			at(e, "integrationHealthChanged", "integrationId") != at(made, "integration", "id") {
			t.Errorf("then = %v", e)
		}
		select {
		case e, open := <-events:
			if open {
				t.Errorf("more came: %v", e)
			}
		case <-time.After(patience):
			t.Error("the stream goes on")
		}
	})
}
