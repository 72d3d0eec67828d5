package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lib/pq"

	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/pgtemp"
)

const template = "patchbay_template"

var (
	// server is this test binary's PostgreSQL; it ends when the binary does.
	server = sync.OnceValues(func() (*pgtemp.Server, error) {
		s, err := pgtemp.Start(context.Background())
		if errors.Is(err, pgtemp.ErrNotInstalled) {
			fmt.Fprintln(os.Stderr, "storetest: SQLite only:", err)
		}
		return s, err
	})
	// templated makes the database that Postgres copies.
	templated = sync.OnceValue(func() error {
		s, err := server()
		if err != nil {
			return err
		}
		if err := admin(s, "create database "+template); err != nil {
			return err
		}
		return migrate(context.Background(), s.URL(template))
	})
	databases atomic.Int64
)

// Postgres returns the URL of a fresh, migrated database, or skips the test where PostgreSQL is not installed.
func Postgres(t *testing.T) string {
	t.Helper()
	require(t, templated())
	return create(t, " template "+template)
}

// EmptyPostgres is Postgres without tables.
func EmptyPostgres(t *testing.T) string {
	t.Helper()
	return create(t, "")
}

// OwnPostgres starts a server for one test alone, which may take it down, and returns it with the URL of a migrated
// database. It skips the test where PostgreSQL is not installed.
func OwnPostgres(t *testing.T) (s *pgtemp.Server, url string) {
	t.Helper()
	s, err := pgtemp.Start(t.Context())
	require(t, err)
	t.Cleanup(s.Stop)
	url = s.URL("postgres")
	if err := migrate(t.Context(), url); err != nil {
		t.Fatalf("migrate PostgreSQL: %v", err)
	}
	return s, url
}

func create(t *testing.T, how string) string {
	t.Helper()
	s, err := server()
	require(t, err)
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if err := admin(s, "create database "+name+how); err != nil {
		t.Fatalf("create a database: %v", err)
	}
	t.Cleanup(func() {
		if err := admin(s, "drop database "+name+" with (force)"); err != nil {
			t.Errorf("drop the database: %v", err)
		}
	})
	return s.URL(name)
}

func require(t *testing.T, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, pgtemp.ErrNotInstalled) && os.Getenv("CI") != "true":
		t.Skip(err)
	default:
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
}

// admin runs one statement on a connection of its own, so that no pool outlives a test.
func admin(s *pgtemp.Server, statement string) error {
	c, err := pq.NewConnector(s.URL("postgres"))
	if err != nil {
		return err
	}
	db := sql.OpenDB(c)
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}

func migrate(ctx context.Context, url string) error {
	s, err := store.Open(ctx, store.Options{URL: url, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	_, err = s.Migrate(ctx)
	return errors.Join(err, s.Close())
}
