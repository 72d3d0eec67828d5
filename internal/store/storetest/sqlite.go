package storetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// migrated is the file of a migrated SQLite database, made once.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "patchbay-sqlite-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	if err := migrate(context.Background(), "sqlite:"+path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// SQLite returns the URL of a fresh, migrated database.
func SQLite(t *testing.T) string {
	t.Helper()
	file, err := migrated()
	if err != nil {
		t.Fatalf("migrate SQLite: %v", err)
	}
	path := filepath.Join(t.TempDir(), "patchbay.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatalf("copy the SQLite database: %v", err)
	}
	return "sqlite:" + path
}

// EmptySQLite returns the URL of a database that does not exist yet.
func EmptySQLite(t *testing.T) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "patchbay.db")
}
