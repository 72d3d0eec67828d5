package health

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/healthchange"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/ent/predicate"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

// fresh is the number of a reader that has been told nothing yet.
const fresh = -1

// reader is one Follow: its goroutine ends with its context.
type reader struct {
	service *Service
	filter  Filter
	company string
	out     chan Event

	// at is how far the reader has been told. With resumes it came from the caller and is not checked yet; with telling
	// the rest of a snapshot, above at.part, is still to come.
	at               cursor
	resumes, telling bool
	told             []told
}

// told is a page of a snapshot: it has told what happened up to seq to every integration above this id, up to where the
// next page begins.
type told struct {
	above string
	seq   int64
}

// How long a reader waits before it tries a database again that could not be read.
const (
	firstPause = 100 * time.Millisecond
	longPause  = 10 * time.Second
)

func (r *reader) run(ctx context.Context, sub *store.Subscription) {
	defer close(r.out)
	for pause := firstPause; ; {
		err := r.advance(ctx)
		if ctx.Err() != nil {
			return
		}
		var again <-chan time.Time
		if err == nil {
			pause = firstPause
		} else {
			r.service.log().ErrorContext(ctx, "a health stream waits for the database", "error", err)
			again, pause = time.After(pause), min(2*pause, longPause)
		}
		for woken := false; !woken; {
			select {
			case <-ctx.Done():
				return
			case <-again:
				woken = true
			case _, open := <-sub.C():
				if !open {
					return
				}
				companies, resync := sub.Take()
				woken = again == nil && (resync || slices.Contains(companies, r.company))
			}
		}
	}
}

// advance tells the reader everything that it does not know yet. After an error it goes on where it was.
func (r *reader) advance(ctx context.Context) error {
	if r.resumes {
		kept, err := r.kept(ctx, r.at.seq)
		if err != nil {
			return err
		}
		if !kept {
			if err := r.gap(ctx); err != nil {
				return err
			}
		}
		r.resumes = false
	}
	if r.telling {
		if err := r.snapshot(ctx); err != nil {
			return err
		}
		r.telling = false
	}
	return r.drain(ctx)
}

// end returns the number of the last change.
func (r *reader) end(ctx context.Context) (int64, error) {
	row, err := r.service.Store.Client(ctx).CompanySequence.Get(ctx, r.company)
	if err != nil {
		return 0, fmt.Errorf("read the end of the health stream: %w", err)
	}
	return row.Health, nil
}

// kept reports whether every change after seq is still there, and seq is not from another life of the database.
func (r *reader) kept(ctx context.Context, seq int64) (bool, error) {
	end, err := r.end(ctx)
	if err != nil || seq >= end {
		return err == nil && seq == end, err
	}
	// The row is looked up as the company, since a viewer that is one user does not see every number.
	ctx = viewer.SystemFor(ctx, r.company)
	return r.service.Store.Client(ctx).HealthChange.Query().Where(healthchange.Seq(seq + 1)).Exist(ctx)
}

// gap tells the reader that events were lost to it, and starts it afresh. Its cursor stands before the whole snapshot.
func (r *reader) gap(ctx context.Context) error {
	end, err := r.end(ctx)
	if err != nil {
		return err
	}
	r.at, r.telling = cursor{seq: end, part: lowest}, true
	return r.send(ctx, Event{Kind: Gap, Cursor: r.at.String(), OccurredAt: r.service.Now()})
}

// lowest is below the id of every integration.
var lowest = string(id.Integration) + "_" + strings.Repeat("0", 26)

// snapshot sends the present state of everything that matches with an id above at.part, page by page. The states of a
// page and the number they are true at come from one repeatable-read transaction. The changes since the first page, or
// since the snapshot that the reader was cut off in, reach what it has already received.
func (r *reader) snapshot(ctx context.Context) error {
	for {
		rows, seq, err := r.page(ctx)
		if err != nil {
			return fmt.Errorf("read the snapshot of a health stream: %w", err)
		}
		if r.at.seq == fresh {
			r.at.seq = seq
		}
		r.told = append(r.told, told{above: r.at.part, seq: seq})
		more := len(rows) > pageSize
		rows = rows[:min(len(rows), pageSize)]
		now := r.service.Now()
		for i, row := range rows {
			state := Of(row)
			if r.at.part = row.ID; !more && i == len(rows)-1 {
				r.at.part = ""
			}
			err := r.send(ctx, Event{
				Kind: Snapshot, Cursor: r.at.String(), IntegrationID: row.ID, Health: &state, OccurredAt: now,
			})
			if err != nil {
				return err
			}
		}
		if !more {
			r.at.part = ""
			return nil
		}
	}
}

// page reads the next page of the snapshot, and one row more if there is one.
func (r *reader) page(ctx context.Context) (rows []*ent.Integration, seq int64, err error) {
	err = r.service.Store.ReadSnapshot(ctx, func(ctx context.Context) error {
		var err error
		if seq, err = r.end(ctx); err != nil {
			return err
		}
		rows, err = r.service.Store.Client(ctx).Integration.Query().Where(r.integrations()...).
			Where(integration.IDGT(r.at.part)).Order(integration.ByID()).Limit(pageSize + 1).All(ctx)
		return err
	})
	return rows, seq, err
}

// knows reports whether a snapshot has told the reader of this change already.
func (r *reader) knows(row *ent.HealthChange) bool {
	for _, page := range slices.Backward(r.told) {
		if row.IntegrationID > page.above {
			return row.Seq <= page.seq
		}
	}
	return false
}

// drain sends every change behind the reader's place. The end is read first: what lies before it and is not found is
// for others, and need not be looked through again.
func (r *reader) drain(ctx context.Context) error {
	end, err := r.end(ctx)
	if err != nil {
		return err
	}
	for r.at.seq < end {
		rows, err := r.service.Store.Client(ctx).HealthChange.Query().
			Where(healthchange.SeqGT(r.at.seq)).Where(r.changes()...).
			Order(healthchange.BySeq()).Limit(pageSize).All(ctx)
		if err != nil {
			return fmt.Errorf("read health changes: %w", err)
		}
		for _, row := range rows {
			if !r.knows(row) {
				event, err := eventOf(row)
				if err != nil {
					return err
				}
				if err := r.send(ctx, event); err != nil {
					return err
				}
			}
			r.at.seq = row.Seq
		}
		if len(rows) < pageSize {
			r.at.seq = max(r.at.seq, end)
		}
	}
	r.told = nil // what a snapshot has told lies behind
	return nil
}

func eventOf(row *ent.HealthChange) (Event, error) {
	e := Event{
		Kind: Kind(row.Kind), Cursor: cursor{seq: row.Seq}.String(), IntegrationID: row.IntegrationID,
		PreviousStatus: (*Status)(row.PreviousStatus), OccurredAt: row.OccurredAt,
	}
	if e.Kind == Removed {
		return e, nil
	}
	state, err := stateOf(row.Health)
	e.Health = &state
	return e, err
}

func (r *reader) send(ctx context.Context, e Event) error {
	select {
	case r.out <- e:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *reader) integrations() []predicate.Integration {
	var out []predicate.Integration
	if r.filter.UserID != nil {
		out = append(out, integration.UserID(*r.filter.UserID))
	}
	if r.filter.IntegrationIDs != nil {
		out = append(out, integration.IDIn(slices.Clone(r.filter.IntegrationIDs)...))
	}
	if r.filter.Providers != nil {
		out = append(out, integration.ProviderIn(slices.Clone(r.filter.Providers)...))
	}
	return out
}

func (r *reader) changes() []predicate.HealthChange {
	var out []predicate.HealthChange
	if r.filter.UserID != nil {
		out = append(out, healthchange.UserID(*r.filter.UserID))
	}
	if r.filter.IntegrationIDs != nil {
		out = append(out, healthchange.IntegrationIDIn(slices.Clone(r.filter.IntegrationIDs)...))
	}
	if r.filter.Providers != nil {
		out = append(out, healthchange.ProviderIn(slices.Clone(r.filter.Providers)...))
	}
	return out
}
