package health

import (
	"context"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/healthchange"
	"github.com/patchbay/patchbay/internal/viewer"
)

// Prune deletes up to limit health changes of all companies that occurred before a time, and returns how many. A company's
// outbox is shortened from its beginning alone, so that a reader who comes back finds either all that follows or a gap
// that is told: a change whose clock was ahead keeps those behind it.
func (s *Service) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	system := viewer.System(ctx)
	companies, err := s.Store.Client(system).HealthChange.Query().Where(healthchange.OccurredAtLT(before)).
		GroupBy(healthchange.FieldCompanyID).Strings(system)
	if err != nil {
		return 0, fmt.Errorf("look for old health changes: %w", err)
	}
	pruned := 0
	for _, company := range companies {
		if pruned >= limit || ctx.Err() != nil {
			break
		}
		n, err := s.pruneCompany(viewer.SystemFor(ctx, company), before, limit-pruned)
		if err != nil {
			return pruned, fmt.Errorf("prune health changes: %w", err)
		}
		pruned += n
	}
	return pruned, nil
}

func (s *Service) pruneCompany(ctx context.Context, before time.Time, limit int) (int, error) {
	changes := s.Store.Client(ctx).HealthChange
	old := changes.Query().Order(healthchange.BySeq()).Limit(limit)
	kept, err := changes.Query().Where(healthchange.OccurredAtGTE(before)).Order(healthchange.BySeq()).First(ctx)
	switch {
	case ent.IsNotFound(err):
		old.Where(healthchange.OccurredAtLT(before)) // what is appended meanwhile stays
	case err != nil:
		return 0, err
	default:
		old.Where(healthchange.SeqLT(kept.Seq))
	}
	ids, err := old.IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return changes.Delete().Where(healthchange.IDIn(ids...)).Exec(ctx)
}
