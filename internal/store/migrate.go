package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/patchbay/patchbay/ent/migrate/migrations"
)

// Errors of CheckSchema.
var (
	// ErrSchemaBehind means that the database lacks steps this program needs: run Migrate.
	ErrSchemaBehind = errors.New("the database is older than this program")
	// ErrSchemaAhead means that a newer program has migrated the database. This one cannot use it.
	ErrSchemaAhead = errors.New("the database is newer than this program")
)

// Migrate brings the schema up to date and returns how many steps that took. Replicas that start together wait for each
// other on PostgreSQL, and each step runs once. A step runs whole or not at all. It refuses a database that is newer
// than this program with ErrSchemaAhead.
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
	if err := s.refuseAhead(ctx, p); err != nil {
		return 0, err
	}
	results, err := p.Up(ctx)
	for _, r := range results {
		s.log.Info("migrated", "step", r.Source.Version, "took", r.Duration)
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return len(results), s.explain("migrate", err)
	}
	return len(results), nil
}

// Pending returns how many steps Migrate would take; 0 when the database is newer.
func (s *Store) Pending(ctx context.Context) (int, error) {
	p, err := s.provider(s.db)
	if err != nil {
		return 0, err
	}
	applied, err := p.GetDBVersion(ctx)
	if err != nil {
		return 0, s.explain("read the version of", err)
	}
	n := 0
	for _, source := range p.ListSources() {
		if source.Version > applied {
			n++
		}
	}
	return n, nil
}

// CheckSchema returns nil when the schema is this program's, else ErrSchemaBehind or ErrSchemaAhead in a line that says
// what to do.
func (s *Store) CheckSchema(ctx context.Context) error {
	p, err := s.provider(s.db)
	if err != nil {
		return err
	}
	if err := s.refuseAhead(ctx, p); err != nil {
		return err
	}
	n, err := s.Pending(ctx)
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%w: %s lacks %d step(s): run patchbay migrate up", ErrSchemaBehind, s.where, n)
	}
	return nil
}

func (s *Store) refuseAhead(ctx context.Context, p *goose.Provider) error {
	applied, known, err := p.GetVersions(ctx)
	if err != nil {
		return s.explain("read the version of", err)
	}
	if applied > known {
		return fmt.Errorf("%w: %s is at step %d, this program knows %d: install the newer program",
			ErrSchemaAhead, s.where, applied, known)
	}
	return nil
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
	name, opts := "sqlite", []goose.ProviderOption{goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler))}
	if s.dialect == Postgres {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, fmt.Errorf("prepare the migrations: %w", err)
		}
		name, opts = "postgres", append(opts, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations.FS, name)
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.Dialect(s.dialect), db, files, opts...)
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations: %w", err)
	}
	return p, nil
}
