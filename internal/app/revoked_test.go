package app_test

import (
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// TestARevokedKeyEndsItsStreams revokes a key with itself, while it has a stream open: the answer comes, the stream ends.
func TestARevokedKeyEndsItsStreams(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		r := serve(t, database)
		made := r.mutate("apiKeyCreate", "apiKey { id } secret", map[string]any{"name": "app", "scopes": []string{"ADMIN"}})
		r.Key = made["secret"].(string)
		r.mutate("userCreate", "user { id }", map[string]any{})
		stream := r.subscribe(`subscription { integrationHealthChanged { kind } }`, nil)
		revoked := r.mutate("apiKeyRevoke", "apiKey { revokedAt }", map[string]any{"id": at(made, "apiKey", "id")})
		if at(revoked, "apiKey", "revokedAt") == nil {
			t.Errorf("revoked = %v", revoked)
		}
		select {
		case e, open := <-stream:
			if open {
				t.Errorf("an event came: %v", e)
			}
		case <-time.After(30 * time.Second):
			t.Error("the stream goes on")
		}
	})
}
