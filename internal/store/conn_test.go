package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

func TestStatementsAreCountedUnderTheirContextAlone(t *testing.T) {
	t.Parallel()
	everyMode(t, func(t *testing.T, s *store.Store) {
		ctx := viewer.System(t.Context())
		counted, counter := store.CountStatements(ctx)
		if err := s.InTx(counted, func(ctx context.Context) error { return company(ctx, s, "co_1") }); err != nil {
			t.Fatal(err)
		}
		companies(t, counted, s)
		companies(t, ctx, s)
		if got := counter.Queries(); counter.Count() != 2 || !strings.HasPrefix(got[0], "INSERT") ||
			!strings.HasPrefix(got[1], "SELECT") {
			t.Errorf("got %q", got)
		}
	})
}

// kept counts what the connection of a transaction keeps prepared.
func kept(t *testing.T, ctx context.Context, s *store.Store) int64 {
	t.Helper()
	return number(t, ctx, s, "select count(*) from pg_prepared_statements")
}

func TestPostgreSQLKeepsStatementsPrepared(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	for name, c := range map[string]struct {
		options store.Options
		want    int64
	}{
		"by default":      {store.Options{URL: url}, 1},
		"behind a pooler": {store.Options{URL: url + "&pooler=transaction", ListenURL: url}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, c.options)
			if err := s.InTx(t.Context(), func(ctx context.Context) error {
				for i := range 3 {
					number(t, ctx, s, "select count(*) from users where id = $1", fmt.Sprint(i))
				}
				if n := kept(t, ctx, s); n != c.want {
					t.Errorf("%d statements are prepared, want %d", n, c.want)
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAConnectionKeepsAFewHundredStatementsAtMost(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		if err := s.InTx(t.Context(), func(ctx context.Context) error {
			for i := range 400 {
				if n := number(t, ctx, s, fmt.Sprintf("select %d + 0 * length($1)", i), "x"); n != int64(i) {
					t.Errorf("statement %d gave %d", i, n)
				}
			}
			if s.Dialect() == store.Postgres && kept(t, ctx, s) != 256 {
				t.Errorf("%d statements are prepared", kept(t, ctx, s))
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
}

func TestAPreparedStatementOutlivesAChangeOfTheSchema(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		ctx := viewer.System(t.Context())
		if err := company(ctx, s, "co_1"); err != nil {
			t.Fatal(err)
		}
		columns := func() int {
			rows, err := s.SQL(ctx).QueryContext(ctx, "select * from companies where id = $1", "co_1")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			names, err := rows.Columns()
			if err != nil || !rows.Next() {
				t.Fatalf("%v, %v", err, rows.Err())
			}
			return len(names)
		}
		before := columns()
		if _, err := s.SQL(ctx).ExecContext(ctx, "alter table companies add column added text"); err != nil {
			t.Fatal(err)
		}
		if after := columns(); after != before+1 {
			t.Errorf("%d columns, then %d", before, after)
		}
		if s.Dialect() == store.Postgres {
			if _, err := s.SQL(ctx).ExecContext(ctx, "deallocate all"); err != nil {
				t.Fatal(err)
			}
			columns()
		}
	})
}

func TestAStatementMayRunAgainWhileItsRowsAreRead(t *testing.T) {
	t.Parallel()
	everyMode(t, func(t *testing.T, s *store.Store) {
		const query = "select 1 where $1 = 'x' union all select 2"
		if err := s.InTx(t.Context(), func(ctx context.Context) error {
			rows, err := s.SQL(ctx).QueryContext(ctx, query, "x")
			if err != nil {
				return err
			}
			rows.Next()
			inner, err := s.SQL(ctx).QueryContext(ctx, query, "x")
			switch { // PostgreSQL's driver refuses; what matters is that neither confuses the other
			case err == nil:
				for range 2 {
					if !inner.Next() {
						t.Error("the second reader misses a row")
					}
				}
				_ = inner.Close()
			case s.Dialect() == store.SQLite:
				t.Error(err)
			}
			if !rows.Next() || rows.Next() || rows.Err() != nil {
				t.Errorf("the first reader is disturbed: %v", rows.Err())
			}
			if n := number(t, ctx, s, query, "y"); n != 2 {
				t.Errorf("afterwards got %d", n)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
}

func TestACancelledStatementReturnsTheContextsError(t *testing.T) {
	t.Parallel()
	everyMode(t, func(t *testing.T, s *store.Store) {
		slow := `with recursive n(i) as (select $1 + 0 union all select i + 1 from n where i < 1000000000)
			select count(*) from n`
		if s.Dialect() == store.Postgres {
			slow = "select 1 from pg_sleep($1 + 60)"
		}
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			rows, err := s.SQL(ctx).QueryContext(ctx, slow, 1)
			if err == nil {
				for rows.Next() {
				}
				err = errors.Join(rows.Err(), rows.Close())
			}
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("query: %v", err)
			}
			ctx, cancel = context.WithTimeout(t.Context(), 30*time.Millisecond)
			_, err = s.SQL(ctx).ExecContext(ctx, slow, 1)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("exec: %v", err)
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Errorf("afterwards: %v", err)
			}
			if n := number(t, t.Context(), s, "select length($1)", "four"); n != 4 {
				t.Errorf("afterwards got %d", n)
			}
		}
	})
}

func TestAListIsOneArgumentOnPostgreSQL(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	for name, o := range map[string]store.Options{
		"by default":      {URL: url},
		"behind a pooler": {URL: url + "&pooler=transaction", ListenURL: url},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, o)
			if n := number(t, t.Context(), s, `select count(*) from unnest(array['a', 'b', 'c,"{}']) x where x = any($1)`,
				[]string{"a", `c,"{}`, "d"}); n != 2 {
				t.Errorf("found %d", n)
			}
		})
	}
}
