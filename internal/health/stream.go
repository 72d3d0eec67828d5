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

// Event is one delivery of the stream. IntegrationID is empty and Health nil on a Gap; Health is nil on Removed too. What
// it points to is shared with other readers.
type Event struct {
	Kind           Kind
	Cursor         string
	IntegrationID  string
	Health         *State
	PreviousStatus *Status
	OccurredAt     time.Time
}

// pageSize bounds one read of the outbox or of a snapshot.
const pageSize = 200

// Follow returns the stream: the snapshot if it was asked for, then every change in order, at least once. A reader that
// falls behind by more than its buffer, or asks for what is no longer kept, gets a Gap and a fresh snapshot; a database
// that cannot be read holds the stream up and does not end it. The channel is closed when ctx ends, when the store is
// closed and, where the stream is about one user, once that user is deleted and everything has been told. The caller
// must read until the channel closes or end ctx.
func (s *Service) Follow(ctx context.Context, f Filter) (<-chan Event, error) {
	v, ok := viewer.From(ctx)
	if !ok || v.Company == "" {
		return nil, problem.New(problem.Unauthenticated, "A health stream needs a credential of a company.")
	}
	r := &reader{service: s, filter: f, viewer: v, about: v.User, out: make(chan Event)}
	if r.about == "" && f.UserID != nil {
		r.about = *f.UserID
	}
	if f.After != nil {
		c, err := parseCursor(*f.After)
		if err != nil {
			return nil, err
		}
		r.at, r.resumes, r.telling = c, true, c.part != ""
	}
	ctx, cancel := context.WithCancel(ctx)
	if err := r.begin(ctx); err != nil {
		cancel()
		return nil, err
	}
	forget := context.AfterFunc(r.feed.Context(), cancel)
	go func() {
		defer close(r.out)
		defer r.feed.Leave()
		defer cancel()
		defer forget()
		r.run(ctx)
	}()
	return r.out, nil
}

// begin makes sure that nothing that happens from now on is missed.
func (r *reader) begin(ctx context.Context) (err error) {
	if r.about != "" {
		if r.gone, err = r.service.Store.ListenTo(ctx, usersGone, r.about); err != nil {
			return fmt.Errorf("listen for the end of a user: %w", err)
		}
	}
	r.feed, err = r.service.feeds.Enter(ctx, r.service.table(), r.viewer.Company)
	if err != nil {
		return fmt.Errorf("listen for health changes: %w", err)
	}
	switch {
	case r.filter.After != nil:
	case r.filter.Snapshot:
		r.at.seq, r.telling = fresh, true
	default: // the present end is that of now, not of when the goroutine gets to run
		if r.at.seq, err = r.end(ctx); err != nil {
			r.feed.Leave()
		}
	}
	return err
}
