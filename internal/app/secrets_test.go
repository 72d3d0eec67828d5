package app_test

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	_ "github.com/lib/pq"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// TestNoOutputHoldsASecret walks the main job against a vendor whose every secret is marked and who repeats them in its
// errors, then searches the log, every answer and every byte of the database for the mark.
func TestNoOutputHoldsASecret(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		v := newVendor(t)
		host := strings.TrimPrefix(v.URL, "http://")
		r := serveReal(t, database,
			"--manifests", manifests(t, v.URL), "--egress-allow", host,
			"--oauth-clients", `{"google":{"client_id":"client","client_secret":"`+mark+`-client-secret"}}`)
		answers := &strings.Builder{}
		keep := func(a any) any { fmt.Fprintln(answers, text(a)); return a }

		userID := at(keep(r.mutate("userCreate", "user { id }", map[string]any{"externalId": "ada"})), "user", "id").(string)
		connect := r.mutate("integrationConnect", "authorizationUrl state", map[string]any{
			"userId": userID, "provider": "google_calendar", "redirectUrl": "http://127.0.0.1:9/done",
			"scopes": []string{"calendar.events"},
		})
		state := connect["state"].(string)
		done := keep(r.mutate("integrationCallback", "integration { id status config secretNames health { status message } }",
			map[string]any{"userId": userID, "provider": "google_calendar", "code": mark + "-code", "state": state}))
		id := at(done, "integration", "id").(string)
		ask := func(id, question string) {
			keep(r.try(`mutation($i: IntegrationQueryInput!) { integrationQuery(input: $i) { result { plan { request arguments } results { title structuredData } } userErrors { message code } } }`,
				map[string]any{"i": map[string]any{"integrationId": id, "query": question}}).raw)
		}
		ask(id, "what meetings do i have tomorrow")
		keep(r.try(`mutation($i: ID!) { integrationRefresh(input: {id: $i}) { integration { health { status message } } userErrors { message } } }`,
			map[string]any{"i": id}).raw)

		pasted := keep(r.mutate("integrationCreate", "integration { id status config secretNames account { id } }",
			map[string]any{
				"userId": userID, "provider": "google_calendar", "name": "Pasted", "config": map[string]any{
					"credentials": `{"type":"authorized_user","client_id":"client","refresh_token":"` + mark + `-pasted"}`,
				},
			}))
		if got := at(pasted, "integration", "status"); got != "CONNECTED" {
			t.Errorf("with pasted credentials it is %v", got)
		}

		// A call by name: its arguments, its key and its answer are the caller's, and are kept nowhere.
		private := []string{"ARGUMENT51b0", "KEY8e2f-of-a-call", answered}
		invoke := map[string]any{
			"integrationId": id, "capability": "create_event", "idempotencyKey": private[1],
			"arguments": map[string]any{"title": private[0], "start": "2026-01-21T09:00:00Z", "end": "2026-01-21T10:00:00Z"},
		}
		selection := "replayed result { plan { request } results { title structuredData } }"
		if made := keep(r.mutate("integrationInvoke", selection, invoke)); at(made, "result", "results", 0, "title") != answered {
			t.Errorf("the write: %v", made)
		}
		keep(r.mutate("integrationInvoke", selection, invoke))
		invoke["arguments"] = map[string]any{"title": private[0], "start": private[0], "nonsense": private[0]}
		keep(r.attempt("integrationInvoke", selection, invoke))

		hook := r.mutate("integrationCreate", "signingSecret integration { id config secretNames }", map[string]any{
			"userId": userID, "provider": "custom_webhook", "name": "Orders",
			"config": map[string]any{
				"url":            v.URL + "/hook",
				"authentication": map[string]any{"type": "bearer", "token": "{{TOKEN}}"},
				"capabilities": []any{map[string]any{
					"name": "order_status", "description": "Where an order is", "trigger_phrases": []string{"order status", "where is my order"},
				}},
			},
			"secrets": map[string]any{"TOKEN": mark + "-webhook-token"},
		})
		signing := hook["signingSecret"].(string)
		hookID := at(hook, "integration", "id").(string)
		keep(hook["integration"])
		ask(hookID, "where is my order 1001")
		keep(r.try(`mutation($i: IntegrationUpdateInput!) { integrationUpdate(input: $i) { integration { config secretNames } userErrors { message } } }`,
			map[string]any{"i": map[string]any{"id": hookID, "config": map[string]any{"url": v.URL + "/angry", "authentication": map[string]any{"type": "nonsense", "token": mark + "-bad"}}}}).raw)
		keep(r.try(`mutation($i: IntegrationUpdateInput!) { integrationUpdate(input: $i) { integration { config } userErrors { message } } }`,
			map[string]any{"i": map[string]any{"id": hookID, "config": map[string]any{"url": v.URL + "/angry"}}}).raw)
		ask(hookID, "order status of 1001")

		v.revoke()
		ask(id, "what meetings do i have today")
		keep(r.try(`{ users { nodes { integrations { nodes { id config secretNames account { id } health { status reason message }
			auditEvents { nodes { eventType details query errorCode } } } } } } auditEvents(first: 100) { nodes { eventType details actor } } }`, nil).raw)
		keep(r.try(`mutation { integrationCallback(input: {provider: "google_calendar", state: "`+mark+`-state", code: "`+mark+`-code"}) { userErrors { message code field } } }`, nil).raw)
		keep(r.try(`{ broken `+mark, nil).raw)

		dump := dumpOf(t, database) // while everything is still there
		r.mutate("userDelete", "deletedUserId revocations { outcome message }", map[string]any{"id": userID})
		if code := r.stop(); code != 0 {
			t.Fatalf("the server ended with code %d", code)
		}
		dump += dumpOf(t, database)

		for place, content := range map[string]string{"the log": r.Log.String(), "the database": dump} {
			for _, one := range private {
				if strings.Contains(content, one) {
					t.Errorf("%s holds %s, which was part of a call by name", place, one)
				}
			}
		}
		// The vendor did receive the secrets, so the test is not about nothing.
		for _, sent := range []string{mark + "-client-secret", mark + "-code", mark + "-access-1", mark + "-refresh", mark + "-pasted", mark + "-webhook-token"} {
			if !strings.Contains(v.requests(), sent) {
				t.Errorf("the vendor never received %s", sent)
			}
		}
		for place, content := range map[string]string{"the log": r.Log.String(), "an answer": answers.String(), "the database": dump} {
			for name, secret := range map[string]string{"a marked secret": mark, "the API key": r.Key, "the state": state, "the signing key": signing} {
				for _, form := range []string{secret, hex.EncodeToString([]byte(secret))} {
					if i := strings.Index(content, form); i >= 0 {
						t.Errorf("%s holds %s: …%q…", place, name, content[max(0, i-120):min(len(content), i+120)])
					}
				}
			}
		}
	})
}

// dumpOf returns everything that a database holds.
func dumpOf(t *testing.T, database string) string {
	t.Helper()
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		var all strings.Builder
		for _, name := range []string{path, path + "-wal"} {
			b, err := os.ReadFile(name)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			all.Write(b)
		}
		if !strings.Contains(all.String(), "API_KEY_CREATED") {
			t.Fatal("the dump of SQLite holds no data")
		}
		return all.String()
	}
	db, err := sql.Open("postgres", database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var all strings.Builder
	for _, table := range column(t, db, `select table_name::text from information_schema.tables where table_schema = 'public'`) {
		for _, row := range column(t, db, `select t::text from "`+table+`" t`) {
			all.WriteString(row + "\n")
		}
	}
	if !strings.Contains(all.String(), "API_KEY_CREATED") {
		t.Fatal("the dump of PostgreSQL holds no data")
	}
	return all.String()
}

func column(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
