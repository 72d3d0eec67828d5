package audit

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/auditevent"
	"github.com/patchbay/patchbay/internal/feed"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

// channel is what a commit wakes; the payload is the company's id. Events are written all the time, so they wake as
// store.Wake does, and whoever follows looks every lookEvery all the same.
const (
	channel   = "audit"
	lookEvery = 5 * time.Second
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

// part is what one read of the stream has found.
type part struct {
	rows []*ent.AuditEvent
	at   place // up to it, that is everything
	more bool
	// pending says that there are events already that cannot be told before an earlier transaction has ended.
	pending bool
}

// read returns the events behind after that can be told, as whoever ctx says may see them.
func (s *Service) read(ctx context.Context, after place) (part, error) {
	out := part{at: after}
	ended, _, err := s.settled(ctx) // before the rows: what has ended by then is visible to the next statement
	if err != nil {
		return out, err
	}
	rows, err := s.Store.Client(ctx).AuditEvent.Query().Where(
		auditevent.TxGTE(after.tx), auditevent.Or(auditevent.TxGT(after.tx), auditevent.IDGT(after.id)),
	).Order(auditevent.ByTx(), auditevent.ByID()).Limit(pageSize).All(ctx)
	if err != nil {
		return out, fmt.Errorf("read the audit stream: %w", err)
	}
	early := slices.IndexFunc(rows, func(row *ent.AuditEvent) bool { return row.Tx >= ended })
	if out.pending = early >= 0; out.pending {
		rows = rows[:early]
	}
	out.rows, out.more = rows, len(rows) == pageSize
	if len(rows) > 0 {
		final := rows[len(rows)-1]
		out.at = place{final.Tx, final.ID}
	}
	if settled := (place{tx: ended}); !out.more && ended != math.MaxInt64 && compare(settled, out.at) > 0 {
		out.at = settled
	}
	return out, nil
}

// table is the trail as the feed reads it: all of a company's events, as the company itself.
func (s *Service) table() *feed.Table[place, *ent.AuditEvent] {
	return &feed.Table[place, *ent.AuditEvent]{
		Listen: func(ctx context.Context, company string) (feed.Waker, error) {
			return s.Store.ListenTo(ctx, channel, company)
		},
		End: s.end,
		Read: func(ctx context.Context, company string, after place) (feed.Batch[place, *ent.AuditEvent], error) {
			found, err := s.read(viewer.SystemFor(ctx, company), after)
			batch := feed.Batch[place, *ent.AuditEvent]{At: found.at, More: found.more, Pending: found.pending}
			for _, row := range found.rows {
				batch.Changes = append(batch.Changes, feed.Change[place, *ent.AuditEvent]{
					At: place{row.Tx, row.ID}, What: row,
				})
			}
			return batch, err
		},
		Compare: compare,
		Look:    cmp.Or(s.Look, lookEvery),
		Log:     slog.Default(),
	}
}
