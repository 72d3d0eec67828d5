package health

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/healthchange"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/ent/predicate"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

// Kind says what an event is, spelled as in the GraphQL enum StreamEventKind.
type Kind string

// Kinds of events.
const (
	Snapshot Kind = "SNAPSHOT"
	Change   Kind = "CHANGE"
	Removed  Kind = "REMOVED"
	Gap      Kind = "GAP"
)

// Event is one delivery of the stream. IntegrationID is empty and Health nil on a Gap; Health is nil on Removed too.
type Event struct {
	Kind           Kind
	Cursor         string
	IntegrationID  string
	Health         *State
	PreviousStatus *Status
	OccurredAt     time.Time
}

// Filter chooses what a reader gets. Empty fields choose everything the viewer may see.
type Filter struct {
	UserID         *string
	IntegrationIDs []string
	Providers      []string
	// After resumes behind the event with this cursor; it wins over Snapshot.
	After *string
	// Snapshot asks for the present state of everything that matches before the changes.
	Snapshot bool
}

// pageSize bounds one read of the outbox or of a snapshot.
const pageSize = 200

// Follow returns the stream: the snapshot if it was asked for, then every change in order, at least once. The channel
// is closed when ctx ends or the database fails for good; nothing is buffered beyond one page, and a slow reader slows
// only itself. The caller must read until the channel closes or end ctx.
func (s *Service) Follow(ctx context.Context, f Filter) (<-chan Event, error) {
	v, ok := viewer.From(ctx)
	if !ok || v.Company == "" {
		return nil, problem.New(problem.Unauthenticated, "A health stream needs a credential of a company.")
	}
	r := &reader{service: s, filter: f, company: v.Company, out: make(chan Event)}
	if f.After != nil {
		c, err := parseCursor(*f.After)
		if err != nil {
			return nil, err
		}
		r.at = c
	}
	sub, err := s.Store.Listen(ctx, channel)
	if err != nil {
		return nil, fmt.Errorf("listen for health changes: %w", err)
	}
	if f.After == nil && !f.Snapshot { // the present end is that of now, not of when the goroutine gets to run
		if r.at.seq, err = r.end(ctx); err != nil {
			return nil, err
		}
	}
	go r.run(ctx, sub)
	return r.out, nil
}

// reader is one Follow: its goroutine ends with its context.
type reader struct {
	service *Service
	filter  Filter
	company string
	at      cursor
	out     chan Event

	// A snapshot has told what happened up to covered to every integration above this id.
	covered int64
	above   string
}

func (r *reader) run(ctx context.Context, sub *store.Subscription) {
	defer close(r.out)
	if err := r.begin(ctx); err != nil {
		return
	}
	for {
		if err := r.drain(ctx); err != nil {
			return
		}
		for woken := false; !woken; {
			select {
			case <-ctx.Done():
				return
			case _, open := <-sub.C():
				if !open {
					return
				}
			}
			companies, resync := sub.Take()
			woken = resync || slices.Contains(companies, r.company)
		}
	}
}

// begin brings the reader to its place: behind a snapshot or behind a cursor; at the present end it is already.
func (r *reader) begin(ctx context.Context) error {
	switch {
	case r.filter.After == nil && r.filter.Snapshot:
		return r.snapshot(ctx, "", fresh)
	case r.filter.After == nil:
		return nil
	}
	kept, err := r.kept(ctx, r.at.seq)
	if err != nil {
		return err
	}
	if !kept {
		return r.gap(ctx)
	}
	if r.at.part != "" {
		return r.snapshot(ctx, r.at.part, r.at.seq)
	}
	return nil
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

// gap tells the reader that events were lost to it, and starts it afresh.
func (r *reader) gap(ctx context.Context) error {
	end, err := r.end(ctx)
	if err != nil {
		return err
	}
	if err := r.send(ctx, Event{Kind: Gap, Cursor: cursor{seq: end}.String(), OccurredAt: r.service.Now()}); err != nil {
		return err
	}
	return r.snapshot(ctx, "", fresh)
}

// fresh is the number of a snapshot that continues none.
const fresh = -1

// snapshot sends the present state of everything that matches with an id above after. The states and the number they
// are true at come from one repeatable-read transaction. With since, the reader was cut off inside an earlier snapshot
// and goes on from that one's number: the changes in between reach what it has already received.
func (r *reader) snapshot(ctx context.Context, after string, since int64) error {
	var rows []*ent.Integration
	var seq int64
	err := r.service.Store.ReadSnapshot(ctx, func(ctx context.Context) error {
		var err error
		if seq, err = r.end(ctx); err != nil {
			return err
		}
		query := r.service.Store.Client(ctx).Integration.Query().Where(r.integrations()...).Order(integration.ByID())
		if after != "" {
			query.Where(integration.IDGT(after))
		}
		rows, err = query.All(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the snapshot of a health stream: %w", err)
	}
	if since == fresh {
		since = seq
	}
	r.covered, r.above = seq, after
	now := r.service.Now()
	for i, row := range rows {
		state := Of(row)
		at := cursor{seq: since, part: row.ID}
		if i == len(rows)-1 {
			at.part = ""
		}
		err := r.send(ctx, Event{
			Kind: Snapshot, Cursor: at.String(), IntegrationID: row.ID, Health: &state, OccurredAt: now,
		})
		if err != nil {
			return err
		}
	}
	r.at = cursor{seq: since}
	return nil
}

// drain sends every change behind the reader's place.
func (r *reader) drain(ctx context.Context) error {
	for {
		rows, err := r.service.Store.Client(ctx).HealthChange.Query().
			Where(healthchange.SeqGT(r.at.seq)).Where(r.changes()...).
			Order(healthchange.BySeq()).Limit(pageSize).All(ctx)
		if err != nil {
			return fmt.Errorf("read health changes: %w", err)
		}
		for _, row := range rows {
			r.at.seq = row.Seq
			if row.Seq <= r.covered && row.IntegrationID > r.above {
				continue
			}
			event, err := eventOf(row)
			if err != nil {
				return err
			}
			if err := r.send(ctx, event); err != nil {
				return err
			}
		}
		if len(rows) < pageSize {
			return nil
		}
	}
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
