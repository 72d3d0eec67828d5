package query_test

import (
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/usagecounter"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/house/leak"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/query"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
)

func TestMain(m *testing.M) { leak.Main(m) }

const (
	entries = "api.example.com/rooms/main/entries"
	notes   = "api.example.com/notes"
	hook    = "hook.example.com/ask"
)

// patience is the time for what is to succeed, the longest there is: a busy machine may be slow.
const patience = 30 * time.Second

// world is integrationtest's, with the room under test.
type world struct {
	*integrationtest.World
	*query.Service
	row *ent.Integration // ada's agenda
}

func run(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(s, integrationtest.New(t, s))
		w.row = w.Connect(t, w.User, "agenda.read", "agenda.notes")
		fn(t, w)
	})
}

func newWorld(s *store.Store, around *integrationtest.World) *world {
	return &world{World: around, Service: &query.Service{
		Store: s, Catalog: around.Catalog, Integrations: around.Service, Credentials: around.Credentials,
		Audit: around.Audit, Health: around.Health, Log: around.Log, Now: around.Now, NewID: around.NewID,
	}}
}

func (w *world) ask(text string, change ...func(*query.AskInput)) (*query.Result, error) {
	in := query.AskInput{IntegrationID: w.row.ID, Query: text, Limit: 20, Timeout: patience}
	for _, fn := range change {
		fn(&in)
	}
	return w.Ask(w.Ctx, in)
}

// shortly is a question that is soon answered.
func (w *world) shortly() query.AskInput {
	return query.AskInput{IntegrationID: w.row.ID, Query: "meetings", Limit: 1, Timeout: patience}
}

func (w *world) must(t *testing.T, text string, change ...func(*query.AskInput)) *query.Result {
	t.Helper()
	got, err := w.ask(text, change...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (w *world) asked(t *testing.T) []*ent.AuditEvent {
	t.Helper()
	return w.Events(t, audit.Query)
}

// queries returns how often the integration was asked today.
func (w *world) queries(t *testing.T) int64 {
	t.Helper()
	rows, err := w.World.Store.Client(w.Ctx).UsageCounter.Query().
		Where(usagecounter.IntegrationID(w.row.ID), usagecounter.Day("2026-11-22")).All(w.Ctx)
	if err != nil || len(rows) > 1 {
		t.Fatalf("%d counters, %v", len(rows), err)
	}
	if len(rows) == 0 {
		return 0
	}
	return rows[0].Queries
}

func refused(t *testing.T, err error, code problem.Code, field ...string) *problem.Error {
	t.Helper()
	all := problem.All(err)
	if len(all) == 0 || all[0].Code != code || strings.Join(all[0].Field, ".") != strings.Join(field, ".") {
		t.Fatalf("err = %v, want %s at %v", err, code, field)
	}
	return all[0]
}
