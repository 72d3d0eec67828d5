package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Errors of CheckSchema.
var (
	// ErrSchemaBehind means that the database lacks steps this program needs: run Migrate.
	ErrSchemaBehind = errors.New("the database is older than this program")
	// ErrSchemaAhead means that a newer program has migrated the database. This one cannot use it.
	ErrSchemaAhead = errors.New("the database is newer than this program")
)

// Replicas ask for the lock every period, in seconds, this many times.
const (
	lockPeriod = 1
	lockTries  = 300
)

// folders of migrations.FS.
var folders = map[string]string{SQLite: "sqlite", Postgres: "postgres"}

// Migrate brings the schema up to date and returns how many steps it took. Replicas that start together wait for each
// other, and each step runs once. It refuses a database that is newer than this program with
// ErrSchemaAhead.
func (s *Store) Migrate(ctx context.Context) (steps int, err error) {
	db, done, err := s.owner()
	if err != nil {
		return 0, err
	}
	defer done()
	p, err := s.provider(db)
	if err != nil {
		return 0, err
	}
	if _, err := s.behind(ctx, p); err != nil {
		return 0, err
	}
	results, err := p.Up(ctx)
	for _, r := range results {
		s.log.Info("migrated", "step", r.Source.Version, "took", r.Duration)
	}
	if err != nil {
		s.tidy()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return len(results), s.explain("migrate", err)
	}
	return len(results), nil
}

// Pending returns how many steps Migrate would take. It changes nothing. A database that is newer than this program is
// refused with ErrSchemaAhead.
func (s *Store) Pending(ctx context.Context) (int, error) {
	p, err := s.provider(s.db)
	if err != nil {
		return 0, err
	}
	return s.behind(ctx, p)
}

// CheckSchema returns nil when the schema is this program's, else ErrSchemaBehind or ErrSchemaAhead in a line that says
// what to do.
func (s *Store) CheckSchema(ctx context.Context) error {
	n, err := s.Pending(ctx)
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%w: %s lacks %d step(s): run patchbay migrate", ErrSchemaBehind, s.where, n)
	}
	return nil
}

// behind counts the steps that the database lacks.
func (s *Store) behind(ctx context.Context, p *goose.Provider) (int, error) {
	at, err := s.version(ctx)
	if err != nil {
		return 0, s.explain("read the version of", err)
	}
	n, known := 0, int64(0)
	for _, source := range p.ListSources() {
		known = max(known, source.Version)
		if source.Version > at {
			n++
		}
	}
	if at > known {
		return 0, fmt.Errorf("%w: %s is at step %d and this program knows %d: install the newer program",
			ErrSchemaAhead, s.where, at, known)
	}
	return n, nil
}

// version returns the last step that was taken, 0 for an empty database.
func (s *Store) version(ctx context.Context) (int64, error) {
	exists := "select count(*) from sqlite_schema where name = 'goose_db_version'"
	if s.dialect == Postgres {
		exists = "select count(to_regclass('goose_db_version'))"
	}
	found, err := s.number(ctx, exists)
	if err != nil || found == 0 {
		return 0, err
	}
	return s.number(ctx, "select coalesce(max(version_id), 0) from goose_db_version where is_applied")
}

func (s *Store) number(ctx context.Context, query string) (n int64, err error) {
	rows, err := s.SQL(ctx).QueryContext(ctx, query)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	return n, entsql.ScanOne(rows, &n)
}

// tidy leaves SQLite's one writer as it was found when a step fails half-way: a step that rebuilds a table begins its
// transaction by itself.
func (s *Store) tidy() {
	if s.dialect == SQLite {
		_, _ = s.db.Exec("rollback")
		_, _ = s.db.Exec("pragma foreign_keys = on")
	}
}

// owner returns a pool that reaches the database itself, and what to do with it afterwards: a lock belongs to a
// session, which a pooler may change in between.
func (s *Store) owner() (*sql.DB, func(), error) {
	if s.dialect == SQLite {
		return s.db, func() {}, nil
	}
	db, err := postgresPool(target{dsn: s.direct, conns: 2})
	if err != nil {
		return nil, nil, err
	}
	return db, func() { _ = db.Close() }, nil
}

func (s *Store) provider(db *sql.DB) (*goose.Provider, error) {
	locker := lock.SessionLocker(&folderLock{path: filepath.Dir(s.path)})
	if s.dialect == Postgres {
		var err error
		if locker, err = lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockPeriod, lockTries)); err != nil {
			return nil, fmt.Errorf("prepare the migrations: %w", err)
		}
	}
	files, err := fs.Sub(s.migrations, folders[s.dialect])
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.Dialect(s.dialect), db, files, goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler)), goose.WithSessionLocker(locker))
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations: %w", err)
	}
	return p, nil
}
