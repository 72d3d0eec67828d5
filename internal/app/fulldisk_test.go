package app_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"modernc.org/sqlite"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// rooms are how large SQLite files may become, in pages: what a disk with little room does to a file.
var rooms sync.Map // path → pages

// limitRoom makes every connection to a SQLite file that is opened from now on keep to a number of pages.
var limitRoom = sync.OnceFunc(func() {
	sqlite.RegisterConnectionHook(func(c sqlite.ExecQuerierContext, dsn string) error {
		path, _, _ := strings.Cut(strings.TrimPrefix(dsn, "file:"), "?")
		if pages, ok := rooms.Load(path); ok && strings.Contains(dsn, "journal_mode") { // the writer
			_, err := c.ExecContext(context.Background(), fmt.Sprintf("pragma max_page_count = %d", pages), nil)
			return err
		}
		return nil
	})
})

// TestAFullDiskRefusesWritesAndKeepsReading fills the room of a SQLite database through the public door and then makes
// room again.
func TestAFullDiskRefusesWritesAndKeepsReading(t *testing.T) {
	t.Parallel()
	database := storetest.SQLite(t)
	path := strings.TrimPrefix(database, "sqlite:")
	s := newSealedServer(t, database)
	hook := s.webhook()
	if code := s.stop(); code != 0 {
		t.Fatalf("the server ended with code %d", code)
	}
	beside := openBeside(t, database)
	defer beside.Close()
	for _, statement := range []string{
		`create table ballast (b blob)`, `insert into ballast values (zeroblob(1 << 20))`, `pragma wal_checkpoint(truncate)`,
	} {
		if _, err := beside.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	rooms.Store(path, info.Size()/4096+60)
	limitRoom()
	s.running = s.start(t)

	const note = 4 << 10
	create := func() (id string, a answer) {
		t.Helper()
		a = s.try(`mutation($m: JSONObject!) { userCreate(input: {metadata: $m}) { user { id } userErrors { message } } }`,
			map[string]any{"m": map[string]any{"note": strings.Repeat("x", note)}})
		id, _ = at(a.Data, "userCreate", "user", "id").(string)
		return id, a
	}
	var made []string
	id, a := create()
	for ; id != "" && len(made) < 1000; id, a = create() {
		made = append(made, id)
	}
	if len(a.Errors) == 0 || a.Errors[0].Extensions["code"] != "UNAVAILABLE" || !strings.Contains(a.raw, "no room left") {
		t.Fatalf("after %d users: %s", len(made), a.raw)
	}
	for range 3 { // a small one may still have fitted in
		id, a = create()
		if id != "" {
			made = append(made, id)
		}
	}
	if id != "" || !strings.Contains(a.raw, "no room left") {
		t.Errorf("a full disk took a user: %s", a.raw)
	}
	// An answer that cannot be written down is not given.
	for n := 0; len(a.Errors) == 0 || n == 0; n++ { // until the last free page is used
		a = s.try(`mutation($i: ID!, $q: String!) { integrationQuery(input: {integrationId: $i, query: $q}) {
			result { latencyMs } userErrors { code } } }`,
			map[string]any{"i": hook, "q": "order status " + strings.Repeat("x", 1900)})
		if n > 100 {
			t.Fatalf("a question on a full disk: %s", a.raw)
		}
	}
	if a.Errors[0].Extensions["code"] != "UNAVAILABLE" {
		t.Errorf("a question on a full disk: %s", a.raw)
	}
	got := s.ask(`{ users(first: 1) { totalCount } viewer { company { name } } }`, nil)
	if n := at(got, "users", "totalCount"); n != float64(len(made)) {
		t.Errorf("%v users can be read, %d were made", n, len(made))
	}

	if _, err := beside.ExecContext(t.Context(), `delete from ballast`); err != nil {
		t.Fatal(err)
	}
	id, a = create()
	if id == "" {
		t.Errorf("with room again: %s", a.raw)
	}
	made = append(made, id)
	s.answers(hook)

	rows := column(t, beside, `select id from users order by id`)
	events := column(t, beside,
		`select user_id from audit_events where event_type = 'CREATED' and details->>'kind' = 'user' order by user_id`)
	slices.Sort(made)
	if !slices.Equal(rows, made) || !slices.Equal(events, made) {
		t.Errorf("%d users were answered, %d are there, %d are in the trail", len(made), len(rows), len(events))
	}
	counted := column(t, beside, `select sum(queries) from usage_counters`)
	asked := column(t, beside, `select count(*) from audit_events where event_type = 'QUERY' and succeeded`)
	if sound := column(t, beside, `pragma integrity_check`); sound[0] != "ok" || !slices.Equal(counted, asked) {
		t.Errorf("the file is %v; %v questions are counted, %v in the trail", sound, counted, asked)
	}
}
