package audit

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/auditevent"
	"github.com/patchbay/patchbay/internal/feed"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

// channel is what a commit wakes in its own process; the payload is the company's id. Other processes look by themselves,
// every lookEvery while somebody follows there: a NOTIFY would make all commits of the database wait for each other.
const (
	channel   = "audit"
	lookEvery = 250 * time.Millisecond
)

// pageSize bounds one read of the stream.
const pageSize = 200

// place is a place in the stream: everything of earlier transactions, and of this one up to the id, lies before it.
//
// On PostgreSQL an event's tx is the number of its transaction, and only events below pg_snapshot_xmin are told: every
// transaction below it has ended, so nothing can appear there any more, however long somebody's commit took. On SQLite,
// which has one writer, tx counts a company's events in the order of their commits.
type place struct {
	tx int64
	id string
}

// last sorts behind every id.
const last = "~"

func compare(a, b place) int { return cmp.Or(cmp.Compare(a.tx, b.tx), cmp.Compare(a.id, b.id)) }

// settled returns below which number every transaction has ended, and below which every one has begun.
func (s *Service) settled(ctx context.Context) (ended, begun int64, err error) {
	if s.Store.Dialect() == store.SQLite {
		return math.MaxInt64, math.MaxInt64, nil
	}
	rows, err := s.Store.SQL(ctx).QueryContext(ctx, `select pg_snapshot_xmin(s)::text::bigint,
		pg_snapshot_xmax(s)::text::bigint from pg_current_snapshot() as s`)
	if err != nil {
		return 0, 0, fmt.Errorf("ask which transactions have ended: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&ended, &begun); err != nil {
			return 0, 0, fmt.Errorf("ask which transactions have ended: %w", err)
		}
	}
	return ended, begun, rows.Err()
}

// end returns the present end of a company's stream. On PostgreSQL events that are written already may lie behind it, while
// a transaction that began before them goes on.
func (s *Service) end(ctx context.Context, company string) (place, error) {
	if s.Store.Dialect() == store.Postgres {
		ended, _, err := s.settled(ctx)
		return place{tx: ended}, err
	}
	ctx = viewer.SystemFor(ctx, company)
	row, err := s.Store.Client(ctx).AuditEvent.Query().Where(auditevent.TxNotNil()).
		Order(auditevent.ByTx(descending)).First(ctx)
	if ent.IsNotFound(err) {
		return place{}, nil
	}
	if err != nil {
		return place{}, fmt.Errorf("read the end of the audit stream: %w", err)
	}
	return place{row.Tx, last}, nil
}

// read returns the events behind after that can be told, as whoever ctx says may see them, and the place up to which
// that is everything.
func (s *Service) read(ctx context.Context, after place) (rows []*ent.AuditEvent, at place, more bool, err error) {
	ended, _, err := s.settled(ctx) // before the rows: what has ended by then is visible to the next statement
	if err != nil {
		return nil, after, false, err
	}
	rows, err = s.Store.Client(ctx).AuditEvent.Query().Where(
		auditevent.TxLT(ended), auditevent.TxGTE(after.tx),
		auditevent.Or(auditevent.TxGT(after.tx), auditevent.IDGT(after.id)),
	).Order(auditevent.ByTx(), auditevent.ByID()).Limit(pageSize).All(ctx)
	if err != nil {
		return nil, after, false, fmt.Errorf("read the audit stream: %w", err)
	}
	at = after
	if len(rows) > 0 {
		final := rows[len(rows)-1]
		at = place{final.Tx, final.ID}
	}
	more = len(rows) == pageSize
	if settled := (place{tx: ended}); !more && ended != math.MaxInt64 && compare(settled, at) > 0 {
		at = settled
	}
	return rows, at, more, nil
}

// table is the trail as the feed reads it: all of a company's events, as the company itself.
func (s *Service) table() *feed.Table[place, *ent.AuditEvent] {
	return &feed.Table[place, *ent.AuditEvent]{
		Listen: func(ctx context.Context, company string) (feed.Waker, error) {
			return s.Store.ListenTo(ctx, channel, company)
		},
		End: s.end,
		Read: func(ctx context.Context, company string, after place) (feed.Batch[place, *ent.AuditEvent], error) {
			batch := feed.Batch[place, *ent.AuditEvent]{Later: lookEvery}
			rows, at, more, err := s.read(viewer.SystemFor(ctx, company), after)
			for _, row := range rows {
				batch.Changes = append(batch.Changes, feed.Change[place, *ent.AuditEvent]{
					At: place{row.Tx, row.ID}, What: row,
				})
			}
			batch.At, batch.More = at, more
			return batch, err
		},
		Compare: compare,
		Log:     slog.Default(),
	}
}
