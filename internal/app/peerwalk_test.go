package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// TestTheMainJobAgainstAnIndependentPeer walks the same way as TestTheMainJob, against a Google that nobody here wrote,
// which an operator's manifests put in the place of the real one.
func TestTheMainJobAgainstAnIndependentPeer(t *testing.T) {
	t.Parallel()
	dir := installPeer(t)
	storetest.RunURL(t, func(t *testing.T, database string) {
		const ada, eve, redirect = "ada@example.com", "eve@example.com", "https://app.example.com/done"
		g := startPeer(t, dir)
		r := serveReal(t, database, "--manifests", g.manifests(),
			"--egress-allow", strings.TrimPrefix(g.URL, "http://"),
			"--oauth-clients", `{"google":{"client_id":"patchbay","client_secret":"not-so-secret"}}`)
		userID := at(r.mutate("userCreate", "user { id }", map[string]any{
			"externalId": "ada", "metadata": map[string]any{"timezone": zone.String()},
		}), "user", "id").(string)
		health := r.subscribe(`subscription($user: ID) { integrationHealthChanged(userId: $user) {
			kind integrationId health { status reason nextAction } } }`, map[string]any{"user": userID})

		// Connect the calendar through Patchbay's own pages and the peer's.
		connect := map[string]any{"userId": userID, "provider": "google_calendar", "scopes": []string{"calendar.readonly"}}
		started := r.mutate("integrationConnect", "authorizationUrl state", connect)
		ownPage := started["authorizationUrl"].(string)
		own, _, _ := strings.Cut(ownPage, "/oauth/")
		g.tell("seed", world(time.Now(), ada, eve, own+"/oauth/callback", redirect))
		page, last := g.browse(ownPage, ada)
		if last.Path != "/oauth/callback" || !strings.Contains(page, "is connected") {
			t.Fatalf("the last page is %s:\n%s", last.Path, page)
		}
		attempt := r.ask(`query($s: String!) { connectAttempt(state: $s) { status integration {
			id account { id } scopes } } }`, map[string]any{"s": started["state"]})
		calendar, _ := at(attempt, "connectAttempt", "integration", "id").(string)
		if at(attempt, "connectAttempt", "status") != "SUCCEEDED" ||
			at(attempt, "connectAttempt", "integration", "account", "id") != ada ||
			at(attempt, "connectAttempt", "integration", "scopes", 0) != "calendar.readonly" {
			t.Fatalf("attempt = %v", attempt)
		}
		if e := next(t, health); at(e, "integrationHealthChanged", "health", "status") != "HEALTHY" {
			t.Errorf("the calendar is new: %v", e)
		}

		// Connect the mail with a redirect URL of the caller's. A code that the peer never issued is refused.
		wanted := map[string]any{"userId": userID, "provider": "gmail", "redirectUrl": redirect}
		begun := r.mutate("integrationConnect", "authorizationUrl state", wanted)
		if refused := r.attempt("integrationCallback", "integration { id }", map[string]any{
			"userId": userID, "provider": "gmail", "code": "never-issued", "state": begun["state"],
		}); at(refused, "userErrors", 0, "code") != "INVALID" || at(refused, "userErrors", 0, "field", 1) != "code" {
			t.Errorf("a code that was never issued: %v", refused)
		}
		begun = r.mutate("integrationConnect", "authorizationUrl state", wanted)
		_, back := g.browse(begun["authorizationUrl"].(string), ada)
		if back.Query().Get("state") != begun["state"] {
			t.Fatalf("the browser came back to %s", back)
		}
		mail, _ := at(r.mutate("integrationCallback", "integration { id status account { id } }", map[string]any{
			"userId": userID, "provider": "gmail", "code": back.Query().Get("code"), "state": begun["state"],
		}), "integration", "id").(string)
		if e := next(t, health); at(e, "integrationHealthChanged", "integrationId") != mail {
			t.Errorf("the mail is new: %v", e)
		}

		// The nested read.
		read := r.ask(`query { users(first: 20) { edges { node { externalId integrations(first: 5) { edges { node {
			provider { name } status account { id } health { status } lastUsedAt
			auditEvents(first: 3) { edges { node { eventType } } } } } } } } } }`, nil)
		if n := strings.Count(text(read), `"status":"CONNECTED"`); n != 2 || strings.Count(text(read), ada) != 2 ||
			strings.Count(text(read), `"eventType":"CONNECTED"`) != 2 {
			t.Errorf("read = %v", read)
		}

		// Questions.
		question := func(integration, text string, limit int) map[string]any {
			t.Helper()
			return r.attempt("integrationQuery", `result { capability { name } plan { request } truncated results {
				__typename title content structuredData ... on CalendarEvent { start end allDay attendees }
				... on EmailMessage { from to sentAt unread } } }`,
				map[string]any{"integrationId": integration, "query": text, "limit": limit})
		}
		for _, q := range []struct {
			integration, text string
			limit             int
			capability        string
			titles            []any
		}{
			{calendar, "What meetings do I have tomorrow?", 20, "list_events", []any{"Stand-up", "Review"}},
			{calendar, "What meetings do I have tomorrow afternoon?", 20, "list_events", []any{"Review"}},
			{calendar, "What meetings do I have tomorrow?", 1, "list_events", []any{"Stand-up"}},
			{calendar, "meetings with Sarah tomorrow", 20, "search_events", []any{"Stand-up"}},
			{calendar, `find events about "Sailing"`, 20, "search_events", []any{"Sailing"}},
			{calendar, "When am I busy tomorrow?", 20, "free_busy", []any{"Busy", "Busy"}},
			{mail, "emails from Sarah about the budget last week", 20, "search_messages", []any{"Budget"}},
			{mail, "unread emails about the budget", 20, "search_messages", []any{"Budget"}},
			{mail, "emails from Sarah about the budget", 2, "search_messages", []any{"Budget", "Budget"}},
			{mail, "emails from Mallory", 20, "search_messages", nil},
		} {
			answer := question(q.integration, q.text, q.limit)
			var titles []any
			results, _ := at(answer, "result", "results").([]any)
			for i := range results {
				titles = append(titles, at(results, i, "title"))
			}
			if at(answer, "result", "capability", "name") != q.capability || fmt.Sprint(titles) != fmt.Sprint(q.titles) ||
				at(answer, "result", "truncated") != (len(results) == q.limit) {
				t.Errorf("%s\n%s", q.text, text(answer))
			}
		}
		meeting := at(question(calendar, "What meetings do I have tomorrow?", 20), "result", "results", 0)
		if from, err := time.Parse(time.RFC3339, fmt.Sprint(at(meeting, "start"))); err != nil || from.In(zone).Hour() != 9 ||
			at(meeting, "attendees", 1) != "sarah@example.com" || at(meeting, "allDay") != false {
			t.Errorf("meeting = %s", text(meeting))
		}
		sailing := at(question(calendar, `find events about "Sailing"`, 20), "result", "results", 0)
		if at(sailing, "allDay") != true || at(sailing, "start") != nil {
			t.Errorf("sailing = %s", text(sailing))
		}
		letter := at(question(mail, "unread emails about the budget", 20), "result", "results", 0)
		if at(letter, "from") != "Sarah Lee <sarah@example.com>" || at(letter, "content") != "The budget: 3 < 4 – ok?" ||
			at(letter, "unread") != true || at(letter, "sentAt") == nil {
			t.Errorf("letter = %s", text(letter))
		}

		// A calendar that the peer does not have.
		settings := func(calendarID string) {
			r.mutate("integrationUpdate", "integration { id }",
				map[string]any{"id": calendar, "config": map[string]any{"calendar_id": calendarID}})
		}
		settings("nobody@example.com")
		for _, asked := range []string{"What meetings do I have tomorrow?", "When am I busy tomorrow?"} {
			if missing := question(calendar, asked, 20); at(missing, "userErrors", 0, "code") != "PROVIDER_FAILED" {
				t.Errorf("%s %v", asked, missing)
			}
		}
		settings("primary")

		// Renewal, probe and audit trail.
		r.mutate("integrationRefresh", "integration { id }", map[string]any{"id": calendar})
		for _, id := range []string{calendar, mail} {
			checked := r.mutate("integrationCheckHealth", "integration { health { status } }", map[string]any{"id": id})
			if at(checked, "integration", "health", "status") != "HEALTHY" {
				t.Errorf("checked = %v", checked)
			}
		}
		trail := text(r.ask(`query($i: ID!) { auditEvents(first: 50, filter: {integrationId: $i}) { nodes { eventType } } }`,
			map[string]any{"i": calendar}))
		for _, want := range []string{"CONNECTED", "QUERY", "TOKEN_REFRESHED"} {
			if !strings.Contains(trail, `"`+want+`"`) {
				t.Errorf("the trail lacks %s: %s", want, trail)
			}
		}

		// The person takes the access away at the peer: the next questions find out, and the subscriber is told.
		g.tell("withdraw", "")
		for integration, asked := range map[string]string{calendar: "What meetings do I have today?", mail: "unread emails"} {
			if refused := question(integration, asked, 20); at(refused, "userErrors", 0, "code") !=
				"REAUTHORIZATION_REQUIRED" {
				t.Errorf("after the withdrawal: %v", refused)
			}
			if e := next(t, health); at(e, "integrationHealthChanged", "integrationId") != integration ||
				at(e, "integrationHealthChanged", "health", "nextAction") != "RECONNECT" {
				t.Errorf("after the withdrawal: %v", e)
			}
		}

		// Reconnect: with another account it is refused, with the same one it is healthy again.
		connect["integrationId"] = calendar
		again := r.mutate("integrationConnect", "authorizationUrl state", connect)
		g.browse(again["authorizationUrl"].(string), eve)
		failed := r.ask(`query($s: String!) { connectAttempt(state: $s) { status } }`, map[string]any{"s": again["state"]})
		if at(failed, "connectAttempt", "status") != "FAILED" {
			t.Errorf("another account came back: %v", failed)
		}
		again = r.mutate("integrationConnect", "authorizationUrl state", connect)
		if page, _ := g.browse(again["authorizationUrl"].(string), ada); !strings.Contains(page, "is connected") {
			t.Fatalf("reconnect:\n%s", page)
		}
		if e := next(t, health); at(e, "integrationHealthChanged", "integrationId") != calendar ||
			at(e, "integrationHealthChanged", "health", "status") != "HEALTHY" {
			t.Errorf("after reconnecting: %v", e)
		}
		if answer := question(calendar, "What meetings do I have tomorrow?", 20); len(at(answer, "userErrors").([]any)) > 0 {
			t.Errorf("after reconnecting: %v", answer)
		}

		// Disconnect: the peer no longer knows the grant.
		gone := r.mutate("integrationDisconnect", "revocation { outcome }", map[string]any{"id": calendar})
		if at(gone, "revocation", "outcome") != "REVOKED" || g.tell("grants", "") != 0.0 {
			t.Errorf("disconnect = %v", gone)
		}
		if e := next(t, health); at(e, "integrationHealthChanged", "kind") != "REMOVED" {
			t.Errorf("after disconnecting: %v", e)
		}
	})
}
