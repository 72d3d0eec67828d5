package audit

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/auditevent"
	"github.com/patchbay/patchbay/internal/feed"
	"github.com/patchbay/patchbay/internal/viewer"
)

var descending = sql.OrderDesc()

// pause is how long a reader waits before it tries a database again that could not be read.
const pause = time.Second

// reader is one Follow; its goroutine ends with its context. It catches up by pages of its own, then takes part in the
// company's feed; when its buffer there was full it catches up again.
type reader struct {
	service *Service
	filter  Filter
	viewer  viewer.Viewer
	feed    *feed.Feed[place, *ent.AuditEvent]
	out     chan Delivery
	at      place
	resumes bool // at came from the caller and is not checked yet
}

func (r *reader) run(ctx context.Context) {
	for {
		err := r.catchUp(ctx)
		if err == nil {
			err = r.live(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			continue
		}
		slog.WarnContext(ctx, "an audit stream waits for the database", "error", err)
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}

func (r *reader) catchUp(ctx context.Context) error {
	if r.resumes {
		kept, err := r.kept(ctx)
		if err != nil {
			return err
		}
		if !kept {
			if r.at, err = r.service.end(ctx, r.viewer.Company); err != nil {
				return err
			}
			if err := r.send(ctx, Delivery{Cursor: r.at.String()}); err != nil {
				return err
			}
		}
		r.resumes = false
	}
	for {
		found, err := r.service.read(ctx, r.at)
		if err != nil {
			return err
		}
		for _, row := range found.rows {
			if !r.wants(row) {
				continue
			}
			if err := r.tell(ctx, row); err != nil {
				return err
			}
		}
		if r.at = found.at; !found.more {
			return nil
		}
	}
}

// kept reports whether the event that the reader resumes behind is still there, and not of another life of the database.
func (r *reader) kept(ctx context.Context) (bool, error) {
	if r.at.id == "" || r.at.id == last { // the cursor of a gap
		end, err := r.service.end(ctx, r.viewer.Company)
		return compare(r.at, end) <= 0, err
	}
	_, begun, err := r.service.settled(ctx)
	if err != nil || r.at.tx >= begun {
		return false, err
	}
	system := viewer.SystemFor(ctx, r.viewer.Company)
	there, err := r.service.Store.Client(system).AuditEvent.Query().
		Where(auditevent.ID(r.at.id), auditevent.Tx(r.at.tx)).Exist(system)
	if err != nil {
		return false, fmt.Errorf("look for where an audit stream was left: %w", err)
	}
	return there, nil
}

// live tells what the feed reads, and returns nil when the reader has to catch up again.
func (r *reader) live(ctx context.Context) error {
	joined, missed, ok := r.feed.Join(r.at, r.wants)
	if !ok {
		return nil
	}
	defer joined.Leave()
	for _, c := range missed {
		if err := r.tell(ctx, c.What); err != nil {
			return err
		}
	}
	for {
		select {
		case c, open := <-joined.C():
			if !open {
				return nil
			}
			if compare(c.At, r.at) <= 0 {
				continue
			}
			if err := r.tell(ctx, c.What); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wants reports whether an event is for this reader: its company's and, when the viewer is one user, that user's.
func (r *reader) wants(e *ent.AuditEvent) bool {
	return e.CompanyID == r.viewer.Company &&
		(r.viewer.User == "" || e.UserID != nil && *e.UserID == r.viewer.User) && r.filter.matches(e)
}

func (r *reader) tell(ctx context.Context, e *ent.AuditEvent) error {
	at := place{e.Tx, e.ID}
	if err := r.send(ctx, Delivery{Cursor: at.String(), Event: e}); err != nil {
		return err
	}
	r.at = at
	return nil
}

func (r *reader) send(ctx context.Context, d Delivery) error {
	select {
	case r.out <- d:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
