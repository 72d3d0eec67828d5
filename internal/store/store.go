package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/migrate/migrations"
	_ "github.com/patchbay/patchbay/ent/runtime" // the policies of ent/schema
)

// Dialects that Dialect returns.
const (
	SQLite   = dialect.SQLite
	Postgres = dialect.Postgres
)

// Options says which database to open and how.
type Options struct {
	// URL names the database: sqlite:PATH or postgres://user:password@host/name?parameters. Besides the parameters of
	// PostgreSQL it takes pooler=transaction, for a pooler that hands out connections by transaction, and
	// pool_max_conns=N.
	URL string
	// ListenURL reaches the same PostgreSQL without a pooler, for LISTEN and migrations. Empty means URL; with
	// pooler=transaction it is required.
	ListenURL string
	// Now stands in for the database's clock when it is set, so that tests can move it. Production leaves it nil.
	Now func() time.Time
	// Log takes what happens without a caller to tell; nil means slog.Default.
	Log *slog.Logger
}

// Store is one open database. It is safe for concurrent use.
type Store struct {
	dialect string
	where   string // the database as people name it, without a password
	path    string // SQLite: the file
	direct  string // PostgreSQL: the URL for LISTEN and migrations
	now     func() time.Time
	log     *slog.Logger

	db     *sql.DB // SQLite: the one writer
	reads  *sql.DB // SQLite: the readers; PostgreSQL: the same as db
	client *ent.Client
	hub    *hub
	crier  *crier // PostgreSQL only

	migrations fs.FS // a folder for each dialect
}

// Open opens a database and proves that it answers. It changes nothing in it: see Migrate. Errors are one line for the
// person who wrote the URL and never hold the password. The caller closes the Store.
func Open(ctx context.Context, o Options) (*Store, error) {
	t, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	s := &Store{dialect: t.dialect, where: t.where, path: t.path, now: o.Now, log: cmp.Or(o.Log, slog.Default()),
		migrations: migrations.FS}
	switch t.dialect {
	case SQLite:
		if o.ListenURL != "" {
			return nil, errors.New("a listen URL is for PostgreSQL; SQLite needs none")
		}
		err = s.openSQLite(ctx, t)
	case Postgres:
		err = s.openPostgres(ctx, t, o.ListenURL)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Dialect returns SQLite or Postgres.
func (s *Store) Dialect() string { return s.dialect }

// Locks reports whether a query may lock the rows it reads (SELECT … FOR UPDATE). SQLite cannot and need not: it has one
// writer.
func (s *Store) Locks() bool { return s.dialect == Postgres }

// String returns the database as people name it, without a password.
func (s *Store) String() string { return s.where }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.reads.PingContext(ctx); err != nil {
		return fmt.Errorf("%s does not answer: %w", s.where, err)
	}
	return nil
}

// Now returns the time on the database's clock, which all replicas share, in UTC and whole microseconds, the finest
// step that both databases keep. Inside a transaction it still moves.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	if s.now != nil {
		return s.now().UTC().Truncate(time.Microsecond), nil
	}
	if s.dialect == SQLite { // its one clock is this process's
		return time.Now().UTC().Truncate(time.Microsecond), nil
	}
	var t time.Time
	rows, err := s.SQL(ctx).QueryContext(ctx, "select clock_timestamp()")
	if err != nil {
		return t, fmt.Errorf("read the database's clock: %w", err)
	}
	defer rows.Close()
	if err := entsql.ScanOne(rows, &t); err != nil {
		return t, fmt.Errorf("read the database's clock: %w", err)
	}
	return t.UTC(), nil
}

// Close stops the listeners and closes the database. Subscriptions end.
func (s *Store) Close() error {
	if s.crier != nil {
		s.crier.close()
	}
	s.hub.close()
	err := s.db.Close()
	if s.reads != s.db {
		err = errors.Join(s.reads.Close(), err)
	}
	return err
}
