package app_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lib/pq"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// badInput is one operation that must be refused.
type badInput struct {
	document  string
	variables map[string]any
	code      string // of the userError, or of the top-level error
	field     string // dotted; "" when no field is at fault
	// writes names the tables that the refusal itself may change: a state is used up, a failure is in the audit trail.
	writes []string
}

// input is a mutation with its input.
func input(field string, in map[string]any, code, at string, writes ...string) badInput {
	typ := strings.ToUpper(field[:1]) + field[1:] + "Input"
	return badInput{
		document: "mutation($input: " + typ + "!) { " + field + "(input: $input) { " +
			"userErrors { __typename code message field } } }",
		variables: map[string]any{"input": in}, code: code, field: at, writes: writes,
	}
}

// read is a document of which one argument is wrong.
func read(document, field string) badInput {
	return badInput{document: document, code: "BAD_USER_INPUT", field: field}
}

// TestBadInputIsRefused sends everything that people and attackers get wrong through the running program, and asks for
// three things each time: a code and the field at fault, a database as it was, and not one secret or internal in the
// answer or the log.
func TestBadInputIsRefused(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		v := careless(t)
		host := strings.TrimPrefix(v.URL, "http://")
		flags := []string{
			"--manifests", manifests(t, v.URL), "--egress-allow", host,
			"--oauth-clients", `{"google":{"client_id":"client","client_secret":"` + mark + `-client-secret"}}`,
		}
		command(t, "migrate", "--database", database)
		key := strings.TrimSpace(command(t, "apikey", "create", "--database", database, "--company", "Acme"))
		ring := keyRing(t)
		first := replica(t, database, ring, key, flags...)
		w := newBadWorld(first, database, v.URL)
		if code := first.stop(); code != 0 { // with what runs by itself, which would write between two looks at the tables
			t.Fatalf("the server ended with code %d", code)
		}
		w.rest(database)
		r := replica(t, database, ring, key, flags...)

		for _, key := range sqlKeys { // to look for such a key is no fault: it is bound, and nothing has it
			found := r.ask(`query($m: JSONObject) { users(filter: {metadata: $m}) { totalCount } }`,
				map[string]any{"m": map[string]any{key: "x"}})
			if at(found, "users", "totalCount") != 0.0 {
				t.Errorf("%s: %v", key, found)
			}
		}
		db := openBeside(t, database)
		defer db.Close()
		raw := map[string]string{}
		for name, c := range w.cases() {
			before := tablesOf(t, db)
			a := r.try(c.document, c.variables)
			after := tablesOf(t, db)
			if code, field := w.fault(a); code != c.code || field != c.field {
				t.Errorf("%s: want %s at %q, got %s at %q: %s", name, c.code, c.field, code, field, a.raw)
			}
			raw[name] = a.raw
			if strings.Contains(a.raw, mark) {
				t.Errorf("%s: the answer holds a secret: %s", name, a.raw)
			}
			for _, word := range []string{"pq:", "sqlite", "SQL", "ent:", "goroutine", ".go:", "127.0.0.1", "dial"} {
				if strings.Contains(a.raw, word) {
					t.Errorf("%s: the answer holds an internal (%s): %s", name, word, a.raw)
				}
			}
			for table := range after {
				if before[table] != after[table] && table != "api_keys" && !slices.Contains(c.writes, table) {
					t.Errorf("%s: it wrote to %s", name, table)
				}
			}
		}
		// What belongs to another company is answered like what does not exist.
		for name, answer := range raw {
			if field, ok := strings.CutSuffix(name, " of another company"); ok && raw[field+" of nobody"] != "" {
				if nobody := raw[field+" of nobody"]; w.withoutIDs(answer) != w.withoutIDs(nobody) {
					t.Errorf("%s: %s\nof nobody: %s", name, answer, nobody)
				}
			}
		}
		if strings.Contains(first.Log.String()+r.Log.String(), mark) {
			t.Error("the log holds a secret")
		}
	})
}

// badWorld is what bad input is tried on: two companies, users, and a webhook and a calendar for each bad answer.
type badWorld struct {
	t                 *testing.T
	vendor            string
	ada, bob          string
	personality       string
	foreign           map[string]string // ids of another company, by kind
	states            map[string]string // by what is wrong with them
	webhook, calendar map[string]string // integrations, by the answer that the vendor gives
}

// sqlKeys would be SQL, or a path, if they got into a statement's text.
var sqlKeys = []string{`'; drop table users; --`, `"' or 1=1 --`, `$.plan`, `plan"}`, `a[0]`, `%`, `\`, `?`, `$1`, ``}

var badAnswers = []string{"html", "empty", "huge", "truncated", "shape"}

func newBadWorld(r *running, database, vendor string) *badWorld {
	r.t.Helper()
	w := &badWorld{
		t: r.t, vendor: vendor, foreign: map[string]string{}, states: map[string]string{},
		webhook: map[string]string{}, calendar: map[string]string{},
	}
	w.ada, w.bob = w.user(r, "ada"), w.user(r, "bob")
	w.personality = w.newPersonality(r)
	for _, answer := range badAnswers {
		owner := w.user(r, "of-"+answer)
		w.webhook[answer] = w.newWebhook(r, w.hook(map[string]any{"url": vendor + "/" + answer}))
		w.states["used before"] = w.connect(r, owner)
		w.calendar[answer] = w.callback(r, owner, w.states["used before"])
		r.mutate("integrationUpdate", "", map[string]any{
			"id": w.calendar[answer], "config": map[string]any{"calendar_id": answer},
		})
	}
	for _, why := range []string{"of another user", "of another provider", "for a refused code", "over"} {
		w.states[why] = w.connect(r, w.ada)
	}
	w.change(database, `update connect_attempts set expires_at = created_at
		where id = (select max(id) from connect_attempts)`)

	theirs := *r
	theirs.Key = strings.TrimSpace(command(r.t, "apikey", "create", "--database", database, "--company", "Umbrella"))
	w.foreign["user"] = w.user(&theirs, "eve")
	w.foreign["integration"] = w.newWebhook(&theirs, w.hook(nil))
	w.foreign["personality"] = w.newPersonality(&theirs)
	w.states["of another company"] = w.connect(&theirs, w.foreign["user"])
	return w
}

// rest puts off every probe, while no server runs.
func (w *badWorld) rest(database string) {
	w.t.Helper()
	db := openBeside(w.t, database)
	defer db.Close()
	if _, err := db.ExecContext(w.t.Context(), `update integrations set next_probe_at = null`); err != nil {
		w.t.Fatal(err)
	}
}

func (w *badWorld) user(r *running, externalID string) string {
	w.t.Helper()
	return at(r.mutate("userCreate", "user { id }", map[string]any{"externalId": externalID}), "user", "id").(string)
}

func (w *badWorld) newPersonality(r *running) string {
	w.t.Helper()
	made := r.mutate("personalityCreate", "personality { id }", map[string]any{"name": "Bot"})
	return at(made, "personality", "id").(string)
}

func (w *badWorld) newWebhook(r *running, in map[string]any) string {
	w.t.Helper()
	return at(r.mutate("integrationCreate", "integration { id }", in), "integration", "id").(string)
}

func (w *badWorld) connect(r *running, user string) string {
	w.t.Helper()
	return r.mutate("integrationConnect", "state", map[string]any{
		"userId": user, "provider": "google_calendar", "redirectUrl": "https://app.example.com/done",
	})["state"].(string)
}

func (w *badWorld) callback(r *running, user, state string) string {
	w.t.Helper()
	return at(r.mutate("integrationCallback", "integration { id }", map[string]any{
		"userId": user, "provider": "google_calendar", "state": state, "code": "good",
	}), "integration", "id").(string)
}

// hook returns the input of a webhook, its config changed.
func (w *badWorld) hook(changes map[string]any) map[string]any {
	config := map[string]any{
		"url":            w.vendor + "/html",
		"authentication": map[string]any{"type": "bearer", "token": "{{TOKEN}}"},
		"capabilities": []any{map[string]any{
			"name": "orders", "description": "Orders", "trigger_phrases": []string{"order"},
		}},
	}
	maps.Copy(config, changes)
	return map[string]any{
		"provider": "custom_webhook", "name": "Hook", "config": config,
		"secrets": map[string]any{"TOKEN": mark + "-token"},
	}
}

// withoutIDs returns an answer without the ids that were asked for.
func (w *badWorld) withoutIDs(answer string) string {
	return regexp.MustCompile(`(user|int)_[0-9a-z]{26}`).ReplaceAllString(answer, "id")
}

// fault returns the one fault of an answer.
func (w *badWorld) fault(a answer) (code, field string) {
	var path any
	if len(a.Errors) > 0 {
		code, _ = a.Errors[0].Extensions["code"].(string)
		path = a.Errors[0].Extensions["field"]
	} else {
		for _, payload := range a.Data {
			code, _ = at(payload, "userErrors", 0, "code").(string)
			path = at(payload, "userErrors", 0, "field")
		}
	}
	steps, _ := path.([]any)
	names := make([]string, len(steps))
	for i, step := range steps {
		names[i] = fmt.Sprint(step)
	}
	return code, strings.Join(names, ".")
}

// open opens a database beside the server.
func openBeside(t *testing.T, database string) *sql.DB {
	t.Helper()
	driver, dsn := "postgres", database
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		driver, dsn = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// change writes to the database behind the server's back.
func (w *badWorld) change(database, statement string) {
	w.t.Helper()
	db := openBeside(w.t, database)
	defer db.Close()
	result, err := db.ExecContext(w.t.Context(), statement)
	if err != nil {
		w.t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		w.t.Fatalf("%s: %d rows, %v", statement, n, err)
	}
}

// tablesOf returns each table's rows as text.
func tablesOf(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	tables := `select name from sqlite_schema where type = 'table'`
	if _, ok := db.Driver().(*pq.Driver); ok {
		tables = `select table_name::text from information_schema.tables where table_schema = 'public'`
	}
	out := map[string]string{}
	for _, table := range column(t, db, tables) {
		out[table] = rowsOf(t, db, table)
	}
	return out
}

func rowsOf(t *testing.T, db *sql.DB, table string) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `select * from "`+table+`" order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for rows.Next() {
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		for i := range values {
			fmt.Fprintf(&all, "%v ", *values[i].(*any))
		}
		all.WriteByte('\n')
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestABodyOfTenMegabytesIsRefused sends more than any operation can be.
func TestABodyOfTenMegabytesIsRefused(t *testing.T) {
	t.Parallel()
	r := serveReal(t, storetest.SQLite(t))
	body := []byte(`{"query":"{ viewer { scopes } }","variables":{"x":"` + strings.Repeat("x", 10<<20) + `"}}`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.Key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	repeats := strings.Contains(string(answer), "xxx")
	if resp.StatusCode != http.StatusRequestEntityTooLarge || len(answer) > 1000 || repeats {
		t.Errorf("status %d: %.1000s", resp.StatusCode, answer)
	}
}
