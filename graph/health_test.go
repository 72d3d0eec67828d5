package graph_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/viewer"
)

// stream is one subscription over server-sent events.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
	stop  context.CancelFunc
}

func (e *env) follow(as, document string, variables map[string]any) *stream {
	e.t.Helper()
	listener := httptest.NewServer(e.server)
	ctx, stop := context.WithCancel(e.t.Context())
	body, _ := json.Marshal(map[string]any{"query": document, "variables": variables})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, listener.URL+"/graphql", strings.NewReader(string(body)))
	if err != nil {
		e.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", "Bearer "+as)
	answer, err := listener.Client().Do(r)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		stop()
		_ = answer.Body.Close()
		listener.Close()
	})
	return &stream{t: e.t, lines: bufio.NewScanner(answer.Body), stop: stop}
}

// next returns the next event.
func (s *stream) next() *reply {
	s.t.Helper()
	for s.lines.Scan() {
		data, ok := strings.CutPrefix(s.lines.Text(), "data:")
		if !ok || strings.TrimSpace(data) == "" {
			continue
		}
		r := &reply{t: s.t, body: data}
		if err := json.Unmarshal([]byte(data), r); err != nil {
			s.t.Fatal(err)
		}
		return r
	}
	s.t.Fatalf("the stream has ended: %v", s.lines.Err())
	return nil
}

const healthStream = `subscription($after: String, $ids: [ID!], $user: ID) {
	integrationHealthChanged(after: $after, integrationIds: $ids, userId: $user) {
		kind cursor integrationId previousStatus occurredAt health { status reason nextAction message }
		integration { id status user { externalId } } } }`

func TestHealthIsStreamedWithSnapshotChangesAndRemovals(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		ctx := e.ctx()
		ada := e.newUser(ctx, "ada", nil)
		i := e.newIntegration(ctx, &ada.ID, "google_calendar")
		other := e.newCompany("Other")
		theirs := e.newIntegration(e.ctxOf(other), nil, "gmail")

		s := e.follow("acme", healthStream, nil)
		expect(t, s.next(), "SNAPSHOT", i.ID, "HEALTHY", "CONNECTED")

		revoked := health.Finding{Reason: health.CredentialRevoked}
		if _, err := e.health.Report(e.ctxOf(other), theirs.ID, revoked); err != nil {
			t.Fatal(err)
		}
		if _, err := e.health.Report(ctx, i.ID, revoked); err != nil {
			t.Fatal(err)
		}
		change := s.next()
		expect(t, change, "CHANGE", i.ID, "DISCONNECTED", "DISCONNECTED")
		if got := change.at("integrationHealthChanged", "previousStatus"); got != "HEALTHY" {
			t.Errorf("previousStatus %v", got)
		}
		if got := change.at("integrationHealthChanged", "integration", "user", "externalId"); got != "ada" {
			t.Errorf("user %v", got)
		}
		removed := e.must("acme", `mutation($id: ID!) { integrationDisconnect(input: {id: $id}) {
			disconnectedIntegrationId revocation { outcome } userErrors { message } } }`, map[string]any{"id": i.ID})
		if got := removed.at("integrationDisconnect", "disconnectedIntegrationId"); got != i.ID {
			t.Errorf("disconnect: %s", removed.body)
		}
		expect(t, s.next(), "REMOVED", i.ID, "", "")

		// Resumed behind the change, the removal comes again, and what is removed is not read any more.
		after := change.at("integrationHealthChanged", "cursor")
		again := e.follow("acme", healthStream, map[string]any{"after": after}).next()
		expect(t, again, "REMOVED", i.ID, "", "")

		history := e.must("acme", `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, map[string]any{"ids": []string{i.ID}})
		if history.at("nodes", 0) != nil {
			t.Errorf("it is still there: %s", history.body)
		}
	})
}

func expect(t *testing.T, r *reply, kind, integration, status, integrationStatus string) {
	t.Helper()
	if len(r.Errs) > 0 {
		t.Fatal(r.body)
	}
	got := r.at("integrationHealthChanged").(map[string]any)
	if got["kind"] != kind || got["integrationId"] != integration {
		t.Errorf("want %s of %s: %s", kind, integration, r.body)
	}
	if status == "" {
		if got["health"] != nil || got["integration"] != nil {
			t.Errorf("%s carries more than its id: %s", kind, r.body)
		}
		return
	}
	if h := fmt.Sprint(r.at("integrationHealthChanged", "health", "status")); h != status {
		t.Errorf("health %s, want %s", h, status)
	}
	if s := fmt.Sprint(r.at("integrationHealthChanged", "integration", "status")); s != integrationStatus {
		t.Errorf("status %s, want %s", s, integrationStatus)
	}
}

func TestAStreamRefusesWhatItCannotFollow(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		user := e.newUser(e.ctx(), "", nil)
		e.as("acme", viewer.Viewer{Company: e.company, Actor: "key_acme", Scopes: viewer.Scopes})
		for name, variables := range map[string]map[string]any{
			"a cursor that is none":         {"after": "x"},
			"an id of the wrong kind":       {"ids": []string{user.ID}},
			"a user's id of the wrong kind": {"user": e.newIntegration(e.ctx(), nil, "gmail").ID},
			"too many ids":                  {"ids": make([]string, 101)},
		} {
			r := e.follow("acme", healthStream, variables).next()
			if r.code() != "BAD_USER_INPUT" {
				t.Errorf("%s: %s", name, r.body)
			}
		}
	})
}

func TestHealthHistoryPagesNewestFirst(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		i := e.newIntegration(e.ctx(), nil, "gmail")
		for _, reason := range []health.Reason{health.RateLimited, health.CredentialRevoked, health.OK} {
			if _, err := e.health.Report(e.ctx(), i.ID, health.Finding{Reason: reason}); err != nil {
				t.Fatal(err)
			}
		}
		r := e.must("acme", `query($id: ID!) { integration(id: $id) { healthHistory(first: 2) {
			nodes { id from to reason occurredAt } pageInfo { hasNextPage } totalCount } } }`, map[string]any{"id": i.ID})
		same(t, "reasons", r.texts("reason", "integration", "healthHistory", "nodes"), []string{"OK", "CREDENTIAL_REVOKED"})
		same(t, "from", r.texts("from", "integration", "healthHistory", "nodes"), []string{"DISCONNECTED", "DEGRADED"})
		if r.at("integration", "healthHistory", "totalCount") != 3.0 ||
			r.at("integration", "healthHistory", "pageInfo", "hasNextPage") != true {
			t.Error(r.body)
		}
		change := r.at("integration", "healthHistory", "nodes", 0, "id")
		found := e.must("acme", `query($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": change})
		if got := found.at("node", "id"); got != change {
			t.Errorf("node: %v", got)
		}
	})
}
