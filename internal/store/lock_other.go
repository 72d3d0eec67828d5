//go:build !unix

package store

import (
	"context"
	"database/sql"
)

// folderLock does nothing here: two processes must not migrate one SQLite file at the same time.
type folderLock struct{ path string }

// SessionLock returns at once.
func (*folderLock) SessionLock(context.Context, *sql.Conn) error { return nil }

// SessionUnlock returns at once.
func (*folderLock) SessionUnlock(context.Context, *sql.Conn) error { return nil }
