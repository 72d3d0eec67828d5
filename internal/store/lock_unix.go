//go:build unix

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// folderLock keeps the processes that share a SQLite file from migrating it together, by a lock on the file's folder:
// locks on the file itself are SQLite's own. It implements goose's lock.SessionLocker.
type folderLock struct {
	path string
	held *os.File
}

// SessionLock waits for the lock. Where folders cannot be locked it goes on without.
func (l *folderLock) SessionLock(ctx context.Context, _ *sql.Conn) error {
	f, err := os.Open(l.path)
	if err != nil {
		return fmt.Errorf("lock the folder of the database: %w", err)
	}
	try := time.NewTicker(20 * time.Millisecond)
	defer try.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			l.held = f
			return nil
		}
		select {
		case <-try.C:
		case <-ctx.Done():
			_ = f.Close()
			return ctx.Err()
		}
	}
}

// SessionUnlock ends the lock.
func (l *folderLock) SessionUnlock(context.Context, *sql.Conn) error { return l.held.Close() }
