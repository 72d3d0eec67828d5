package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/patchbay/patchbay/ent/migrate/migrations"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

func runEmpty(t *testing.T, fn func(t *testing.T, url string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { t.Parallel(); fn(t, storetest.EmptySQLite(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { t.Parallel(); fn(t, storetest.EmptyPostgres(t)) })
}

func TestBothDialectsHaveTheSameSteps(t *testing.T) {
	t.Parallel()
	names := map[string][]string{}
	for _, dialect := range []string{"sqlite", "postgres"} {
		files, err := fs.Glob(migrations.FS, dialect+"/*.sql")
		if err != nil || len(files) == 0 {
			t.Fatalf("%v, %v", files, err)
		}
		for _, file := range files {
			names[dialect] = append(names[dialect], path.Base(file))
			text, err := fs.ReadFile(migrations.FS, file)
			if err != nil || strings.Contains(string(text), "+goose Down") {
				t.Errorf("%s goes backwards, which loses rows (%v)", file, err)
			}
		}
	}
	if a, b := strings.Join(names["sqlite"], " "), strings.Join(names["postgres"], " "); a != b {
		t.Errorf("SQLite has %s, PostgreSQL %s", a, b)
	}
}

func TestAnEmptyDatabaseIsBehindUntilItIsMigrated(t *testing.T) {
	t.Parallel()
	runEmpty(t, func(t *testing.T, url string) {
		s := storetest.Open(t, store.Options{URL: url})
		n, err := s.Pending(t.Context())
		if err != nil || n == 0 {
			t.Errorf("pending: %d, %v", n, err)
		}
		if err := s.CheckSchema(t.Context()); !errors.Is(err, store.ErrSchemaBehind) ||
			!strings.Contains(err.Error(), "patchbay migrate") {
			t.Errorf("check: %v", err)
		}
		if steps, err := s.Migrate(t.Context()); err != nil || steps != n {
			t.Errorf("migrate: %d of %d, %v", steps, n, err)
		}
		if steps, err := s.Migrate(t.Context()); err != nil || steps != 0 {
			t.Errorf("again: %d, %v", steps, err)
		}
		if err := s.CheckSchema(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		if _, err := s.SQL(t.Context()).ExecContext(t.Context(),
			"insert into goose_db_version (version_id, is_applied) values (999, true)"); err != nil {
			t.Fatal(err)
		}
		_, migrates := s.Migrate(t.Context())
		_, pends := s.Pending(t.Context())
		for _, err := range []error{migrates, pends, s.CheckSchema(t.Context())} {
			if !errors.Is(err, store.ErrSchemaAhead) || !strings.Contains(err.Error(), "step 999") {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestReplicasThatStartTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	runEmpty(t, func(t *testing.T, url string) {
		var steps atomic.Int64
		var all sync.WaitGroup
		for range 4 {
			s := storetest.Open(t, store.Options{URL: url})
			all.Go(func() {
				n, err := s.Migrate(t.Context())
				if err != nil {
					t.Error(err)
				}
				steps.Add(int64(n))
				if err := s.CheckSchema(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := len(files(t, "sqlite")); steps.Load() != int64(n) {
			t.Errorf("took %d steps, there are %d", steps.Load(), n)
		}
	})
}

func files(t *testing.T, dialect string) []string {
	t.Helper()
	names, err := fs.Glob(migrations.FS, dialect+"/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// steps returns the program's own steps up to the n-th, and those given after all of them.
func steps(t *testing.T, n int, more map[string]string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	for _, dialect := range []string{"sqlite", "postgres"} {
		for _, name := range files(t, dialect)[:n] {
			text, err := fs.ReadFile(migrations.FS, name)
			if err != nil {
				t.Fatal(err)
			}
			out[name] = &fstest.MapFile{Data: text}
		}
		if more[dialect] != "" {
			out[dialect+"/99999_more.sql"] = &fstest.MapFile{Data: []byte(more[dialect])}
		}
	}
	return out
}

// TestAFilledDatabaseOfEveryVersionSurvives takes testdata/NNNNN.sql, rows as a database of that version holds them,
// through all later steps. A release adds its file.
func TestAFilledDatabaseOfEveryVersionSurvives(t *testing.T) {
	t.Parallel()
	for i, name := range files(t, "sqlite") {
		step, err := fs.ReadFile(migrations.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := os.ReadFile("testdata/" + path.Base(name)[:5] + ".sql")
		if errors.Is(err, fs.ErrNotExist) && i > 0 {
			continue // a step between releases
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Run(path.Base(name), func(t *testing.T) {
			t.Parallel()
			runEmpty(t, func(t *testing.T, url string) {
				s := storetest.Open(t, store.Options{URL: url})
				s.UseMigrations(steps(t, i+1, nil))
				if _, err := s.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
				for statement := range strings.SplitSeq(string(rows), ";\n") {
					if _, err := s.SQL(t.Context()).ExecContext(t.Context(), statement); err != nil {
						t.Fatalf("%s: %v", statement, err)
					}
				}
				s.UseMigrations(migrations.FS)
				if _, err := s.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
				ctx := viewer.System(t.Context())
				for _, e := range entities(t, s) {
					first := i == 0 && strings.Contains(string(step), "CREATE TABLE `"+e.table.Name+"`")
					if ids, err := e.ids(ctx, s); err != nil || first && len(ids) == 0 {
						t.Errorf("%s: %d rows, %v", e.table.Name, len(ids), err)
					}
				}
				if u := s.Client(ctx).User.GetX(ctx, "users_a1"); !u.CreatedAt.Equal(noon) || u.Metadata["plan"] != "pro" {
					t.Errorf("got %v, %v", u.CreatedAt, u.Metadata)
				}
			})
		})
	}
}

// rebuild is what ent's planner writes for SQLite when a column changes, with the markers of migrationgen.
const rebuild = `-- +goose NO TRANSACTION
-- +goose Up
PRAGMA foreign_keys = off;
BEGIN IMMEDIATE;
CREATE TABLE new_users (id text NOT NULL, company_id text NOT NULL, external_id text NULL, metadata json NOT NULL,
 created_at datetime NOT NULL, updated_at datetime NOT NULL, added text NOT NULL DEFAULT 'x', PRIMARY KEY (id));
INSERT INTO new_users (id, company_id, external_id, metadata, created_at, updated_at)
 SELECT id, company_id, external_id, metadata, created_at, updated_at FROM users;
DROP TABLE users;
ALTER TABLE new_users RENAME TO users;
COMMIT;
PRAGMA foreign_keys = on;
`

func TestRebuildingATableKeepsTheRowsThatReferToIt(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		all := fill(t, s)
		before := s.Client(viewer.System(t.Context())).Integration.Query().CountX(viewer.System(t.Context()))
		s.UseMigrations(steps(t, len(files(t, "sqlite")), map[string]string{"sqlite": rebuild,
			"postgres": "-- +goose Up\nALTER TABLE users ADD COLUMN added text NOT NULL DEFAULT 'x';\n"}))
		if n, err := s.Migrate(t.Context()); err != nil || n != 1 {
			t.Fatalf("%d, %v", n, err)
		}
		if n := number(t, t.Context(), s, "select count(*) from users where added = 'x'"); n != 4 {
			t.Errorf("%d users", n)
		}
		for _, e := range all {
			if e.table.Name == "integrations" && e.rawCount(t, t.Context(), s) != before {
				t.Errorf("%d integrations of %d", e.rawCount(t, t.Context(), s), before)
			}
		}
		ctx := viewer.System(t.Context())
		if err := s.Client(ctx).User.DeleteOneID("users_a1").Exec(ctx); err != nil {
			t.Error(err)
		}
		if n := s.Client(ctx).Integration.Query().CountX(ctx); n != before-1 {
			t.Errorf("foreign keys are off: %d integrations of %d", n, before-1)
		}
	})
}

func TestAStepThatFailsLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		broken := strings.Replace(rebuild, "DROP TABLE users;", "DROP TABLE nonsense;", 1)
		s.UseMigrations(steps(t, len(files(t, "sqlite")), map[string]string{"sqlite": broken,
			"postgres": "-- +goose Up\nALTER TABLE users ADD COLUMN added text;\nDROP TABLE nonsense;\n"}))
		if _, err := s.Migrate(t.Context()); err == nil {
			t.Fatal("migrated")
		}
		if n, err := s.Pending(t.Context()); err != nil || n != 1 {
			t.Errorf("pending: %d, %v", n, err)
		}
		ctx := viewer.System(t.Context())
		if err := company(ctx, s, "co_after"); err != nil {
			t.Errorf("the database is not usable: %v", err)
		}
		if _, err := s.SQL(ctx).ExecContext(ctx, "select added from users"); err == nil {
			t.Error("half of the step is there")
		}
		if err := s.Client(ctx).PersonalityAccess.Create().SetID("x").SetCompanyID("co_after").SetAllowed(true).
			SetIntegrationID("none").SetPersonalityID("none").Exec(ctx); err == nil {
			t.Error("foreign keys are off")
		}
	})
}
