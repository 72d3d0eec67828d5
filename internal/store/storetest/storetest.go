// Package storetest gives tests a migrated database of their own: SQLite always, PostgreSQL where it is installed. Only
// tests import it.
//
//	storetest.Run(t, func(t *testing.T, s *store.Store) { … })   one test, both databases
//	url := storetest.Postgres(t)                                for what opens its database by itself
//
// One throw-away PostgreSQL server serves a test binary and ends with it. A database is a copy of one that was migrated
// once, and is dropped after its test.
package storetest

import (
	"log/slog"
	"testing"

	"github.com/patchbay/patchbay/internal/store"
)

// Run runs a test on each database, in parallel subtests named SQLite and PostgreSQL: fn must not call t.Parallel
// itself. Without PostgreSQL the second is skipped, or fails where the environment says CI=true.
func Run(t *testing.T, fn func(t *testing.T, s *store.Store)) {
	t.Helper()
	RunWith(t, store.Options{}, fn)
}

// RunWith is Run with options; their URL is not used.
func RunWith(t *testing.T, o store.Options, fn func(t *testing.T, s *store.Store)) {
	t.Helper()
	RunURL(t, func(t *testing.T, url string) {
		o := o
		o.URL = url
		fn(t, Open(t, o))
	})
}

// RunURL is Run for tests that open the database by themselves, perhaps several times.
func RunURL(t *testing.T, fn func(t *testing.T, url string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		fn(t, SQLite(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		fn(t, Postgres(t))
	})
}

// Open opens a store and closes it after the test. Its log is dropped unless the options name one.
func Open(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("open the database: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return s
}
