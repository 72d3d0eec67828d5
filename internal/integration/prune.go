package integration

import (
	"context"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/ent/connectattempt"
	"github.com/patchbay/patchbay/internal/viewer"
)

// PruneAttempts deletes up to limit attempts to connect of all companies that ended before a time, with whatever secrets
// they still hold, and returns how many. Until then their outcome can be asked for.
func (s *Service) PruneAttempts(ctx context.Context, before time.Time, limit int) (int, error) {
	ctx = viewer.System(ctx)
	attempts := s.Store.Client(ctx).ConnectAttempt
	ids, err := attempts.Query().Where(connectattempt.ExpiresAtLT(before)).Order(connectattempt.ByExpiresAt()).
		Limit(limit).IDs(ctx)
	if err != nil {
		return 0, fmt.Errorf("look for old attempts: %w", err)
	}
	if len(ids) == 0 {
		return 0, nil
	}
	n, err := attempts.Delete().Where(connectattempt.IDIn(ids...)).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("delete old attempts: %w", err)
	}
	return n, nil
}
