package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/patchbay/patchbay/ent"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	readers = 8
	// A write waits this long for another process's, in milliseconds; those of this process queue for the one writer.
	busyTimeout = "busy_timeout(5000)"
)

// openSQLite opens one writer and several readers. Readers never wait for the writer (write-ahead log); a transaction
// that writes takes the lock when it begins, because a lock taken later fails at once when another came first.
func (s *Store) openSQLite(ctx context.Context, t target) error {
	if err := createFile(t.path); err != nil {
		return err
	}
	write := url.Values{"_txlock": {"immediate"}, "_pragma": {busyTimeout, "journal_mode(WAL)", "synchronous(NORMAL)",
		"foreign_keys(1)"}}
	read := url.Values{"_txlock": {"deferred"}, "_pragma": {busyTimeout, "foreign_keys(1)", "query_only(1)"}}
	var err error
	if s.db, err = sqlitePool(t.path, write, 1); err != nil {
		return err
	}
	if s.reads, err = sqlitePool(t.path, read, readers); err != nil {
		return errors.Join(err, s.db.Close())
	}
	// The writer goes first: a reader cannot make the log.
	for _, db := range []*sql.DB{s.db, s.reads} {
		var tables int
		if err := db.QueryRowContext(ctx, "select count(*) from sqlite_schema").Scan(&tables); err != nil {
			_, _ = s.db.Close(), s.reads.Close()
			return s.explain("open", err)
		}
	}
	s.client = ent.NewClient(ent.Driver(newSplit(s.db, s.reads)))
	s.hub = newHub()
	return nil
}

// sqlitePool makes times UTC both ways: SQLite keeps them as text, and compares text.
func sqlitePool(path string, query url.Values, conns int) (*sql.DB, error) {
	query.Set("_time_format", "sqlite")
	query.Set("_timezone", "UTC")
	base, err := sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode())
	if err != nil {
		return nil, fmt.Errorf("open the SQLite database: %w", err)
	}
	db := sql.OpenDB(&connector{Connector: base, cache: cachedStatements})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// createFile makes a new database readable by its owner alone; SQLite gives its log the same mode. One that exists is
// left to SQLite: whoever closes a file drops this process's locks on it.
func createFile(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("cannot open the SQLite database %s: it is a folder", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot create the SQLite database %s: the folder %s does not exist", path, filepath.Dir(path))
	case err != nil:
		return fmt.Errorf("cannot create the SQLite database: %w", err)
	}
	return f.Close()
}

// explain turns a driver's error at start into a line for a person.
func (s *Store) explain(doing string, err error) error {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_NOTADB:
			return fmt.Errorf("%s is not a SQLite database, or is damaged: restore it from a backup", s.where)
		case sqlite3.SQLITE_CORRUPT:
			return fmt.Errorf("%s is damaged: restore it from a backup", s.where)
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
			return fmt.Errorf("%s cannot be written: this user must be able to write the file and its folder", s.where)
		case sqlite3.SQLITE_BUSY:
			return fmt.Errorf("%s is in use by another process that writes for long: %w", s.where, err)
		case sqlite3.SQLITE_FULL:
			return fmt.Errorf("%s cannot grow: the disk is full", s.where)
		}
	}
	return fmt.Errorf("%s %s: %w", doing, s.where, err)
}
