package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/internal/audit"
)

// world makes users with integrations with audit events, and returns the users' ids, oldest first.
func (e *env) world(users, integrations, events int) []string {
	e.t.Helper()
	ctx := e.ctx()
	var out []string
	for u := range users {
		row := e.newUser(ctx, fmt.Sprintf("ext-%d", u), nil)
		out = append(out, row.ID)
		for range integrations {
			i := e.newIntegration(ctx, &row.ID, "google_calendar")
			for range events {
				e.newEvent(ctx, i, audit.Query)
			}
		}
	}
	return out
}

const nestedRead = `query($u: Int!, $i: Int!, $e: Int!) {
	users(first: $u) { edges { node { id externalId metadata
		integrations(first: $i) { edges { node { id provider { name } status scopes lastUsedAt
			auditEvents(first: $e) { edges { node { eventType timestamp } } } } } } } } } }`

func TestTheNestedReadIsThreeStatementsWhateverItsSizes(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		e.world(12, 3, 4)
		for _, size := range []struct{ u, i, e int }{{1, 1, 1}, {5, 2, 3}, {12, 3, 4}, {20, 5, 3}} {
			r := e.must("acme", nestedRead, map[string]any{"u": size.u, "i": size.i, "e": size.e})
			if len(r.statements) != 3 {
				t.Errorf("%+v: %d statements:\n%s", size, len(r.statements), strings.Join(r.statements, "\n"))
			}
			users := r.at("users", "edges").([]any)
			if want := min(size.u, 12); len(users) != want {
				t.Errorf("%+v: %d users, want %d", size, len(users), want)
			}
			for n := range users {
				integrations := r.at("users", "edges", n, "node", "integrations", "edges").([]any)
				if want := min(size.i, 3); len(integrations) != want {
					t.Fatalf("%+v: %d integrations, want %d", size, len(integrations), want)
				}
				for m := range integrations {
					at := []any{"users", "edges", n, "node", "integrations", "edges", m, "node"}
					if got := len(r.at(append(at, "auditEvents", "edges")...).([]any)); got != min(size.e, 4) {
						t.Fatalf("%+v: %d events", size, got)
					}
					if got := r.at(append(at, "status")...); got != "CONNECTED" {
						t.Fatalf("status %v", got)
					}
				}
			}
		}
	})
}

func TestTheLookAheadAnswersWhatTheLoadersAnswer(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		ids := e.world(3, 3, 3)
		// The same below the query's own field, and below an integration's user, where nothing is looked ahead.
		fields := `id externalId integrations(last: 2, filter: {providers: ["google_calendar"], enabled: true}) {
			nodes { id name config health { status reason nextAction } capabilities { name } account { displayName }
				auditEvents(first: 2, filter: {eventTypes: [QUERY], since: "2020-01-01T02:00:00+02:00"}) {
					edges { cursor node { id details actor } } pageInfo { hasNextPage hasPreviousPage endCursor } totalCount } }
			pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }
			auditEvents(last: 4) { nodes { id eventType } totalCount } stats { integrationsCount }`
		ahead := e.must("acme", `query($id: ID!) { user(id: $id) { `+fields+` } }`, map[string]any{"id": ids[1]})
		owned := ahead.at("user", "integrations", "nodes", 0, "id")
		loaded := e.must("acme", `query($id: ID!) { integration(id: $id) { user { `+fields+` } } }`, map[string]any{"id": owned})
		a, l := ahead.at("user"), loaded.at("integration", "user")
		if diff := cmp.Diff(a, l); diff != "" {
			t.Errorf("they differ:\n%s", diff)
		}
	})
}

func TestLooksUpOneUserWithEverythingInThreeStatements(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		ids := e.world(2, 4, 4)
		below := `{ id integrations { nodes { id auditEvents { nodes { id } } } } }`
		for name, document := range map[string]string{
			"user":             `query($id: ID!) { user(id: $id) ` + below + ` }`,
			"userByExternalId": `query { userByExternalId(externalId: "ext-1") ` + below + ` }`,
			"node":             `query($id: ID!) { node(id: $id) { ... on User ` + below + ` } }`,
		} {
			r := e.must("acme", document, map[string]any{"id": ids[1]})
			if len(r.statements) != 3 {
				t.Errorf("%s: %d statements:\n%s", name, len(r.statements), strings.Join(r.statements, "\n"))
			}
			if got := r.at(name, "id"); got != ids[1] {
				t.Errorf("%s: %v", name, got)
			}
		}
	})
}

func TestFragmentsAliasesAndDirectivesAreLookedThrough(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		e.world(3, 2, 2)
		r := e.must("acme", `query($no: Boolean!) {
			users(first: 3, orderBy: {field: CREATED_AT, direction: ASC}) { ...page nodes { ...more } } }
			fragment page on UserConnection { edges { node { ...more ... on Node { id } } } }
			fragment more on User { id
				one: integrations(first: 1) { nodes { id } }
				two: integrations(first: 2) { nodes { id skipped: auditEvents @skip(if: $no) { nodes { id } } } } }`,
			map[string]any{"no": true})
		if len(r.statements) != 3 { // users, and the two sizes of pages below them
			t.Errorf("%d statements:\n%s", len(r.statements), strings.Join(r.statements, "\n"))
		}
		same(t, "one", r.texts("id", "users", "nodes", 0, "one", "nodes")[:1],
			r.texts("id", "users", "edges", 0, "node", "two", "nodes")[:1])
	})
}

func TestEverythingElseBelowAPageIsReadTogether(t *testing.T) {
	bothAtLeisure(t, func(t *testing.T, e *env) {
		e.world(30, 2, 1)
		r := e.must("acme", `{ integrations(first: 60) { nodes { id user { externalId }
			stats { queriesTotal } personalityAccess { allowed } healthHistory { totalCount } } } }`, nil)
		// integrations, users, usage, rules, history, its counts
		if len(r.statements) != 6 {
			t.Errorf("%d statements:\n%s", len(r.statements), strings.Join(r.statements, "\n"))
		}
		if got := r.at("integrations", "nodes", 59, "user", "externalId"); got != "ext-29" {
			t.Errorf("externalId = %v", got)
		}
	})
}
