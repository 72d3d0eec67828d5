package store

import (
	"context"
	"fmt"
)

// Alone waits until no other transaction is alone with the same name, of whichever replica, and lets none in until the
// transaction that ctx is inside of ends: what is read afterwards holds until then. It is for what no row stands for,
// and comes after the locks of rows. On SQLite a transaction is alone anyway.
func (s *Store) Alone(ctx context.Context, name string) error {
	if !s.Locks() {
		return nil
	}
	if _, err := s.SQL(ctx).ExecContext(ctx, `select pg_advisory_xact_lock(hashtextextended($1, 0))`, name); err != nil {
		return fmt.Errorf("wait to be alone: %w", err)
	}
	return nil
}
