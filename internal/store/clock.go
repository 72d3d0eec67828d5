package store

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Clock tells the database's time without asking it each time, so that replicas agree although their machines' clocks do
// not. Between two looks it counts on by the machine's steady clock, which no correction of the time moves. It is safe for
// concurrent use.
type Clock struct {
	store *Store
	look  atomic.Pointer[look]
}

// look is one time that the database has told.
type look struct {
	here  time.Time // of this machine, with its steady clock
	there time.Time
}

// slowLook is how long the database may take to tell the time: a slower answer tells less than counting on does.
const slowLook = time.Second

var errSlowLook = errors.New("store: the database was too slow to tell the time")

// Clock asks the database for its time and returns a clock that goes on from there; Sync keeps it right.
func (s *Store) Clock(ctx context.Context) (*Clock, error) {
	c := &Clock{store: s}
	if _, err := c.Sync(ctx); err != nil && c.look.Load() == nil {
		return nil, err
	}
	return c, nil
}

// Now returns the database's time in UTC and whole microseconds.
func (c *Clock) Now() time.Time {
	l := c.look.Load()
	return l.there.Add(time.Since(l.here)).UTC().Truncate(time.Microsecond)
}

// Sync looks at the database's time again and returns by how much this machine's clock is ahead of it. When it fails,
// the clock goes on as before.
func (c *Clock) Sync(ctx context.Context) (ahead time.Duration, err error) {
	began := time.Now()
	there, err := c.store.Now(ctx)
	if err != nil {
		return 0, err
	}
	took := time.Since(began)
	here := began.Add(took / 2)
	if took > slowLook {
		err = errSlowLook
	}
	if err == nil || c.look.Load() == nil {
		c.look.Store(&look{here: here, there: there})
	}
	return here.Sub(there), err
}
