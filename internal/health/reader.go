package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/healthchange"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/ent/user"
	"github.com/patchbay/patchbay/internal/feed"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

// fresh is the number of a reader that has been told nothing yet.
const fresh = -1

// reader is one Follow; its goroutine ends with its context.
//
//	advance: snapshot and changes, by pages of its own ──▶ live: from the company's feed
//	           ▲                                              │ its buffer was full
//	           └───────────────── gap ◀───────────────────────┘
type reader struct {
	service *Service
	filter  Filter
	viewer  viewer.Viewer
	feed    *feed.Feed[int64, *change]
	out     chan Event

	// about is the one user whose integrations the stream tells of, "" for none; gone wakes when that user is deleted.
	about string
	gone  *store.Subscription

	// at is how far the reader has been told. With resumes it came from the caller and is not checked yet; with telling
	// the rest of a snapshot, above at.part, is still to come.
	at               cursor
	resumes, telling bool
	// lost is set when changes did not fit into the reader's buffer.
	lost bool
	told []told
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

// errOver ends a stream that has nothing more to tell.
var errOver = errors.New("health: the stream is over")

func (r *reader) run(ctx context.Context) {
	for pause := firstPause; ; {
		err := r.advance(ctx)
		if err == nil {
			pause = firstPause
			err = r.live(ctx)
		}
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil, errors.Is(err, errOver):
			return
		}
		r.service.log().ErrorContext(ctx, "a health stream waits for the database", "error", err)
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
		pause = min(2*pause, longPause)
	}
}

// live tells what the feed reads. It returns nil when the reader has to look for itself again.
func (r *reader) live(ctx context.Context) error {
	if err := r.there(ctx); err != nil {
		return err
	}
	joined, missed, ok := r.feed.Join(r.at.seq, r.wants)
	if !ok {
		return nil // the feed has read further than it remembers
	}
	defer joined.Leave()
	for _, c := range missed {
		if err := r.deliver(ctx, c); err != nil {
			return err
		}
	}
	var gone <-chan struct{}
	if r.gone != nil {
		gone = r.gone.C()
	}
	for {
		select {
		case c, open := <-joined.C():
			if !open && r.feed.Context().Err() != nil {
				return errOver
			}
			if r.lost = !open; r.lost {
				return nil
			}
			if err := r.deliver(ctx, c); err != nil {
				return err
			}
		case <-gone:
			r.gone.Take()
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// there returns errOver, after the last change, when the user that the stream is about is no more.
func (r *reader) there(ctx context.Context) error {
	if r.about == "" {
		return nil
	}
	system := viewer.SystemFor(ctx, r.viewer.Company)
	exists, err := r.service.Store.Client(system).User.Query().Where(user.ID(r.about)).Exist(system)
	if err != nil {
		return fmt.Errorf("look for the user of a health stream: %w", err)
	}
	if exists {
		return nil
	}
	if err := r.drain(ctx); err != nil {
		return err
	}
	return errOver
}

// wants reports whether a change is for this reader: its company's and, when the viewer is one user, that user's.
func (r *reader) wants(c *change) bool {
	return c.company == r.viewer.Company && (r.viewer.User == "" || c.user == r.viewer.User) && r.filter.matches(c)
}

// deliver sends a change that the reader does not have yet.
func (r *reader) deliver(ctx context.Context, c feed.Change[int64, *change]) error {
	if c.At <= r.at.seq {
		return nil
	}
	if err := r.send(ctx, c.What.event); err != nil {
		return err
	}
	r.at.seq = c.At
	return nil
}

// advance tells the reader everything that it does not know yet. After an error it goes on where it was.
func (r *reader) advance(ctx context.Context) error {
	if r.lost {
		if err := r.gap(ctx); err != nil {
			return err
		}
		r.lost = false
	}
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

func (r *reader) end(ctx context.Context) (int64, error) { return r.service.end(ctx, r.viewer.Company) }

// kept reports whether every change after seq is still there, and seq is not from another life of the database.
func (r *reader) kept(ctx context.Context, seq int64) (bool, error) {
	end, err := r.end(ctx)
	if err != nil || seq >= end {
		return err == nil && seq == end, err
	}
	// The row is looked up as the company, since a viewer that is one user does not see every number.
	ctx = viewer.SystemFor(ctx, r.viewer.Company)
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
		rows, err = r.service.Store.Client(ctx).Integration.Query().Where(r.filter.integrations()...).
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
			Where(healthchange.SeqGT(r.at.seq)).Where(r.filter.changes()...).
			Order(healthchange.BySeq()).Limit(pageSize).All(ctx)
		if err != nil {
			return fmt.Errorf("read health changes: %w", err)
		}
		for _, row := range rows {
			if !r.knows(row) {
				c, err := changeOf(row)
				if err != nil {
					return err
				}
				if err := r.send(ctx, c.What.event); err != nil {
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

func (r *reader) send(ctx context.Context, e Event) error {
	select {
	case r.out <- e:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
