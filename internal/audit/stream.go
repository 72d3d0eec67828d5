package audit

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/viewer"
)

// Delivery is one event of the stream. Event is nil where it tells of a gap: what lies before it is no longer kept. What
// it points to is shared with other readers.
type Delivery struct {
	Cursor string
	Event  *ent.AuditEvent
}

// Filter chooses events. Nil fields choose everything that the viewer may see; Until is excluded.
type Filter struct {
	Types                                 []string
	UserID, IntegrationID, ConversationID *string
	Since, Until                          *time.Time
}

func (f Filter) matches(e *ent.AuditEvent) bool {
	same := func(want, got *string) bool { return want == nil || got != nil && *got == *want }
	return (f.Types == nil || slices.Contains(f.Types, e.EventType)) && same(f.UserID, e.UserID) &&
		same(f.IntegrationID, e.IntegrationID) && same(f.ConversationID, e.ConversationID) &&
		(f.Since == nil || !e.Timestamp.Before(*f.Since)) && (f.Until == nil || e.Timestamp.Before(*f.Until))
}

// Follow returns the events that are written from now on, or behind the cursor after, in the order of the stream, at
// least once. A reader that is slow reads on by itself and loses nothing. A database that cannot be read holds the
// stream up. The channel is closed when ctx ends or the store is closed; the caller must read until then or end ctx.
func (s *Service) Follow(ctx context.Context, f Filter, after *string) (<-chan Delivery, error) {
	v, ok := viewer.From(ctx)
	if !ok || v.Company == "" {
		return nil, problem.New(problem.Unauthenticated, "The audit stream needs a credential of a company.")
	}
	r := &reader{service: s, filter: f, viewer: v, out: make(chan Delivery)}
	if after != nil {
		at, err := parseCursor(*after)
		if err != nil {
			return nil, err
		}
		r.at, r.resumes = at, true
	}
	joined, err := s.feeds.Enter(ctx, s.table(), v.Company)
	if err != nil {
		return nil, fmt.Errorf("follow the audit trail: %w", err)
	}
	r.feed = joined
	if after == nil {
		if r.at, err = s.end(ctx, v.Company); err != nil {
			joined.Leave()
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	forget := context.AfterFunc(joined.Context(), cancel)
	go func() {
		defer close(r.out)
		defer joined.Leave()
		defer cancel()
		defer forget()
		r.run(ctx)
	}()
	return r.out, nil
}

func (p place) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte("a1." + strconv.FormatInt(p.tx, 10) + "." + p.id))
}

func parseCursor(s string) (place, error) {
	refused := problem.New(problem.BadInput, "This cursor is not one of the audit stream.").At("after")
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return place{}, refused
	}
	rest, ok := strings.CutPrefix(string(b), "a1.")
	if !ok {
		return place{}, refused
	}
	number, event, ok := strings.Cut(rest, ".")
	tx, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || tx < 0 || event != "" && event != last && id.Check(id.AuditEvent, event) != nil {
		return place{}, refused
	}
	return place{tx, event}, nil
}
