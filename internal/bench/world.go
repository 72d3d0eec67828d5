package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "github.com/lib/pq" // the driver

	"github.com/patchbay/patchbay/internal/app"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
	"github.com/patchbay/patchbay/internal/seal"
)

const (
	users               = 10_000
	integrationsPerUser = 4
	eventsPer           = 10
)

// world is a filled database and what it takes to serve it.
type world struct {
	dir      string
	database string
	db       *sql.DB
	postgres int // the process that started the database's other processes
	key      string
	company  string
	calendar *provider.Provider // answers the question
	linked   []string           // names of providers that people are connected with
}

// prepare migrates a database, makes a company with a key, and fills in users with integrations and audit events.
func prepare(ctx context.Context, database string) (*world, error) {
	dir, err := os.MkdirTemp("", "patchbay-bench-")
	if err != nil {
		return nil, err
	}
	w := &world{dir: dir, database: database}
	if err := w.choose(); err != nil {
		w.close()
		return nil, err
	}
	if err := w.fill(ctx); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// choose picks the first calendar, and two providers for people to be connected with.
func (w *world) choose() error {
	known, err := provider.Load(catalog.FS)
	if err != nil {
		return err
	}
	for _, p := range known.All() {
		if p.Auth.OAuth2 == nil {
			continue
		}
		if w.calendar == nil && slices.Contains(p.Categories, "calendar") {
			w.calendar = p
		}
		if len(w.linked) < 2 {
			w.linked = append(w.linked, p.Name)
		}
	}
	if w.calendar == nil {
		return errors.New("no provider is a calendar")
	}
	return nil
}

func (w *world) close() {
	if w.db != nil {
		w.db.Close()
	}
	os.RemoveAll(w.dir)
}

func (w *world) fill(ctx context.Context) error {
	ring, err := seal.NewRing()
	if err != nil {
		return err
	}
	if err := seal.WriteRingFile(w.ring(), ring); err != nil {
		return err
	}
	if _, err := command(ctx, "migrate", "--database", w.database); err != nil {
		return err
	}
	if w.key, err = command(ctx, "apikey", "create", "--database", w.database, "--company", "Bench"); err != nil {
		return err
	}
	if w.db, err = sql.Open("postgres", w.database); err != nil {
		return err
	}
	var backend int
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.QueryRowContext(ctx, "select pg_backend_pid()").Scan(&backend); err != nil {
		return err
	}
	if w.postgres, err = parentOf(backend); err != nil {
		return err
	}
	if err := conn.QueryRowContext(ctx, "select id from companies").Scan(&w.company); err != nil {
		return err
	}
	fmt.Printf("filling in %d users with %d integrations and %d audit events each …\n", users, integrationsPerUser, eventsPer)
	if err := w.rows(ctx); err != nil {
		return fmt.Errorf("fill in rows: %w", err)
	}
	_, err = w.db.ExecContext(ctx, "vacuum analyze")
	return err
}

func (w *world) ring() string { return filepath.Join(w.dir, "keyring.json") }

// rows copies the rows in, in the order in which they would have come.
func (w *world) rows(ctx context.Context) error {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ids := id.NewSource(func() time.Time { return at })
	var people, links, events [][]any
	for u := range users {
		at = at.Add(time.Second)
		user := ids.New(id.User)
		people = append(people, []any{user, w.company, fmt.Sprintf("customer-%d", u), fmt.Sprintf(`{"plan":"premium","seat":%d}`, u), at, at})
		for i := range integrationsPerUser {
			link := ids.New(id.Integration)
			name := w.linked[i%len(w.linked)]
			links = append(links, []any{
				link, w.company, user, name, "OAUTH2", name, true, "PRIVATE", `["calendar.readonly"]`, "{}", "[]", at, at, at, at,
				"HEALTHY", "OK", "NONE", at, 0,
			})
			for e := range eventsPer {
				at = at.Add(time.Microsecond)
				events = append(events, []any{
					ids.New(id.AuditEvent), w.company, []string{"QUERY", "TOKEN_REFRESHED"}[e%2], at, "key_bench", user, link, "{}", true,
				})
			}
		}
	}
	return errors.Join(
		w.copy(ctx, "users", "id,company_id,external_id,metadata,created_at,updated_at", people),
		w.copy(ctx, "integrations", "id,company_id,user_id,provider,auth_kind,name,enabled,visibility,scopes,config,secret_names,"+
			"connected_at,last_used_at,created_at,updated_at,health_status,health_reason,health_action,health_checked_at,failed_probes", links),
		w.copy(ctx, "audit_events", "id,company_id,event_type,timestamp,actor,user_id,integration_id,details,succeeded", events),
	)
}

func (w *world) copy(ctx context.Context, table, columns string, rows [][]any) error {
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing is left after Commit
	stmt, err := tx.PrepareContext(ctx, "copy "+table+" ("+columns+") from stdin")
	if err != nil {
		return err
	}
	for _, row := range rows {
		if _, err := stmt.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	if _, err := stmt.ExecContext(ctx); err != nil {
		return err
	}
	if err := stmt.Close(); err != nil {
		return err
	}
	return tx.Commit()
}

// command runs one of Patchbay's commands and returns what it printed.
func command(ctx context.Context, args ...string) (string, error) {
	var out, said bytes.Buffer
	if code := app.Main(ctx, args, &out, &said); code != 0 {
		return "", fmt.Errorf("%s: %s", args[0], said.String())
	}
	return strings.TrimSpace(out.String()), nil
}

// patchbay starts the server on the world's database.
func (w *world) patchbay(ctx context.Context, flags ...string) (*process, error) {
	return launch(ctx, append([]string{
		"patchbay", "serve", "--database", w.database, "--key-ring-file", w.ring(), "--listen", "127.0.0.1:0", "--log-level", "warn",
	}, flags...)...)
}
