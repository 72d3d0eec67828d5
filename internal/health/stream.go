package health

import (
	"context"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
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
// is closed when ctx ends or the store is closed. A database that cannot be read holds the stream up and does not end it.
// Nothing is kept beyond one page, and a slow reader slows only itself. The caller must read until the channel closes or
// end ctx.
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
		r.at, r.resumes, r.telling = c, true, c.part != ""
	}
	sub, err := s.Store.Listen(ctx, channel)
	if err != nil {
		return nil, fmt.Errorf("listen for health changes: %w", err)
	}
	switch {
	case f.After != nil:
	case f.Snapshot:
		r.at.seq, r.telling = fresh, true
	default: // the present end is that of now, not of when the goroutine gets to run
		if r.at.seq, err = r.end(ctx); err != nil {
			return nil, err
		}
	}
	go r.run(ctx, sub)
	return r.out, nil
}
