// Command migrationgen writes the next migration of both dialects: what ent/schema asks for beyond those there are.
// Run it at the top of the module, with the migration's name: lower case, words joined by _.
//
//	go generate ./ent && go run ./internal/store/migrationgen add_conversations
//
// It needs a PostgreSQL server's binaries for a throw-away database. Read what it writes: it moves no data.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"

	"entgo.io/ent/dialect"

	"github.com/patchbay/patchbay/internal/store/pgtemp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], "ent/migrate/migrations"); err != nil {
		fmt.Fprintln(os.Stderr, "migrationgen:", err)
		os.Exit(1)
	}
}

var wellNamed = regexp.MustCompile(`^[a-z][a-z0-9_]{1,50}$`)

func run(ctx context.Context, args []string, root string) error {
	if len(args) != 1 || !wellNamed.MatchString(args[0]) {
		return errors.New("name the migration, as in: go run ./internal/store/migrationgen add_conversations")
	}
	file, err := next(root, args[0])
	if err != nil {
		return err
	}
	server, err := pgtemp.Start(ctx)
	if err != nil {
		return err
	}
	defer server.Stop()
	written := map[string]bool{}
	for name, folder := range folders {
		db, err := open(name, server)
		if err != nil {
			return err
		}
		path, err := diff(ctx, name, filepath.Join(root, folder), file, db)
		if err := errors.Join(err, db.Close()); err != nil {
			return err
		}
		written[folder] = path != ""
	}
	return even(root, file, written)
}

func open(name string, server *pgtemp.Server) (*sql.DB, error) {
	if name == dialect.SQLite {
		return openSQLite()
	}
	return openPostgres(server.URL("postgres"))
}

// even writes an empty step where one dialect alone changes.
func even(root, file string, written map[string]bool) error {
	some := false
	for _, done := range written {
		some = some || done
	}
	if !some {
		fmt.Println("The migrations say what ent/schema says: nothing to write.")
		return nil
	}
	for folder, done := range written {
		if !done {
			if err := empty(filepath.Join(root, folder), file); err != nil {
				return err
			}
		}
		fmt.Println(filepath.Join(root, folder, file))
	}
	return nil
}

// next returns the name of the file that follows those there are, which must be the same in both folders.
func next(root, name string) (string, error) {
	var counts []int
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.sql"))
		if err != nil {
			return "", err
		}
		counts = append(counts, len(files))
	}
	if counts[0] != counts[1] {
		return "", errors.New("the folders of the two dialects hold different numbers of migrations")
	}
	return fmt.Sprintf("%05d_%s.sql", counts[0]+1, name), nil
}
