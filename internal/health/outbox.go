package health

import (
	"cmp"
	"context"
	"fmt"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/healthchange"
	"github.com/patchbay/patchbay/internal/feed"
	"github.com/patchbay/patchbay/internal/viewer"
)

// change is one row of the outbox, decoded once for all who follow. It is shared and never changed.
type change struct {
	company, user, provider string // user is "" for what belongs to the company
	event                   Event
}

func changeOf(row *ent.HealthChange) (feed.Change[int64, *change], error) {
	c := &change{company: row.CompanyID, provider: row.Provider, event: Event{
		Kind: Kind(row.Kind), Cursor: cursor{seq: row.Seq}.String(), IntegrationID: row.IntegrationID,
		PreviousStatus: (*Status)(row.PreviousStatus), OccurredAt: row.OccurredAt,
	}}
	if row.UserID != nil {
		c.user = *row.UserID
	}
	out := feed.Change[int64, *change]{At: row.Seq, What: c}
	if c.event.Kind == Removed {
		return out, nil
	}
	state, err := stateOf(row.Health)
	c.event.Health = &state
	return out, err
}

// table is the outbox as the feed reads it: all of a company's changes, as the company itself.
func (s *Service) table() *feed.Table[int64, *change] {
	return &feed.Table[int64, *change]{
		Listen: func(ctx context.Context, company string) (feed.Waker, error) {
			return s.Store.ListenTo(ctx, channel, company)
		},
		End: s.end,
		Read: func(ctx context.Context, company string, after int64) (feed.Batch[int64, *change], error) {
			return s.read(viewer.SystemFor(ctx, company), company, after)
		},
		Compare: cmp.Compare[int64],
		Log:     s.log(),
	}
}

// end returns the number of the company's last change.
func (s *Service) end(ctx context.Context, company string) (int64, error) {
	ctx = viewer.SystemFor(ctx, company)
	row, err := s.Store.Client(ctx).CompanySequence.Get(ctx, company)
	if err != nil {
		return 0, fmt.Errorf("read the end of the health stream: %w", err)
	}
	return row.Health, nil
}

// read returns the changes behind after. Their numbers have no gaps: one that is missing was pruned before this process
// came to read it, and a number that goes back is one of another life of the database.
func (s *Service) read(ctx context.Context, company string, after int64) (feed.Batch[int64, *change], error) {
	batch := feed.Batch[int64, *change]{At: after}
	rows, err := s.Store.Client(ctx).HealthChange.Query().Where(healthchange.SeqGT(after)).
		Order(healthchange.BySeq()).Limit(pageSize).All(ctx)
	if err != nil {
		return batch, fmt.Errorf("read health changes: %w", err)
	}
	if len(rows) == 0 {
		end, err := s.end(ctx, company)
		if batch.Broken = end < after; batch.Broken {
			batch.At = end
		}
		return batch, err
	}
	if first := rows[0].Seq; first != after+1 {
		return feed.Batch[int64, *change]{At: first - 1, More: true, Broken: true}, nil
	}
	for _, row := range rows {
		c, err := changeOf(row)
		if err != nil {
			return batch, err
		}
		batch.Changes = append(batch.Changes, c)
		batch.At = row.Seq
	}
	batch.More = len(rows) == pageSize
	return batch, nil
}
