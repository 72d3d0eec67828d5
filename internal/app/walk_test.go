package app_test

import (
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// TestTheMainJob walks the whole way, on both databases: user, connect, consent, callback, nested read, question, audit,
// a revoked token that a subscriber sees as health, reconnect, disconnect.
func TestTheMainJob(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		r := serve(t, database)
		userID := at(r.mutate("userCreate", "user { id externalId }", map[string]any{
			"externalId": "ada", "metadata": map[string]any{"plan": "premium", "timezone": "Asia/Kuwait"},
		}), "user", "id").(string)

		health := r.subscribe(`subscription($user: ID) { integrationHealthChanged(userId: $user) {
			kind cursor integrationId previousStatus health { status reason nextAction } integration { name } } }`,
			map[string]any{"user": userID})

		// Connect through Patchbay's own pages.
		connect := map[string]any{"userId": userID, "provider": "google_calendar", "scopes": []string{"calendar.readonly"}}
		started := r.mutate("integrationConnect", "authorizationUrl state expiresAt", connect)
		status, page, _ := r.browse(started["authorizationUrl"].(string))
		if status != 200 || !strings.Contains(page, "connected") {
			t.Fatalf("the last page: %d\n%s", status, page)
		}
		attempt := r.ask(`query($s: String!) { connectAttempt(state: $s) { status integration { id } } }`,
			map[string]any{"s": started["state"]})
		if at(attempt, "connectAttempt", "status") != "SUCCEEDED" {
			t.Fatalf("attempt = %v", attempt)
		}
		calendar := at(attempt, "connectAttempt", "integration", "id").(string)
		if e := next(t, health); at(e, "integrationHealthChanged", "health", "status") != "HEALTHY" {
			t.Errorf("first event = %v", e)
		}

		// Connect a second service with the caller's own redirect URL.
		mail := r.mutate("integrationConnect", "authorizationUrl state", map[string]any{
			"userId": userID, "provider": "gmail", "redirectUrl": "https://app.example.com/done",
		})
		code := r.consent(mail["authorizationUrl"].(string) + "&sandbox_account=grace@example.com") // a grant of its own
		connected := r.mutate("integrationCallback", "integration { id status account { displayName } scopes }", map[string]any{
			"userId": userID, "provider": "gmail", "code": code, "state": mail["state"],
		})
		if at(connected, "integration", "status") != "CONNECTED" {
			t.Errorf("callback = %v", connected)
		}
		if e := next(t, health); at(e, "integrationHealthChanged", "integration", "name") == nil {
			t.Errorf("second event = %v", e)
		}

		// The nested read.
		read := r.ask(`query { users(first: 20) { totalCount edges { node { externalId metadata integrations(first: 5) { edges { node {
			id provider { name title } status scopes account { displayName } health { status reason }
			auditEvents(first: 3) { edges { node { eventType timestamp succeeded } } } } } } } } } }`, nil)
		nodes := at(read, "users", "edges", 0, "node", "integrations", "edges").([]any)
		if len(nodes) != 2 || at(nodes, 0, "node", "id") != calendar || at(nodes, 0, "node", "status") != "CONNECTED" ||
			at(nodes, 0, "node", "auditEvents", "edges", 0, "node", "eventType") == nil {
			t.Errorf("read = %v", read)
		}

		// The question.
		question := func(integration, text string) map[string]any {
			return r.attempt("integrationQuery", `result { plan { request arguments matchedPhrases confidence } truncated latencyMs
				capability { name } results { __typename title url ... on CalendarEvent { start end allDay attendees }
				... on EmailMessage { from to sentAt unread } } }`, map[string]any{"integrationId": integration, "query": text})
		}
		meetings := question(calendar, "What meetings do I have tomorrow?")
		if len(at(meetings, "userErrors").([]any)) > 0 || at(meetings, "result", "capability", "name") != "list_events" ||
			at(meetings, "result", "results", 0, "__typename") != "CalendarEvent" {
			t.Fatalf("meetings = %v", meetings)
		}
		mailID := at(connected, "integration", "id").(string)
		mails := question(mailID, "emails from Sarah about the budget last week")
		if len(at(mails, "userErrors").([]any)) > 0 || at(mails, "result", "results", 0, "__typename") != "EmailMessage" {
			t.Errorf("mails = %v", mails)
		}

		// The audit trail.
		trail := r.ask(`query($i: ID!) { auditEvents(first: 50, filter: {integrationId: $i}) { nodes {
			eventType actor succeeded query capability latencyMs user { externalId } } } }`, map[string]any{"i": calendar})
		for _, want := range []string{"CONNECTED", "QUERY"} {
			if !strings.Contains(text(trail), want) {
				t.Errorf("the trail lacks %s: %v", want, trail)
			}
		}

		// The person revokes the access at the vendor: the next question finds out, and the subscriber is told.
		r.fault(`{"kind": "revoke"}`)
		refused := question(calendar, "what meetings do i have today")
		if at(refused, "userErrors", 0, "code") != "REAUTHORIZATION_REQUIRED" {
			t.Errorf("after the revocation: %v", refused)
		}
		e := next(t, health)
		if s := at(e, "integrationHealthChanged", "health", "status"); s != "DISCONNECTED" && s != "EXPIRED" {
			t.Errorf("event = %v", e)
		}
		if at(e, "integrationHealthChanged", "health", "nextAction") != "RECONNECT" {
			t.Errorf("event = %v", e)
		}

		// Reconnect: the same integration, healthy again.
		connect["integrationId"] = calendar
		again := r.mutate("integrationConnect", "authorizationUrl state", connect)
		if status, page, _ := r.browse(again["authorizationUrl"].(string)); status != 200 {
			t.Fatalf("reconnect: %d %s", status, page)
		}
		if e := next(t, health); at(e, "integrationHealthChanged", "integrationId") != calendar ||
			at(e, "integrationHealthChanged", "health", "status") != "HEALTHY" {
			t.Errorf("event after reconnecting = %v", e)
		}
		if again := question(calendar, "What meetings do I have tomorrow?"); len(at(again, "userErrors").([]any)) > 0 {
			t.Errorf("after reconnecting: %v", again)
		}

		// Disconnect: revoked at the vendor, removed here.
		gone := r.mutate("integrationDisconnect", "disconnectedIntegrationId revocation { outcome }", map[string]any{"id": calendar})
		if at(gone, "revocation", "outcome") != "REVOKED" {
			t.Errorf("disconnect = %v", gone)
		}
		if e := next(t, health); at(e, "integrationHealthChanged", "kind") != "REMOVED" {
			t.Errorf("event = %v", e)
		}
		deleted := r.mutate("userDelete", "deletedUserId revocations { outcome }", map[string]any{"id": userID})
		if at(deleted, "deletedUserId") != userID {
			t.Errorf("delete = %v", deleted)
		}
	})
}
