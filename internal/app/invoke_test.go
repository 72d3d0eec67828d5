package app_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// diary is the marked vendor behind a door that counts what is written and can keep writers waiting.
type diary struct {
	*httptest.Server
	posts atomic.Int32
	held  atomic.Bool
	began chan struct{} // receives for each write that is kept waiting
}

func newDiary(t *testing.T) *diary {
	t.Helper()
	v, d := newVendor(t), &diary{began: make(chan struct{}, 1)}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/events") {
			d.posts.Add(1)
			if d.held.Load() {
				d.began <- struct{}{}
				_, _ = r.Body.Read(make([]byte, 1<<10)) // only then the server notices that the caller has gone
				<-r.Context().Done()
				return
			}
		}
		v.serve(w, r)
	}))
	t.Cleanup(d.Close)
	return d
}

// flags are what a server needs to use the diary as Google Calendar.
func (d *diary) flags(t *testing.T) []string {
	return []string{
		"--manifests", manifests(t, d.URL), "--egress-allow", strings.TrimPrefix(d.URL, "http://"),
		"--oauth-clients", `{"google":{"client_id":"client","client_secret":"secret"}}`,
	}
}

// diaryOf connects a user's calendar so that it may be written.
func diaryOf(r *running) string {
	r.t.Helper()
	user := at(r.mutate("userCreate", "user { id }", map[string]any{"externalId": "ada"}), "user", "id")
	state := r.mutate("integrationConnect", "state", map[string]any{
		"userId": user, "provider": "google_calendar", "redirectUrl": "http://127.0.0.1:9/done",
		"scopes": []string{"calendar.events"},
	})["state"]
	return at(r.mutate("integrationCallback", "integration { id }", map[string]any{
		"userId": user, "provider": "google_calendar", "code": "code", "state": state,
	}), "integration", "id").(string)
}

func entry(id, key string, changes ...string) map[string]any {
	arguments := map[string]any{"title": "Review", "start": "2026-01-21T09:00:00Z", "end": "2026-01-21T10:00:00Z"}
	for i := 0; i < len(changes); i += 2 {
		arguments[changes[i]] = changes[i+1]
	}
	return map[string]any{"integrationId": id, "capability": "create_event", "arguments": arguments, "idempotencyKey": key}
}

const invoked = `replayed result { capability { name effect } plan { confidence arguments request } truncated latencyMs
	results { __typename title structuredData ... on CalendarEvent { start } } integration { lastUsedAt } }`

func TestACapabilityIsCalledByItsName(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		d := newDiary(t)
		r := serveReal(t, database, d.flags(t)...)
		id := diaryOf(r)

		shown := r.ask(`query($i: ID!) { integration(id: $i) { capabilities { name effect argumentsSchema } }
			provider(name: "google_calendar") { available authKinds configSchema(authKind: OAUTH2) scopes { name default }
				capabilities { name effect requiredScopes argumentsSchema } } }`, map[string]any{"i": id})
		if at(shown, "provider", "available") != true || at(shown, "provider", "configSchema", "type") != "object" {
			t.Errorf("provider = %v", shown)
		}
		schemas := map[string]any{}
		for _, list := range []any{at(shown, "integration", "capabilities"), at(shown, "provider", "capabilities")} {
			for _, one := range list.([]any) {
				schemas[at(one, "name").(string)] = at(one, "argumentsSchema")
			}
		}
		if fmt.Sprint(at(schemas["create_event"], "required")) != "[title start end]" ||
			at(schemas["list_events"], "additionalProperties") != false {
			t.Errorf("schemas = %v", schemas)
		}

		made := r.mutate("integrationInvoke", invoked, entry(id, "k1"))
		if made["replayed"] != false || at(made, "result", "results", 0, "title") != answered ||
			at(made, "result", "capability", "effect") != "WRITE" || at(made, "result", "integration", "lastUsedAt") == nil ||
			at(made, "result", "plan", "arguments", "title") != "Review" ||
			at(made, "result", "results", 0, "__typename") != "CalendarEvent" {
			t.Errorf("made = %v", made)
		}
		if plan, _ := at(made, "result", "plan").(map[string]any); plan["confidence"] != nil {
			t.Errorf("plan = %v", plan)
		}
		again := r.mutate("integrationInvoke", invoked, entry(id, "k1"))
		if again["replayed"] != true || again["result"] != nil || d.posts.Load() != 1 {
			t.Errorf("again = %v after %d calls", again, d.posts.Load())
		}
		other := r.attempt("integrationInvoke", invoked, entry(id, "k1", "title", "Another"))
		if at(other, "userErrors", 0, "code") != "INVALID" || text(at(other, "userErrors", 0, "field")) != `["input","idempotencyKey"]` ||
			other["replayed"] != nil || other["result"] != nil {
			t.Errorf("other arguments: %v", other)
		}
		wrong := r.attempt("integrationInvoke", invoked, entry(id, "k2", "start", "noon", "titel", "x"))
		if faults := at(wrong, "userErrors").([]any); len(faults) != 2 || at(faults, 0, "__typename") != "InputError" ||
			!strings.Contains(text(faults), `["input","arguments","start"]`) || !strings.Contains(text(faults), `["input","arguments","titel"]`) {
			t.Errorf("wrong arguments: %v", wrong)
		}
		unknown := map[string]any{"integrationId": id, "capability": "drop_event"}
		if refused := r.attempt("integrationInvoke", invoked, unknown); at(refused, "userErrors", 0, "code") != "NOT_FOUND" ||
			!strings.Contains(text(refused), "create_event") || strings.Contains(text(refused), "drop_event") {
			t.Errorf("an unknown capability: %v", refused)
		}
		read := map[string]any{"integrationId": id, "capability": "list_events", "arguments": map[string]any{"start": "2026-01-01T00:00:00Z"}}
		if listed := r.mutate("integrationInvoke", invoked, read); at(listed, "result", "results", 0, "title") != "Planning" ||
			!strings.Contains(at(listed, "result", "plan", "request").(string), "timeMin=2026-01-01") {
			t.Errorf("a read: %v", listed)
		}
		trail := r.ask(`{ auditEvents(filter: {eventTypes: [INVOKED]}) { nodes { capability succeeded errorCode query latencyMs details } } }`, nil)
		if nodes := at(trail, "auditEvents", "nodes").([]any); len(nodes) != 6 ||
			text(at(nodes, 5, "details", "arguments")) != `["end","start","title"]` || at(nodes, 4, "details", "replayed") != true ||
			at(nodes, 3, "errorCode") != "INVALID" || strings.Contains(text(nodes), "Review") || strings.Contains(text(nodes), "titel") {
			t.Errorf("trail = %v", trail)
		}
	})
}

// TestAWriteIsSentOnceThoughItsServerIsKilled kills a real process while the provider has the write and has not answered.
func TestAWriteIsSentOnceThoughItsServerIsKilled(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		d := newDiary(t)
		command(t, "migrate", "--database", database)
		f := &fleet{t: t, key: strings.TrimSpace(command(t, "apikey", "create", "--database", database, "--company", "Acme"))}
		f.args = append([]string{"serve", "--database", database, "--key-ring-file", keyRing(t), "--listen", "127.0.0.1:0",
			"--log-level", "warn"}, d.flags(t)...)
		first := f.start()
		id := diaryOf(first.running)
		d.held.Store(true)
		cut := make(chan error)
		go func() {
			_, err := first.send(context.WithoutCancel(t.Context()),
				`mutation($i: IntegrationInvokeInput!) { integrationInvoke(input: $i) { replayed } }`,
				map[string]any{"i": entry(id, "k")})
			cut <- err
		}()
		<-d.began
		first.stop()
		if err := <-cut; err == nil {
			t.Error("a server that was killed has answered")
		}

		d.held.Store(false)
		second := f.start()
		code := func(key string) any {
			return at(second.attempt("integrationInvoke", "replayed", entry(id, key)), "userErrors", 0, "code")
		}
		if got := code("k"); got != "TAKEN" {
			t.Errorf("at once: %v", got)
		}
		db := openBeside(t, database)
		defer db.Close()
		statement := `update invocations set created_at = created_at - interval '2 minutes'`
		if strings.HasPrefix(database, "sqlite:") {
			statement = `update invocations set created_at = datetime(created_at, '-2 minutes')`
		}
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		if got := code("k"); got != "OUTCOME_UNKNOWN" || d.posts.Load() != 1 {
			t.Errorf("later: %v, %d calls", got, d.posts.Load())
		}
		if got := code("new"); got != nil || d.posts.Load() != 2 {
			t.Errorf("with a new key: %v, %d calls", got, d.posts.Load())
		}
	})
}
