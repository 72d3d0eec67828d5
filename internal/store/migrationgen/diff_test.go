package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	atlas "ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

const committed = "../../../ent/migrate/migrations"

func TestTheMigrationsSayWhatTheSchemaSays(t *testing.T) {
	t.Parallel()
	for name, folder := range folders {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), folder)
			if err := os.CopyFS(dir, os.DirFS(filepath.Join(committed, folder))); err != nil {
				t.Fatal(err)
			}
			db, err := openSQLite()
			if name == dialect.Postgres {
				db, err = openPostgres(storetest.EmptyPostgres(t))
			}
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			path, err := diff(t.Context(), name, dir, "99999_drift.sql", db)
			if err != nil {
				t.Fatal(err)
			}
			if path != "" {
				missing, _ := os.ReadFile(path)
				t.Errorf("ent/schema has changed: run make migration NAME=what_changed. What is missing:\n%s", missing)
			}
		})
	}
}

func TestARebuildLeavesTheTransactionToTheFile(t *testing.T) {
	t.Parallel()
	files, err := goose{"00002_x.sql"}.Format(&atlas.Plan{Changes: []*atlas.Change{
		{Cmd: "PRAGMA foreign_keys = off", Comment: "disable the enforcement of foreign-keys constraints"},
		{Cmd: "CREATE TABLE `new_users` (`id` text)"},
		{Cmd: "PRAGMA foreign_keys = on"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := `-- +goose NO TRANSACTION
-- +goose Up
-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
BEGIN IMMEDIATE;
` + "CREATE TABLE `new_users` (`id` text);" + `
COMMIT;
PRAGMA foreign_keys = on;
`
	if got := string(files[0].Bytes()); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestTheStepsOfBothDialectsStayEven(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, folder := range folders {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := empty(filepath.Join(root, folder), "00001_init.sql"); err != nil {
			t.Fatal(err)
		}
	}
	file, err := next(root, "more")
	if err != nil || file != "00002_more.sql" {
		t.Fatalf("got %s, %v", file, err)
	}
	if err := even(root, file, map[string]bool{"sqlite": false, "postgres": true}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "sqlite", file))
	if err != nil || !strings.HasPrefix(string(text), "-- +goose Up") {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := next(root, "again"); err == nil {
		t.Error("PostgreSQL lacks a step, and nobody noticed")
	}
}

func TestAMigrationNeedsAName(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {""}, {"Add Users"}, {"../x"}, {"a", "b"}} {
		err := run(context.Background(), args, t.TempDir())
		if err == nil || !strings.Contains(err.Error(), "name the migration") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
