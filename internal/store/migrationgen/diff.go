package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	atlas "ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	"github.com/lib/pq"
	"modernc.org/sqlite"

	"github.com/patchbay/patchbay/ent/migrate"
)

// diff replays a folder's migrations on an empty database and writes what ent/schema asks for beyond them to a new
// file, which it returns; "" when nothing is missing.
func diff(ctx context.Context, name, dir, file string, db *sql.DB) (string, error) {
	files, err := sqltool.NewGooseDir(dir)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", dir, err)
	}
	m, err := schema.NewMigrate(entsql.OpenDB(name, db), schema.WithDir(files), schema.WithDialect(name),
		schema.WithMigrationMode(schema.ModeReplay), schema.WithFormatter(goose{file}),
		schema.WithDropColumn(true), schema.WithDropIndex(true))
	if err != nil {
		return "", fmt.Errorf("prepare the difference: %w", err)
	}
	if err := m.NamedDiff(ctx, file, migrate.Tables...); err != nil {
		return "", fmt.Errorf("compare %s with ent/schema: %w", dir, err)
	}
	path := filepath.Join(dir, file)
	if _, err := os.Stat(path); err != nil {
		return "", nil
	}
	return path, nil
}

// empty writes a step that changes nothing, so that both dialects keep the same numbers.
func empty(dir, file string) error {
	files, err := sqltool.NewGooseDir(dir)
	if err != nil {
		return fmt.Errorf("read %s: %w", dir, err)
	}
	return atlas.NewPlanner(nil, files, atlas.PlanFormat(goose{file})).WritePlan(&atlas.Plan{})
}

// goose writes a plan as goose reads it, forwards only: undoing a step in SQLite would drop tables with their rows.
type goose struct{ file string }

// Format implements migrate.Formatter.
func (g goose) Format(p *atlas.Plan) ([]atlas.File, error) {
	var b strings.Builder
	rebuilds := false
	for _, c := range p.Changes {
		rebuilds = rebuilds || strings.HasPrefix(c.Cmd, "PRAGMA foreign_keys")
	}
	if rebuilds { // SQLite ignores this pragma inside a transaction
		b.WriteString("-- +goose NO TRANSACTION\n")
	}
	b.WriteString("-- +goose Up\n")
	for _, c := range p.Changes {
		if c.Comment != "" {
			fmt.Fprintf(&b, "-- %s\n", c.Comment)
		}
		if c.Cmd == "PRAGMA foreign_keys = on" {
			b.WriteString("COMMIT;\n")
		}
		fmt.Fprintf(&b, "%s;\n", c.Cmd)
		if c.Cmd == "PRAGMA foreign_keys = off" {
			b.WriteString("BEGIN IMMEDIATE;\n")
		}
	}
	return []atlas.File{atlas.NewLocalFile(g.file, []byte(b.String()))}, nil
}

func openSQLite() (*sql.DB, error) {
	c, err := sqlite.NewConnector("file:dev?mode=memory&cache=shared&_pragma=foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

func openPostgres(url string) (*sql.DB, error) {
	c, err := pq.NewConnector(url)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

// folders names the folder of each dialect.
var folders = map[string]string{dialect.SQLite: "sqlite", dialect.Postgres: "postgres"}
