package credential

import (
	"context"
	"sync"
	"time"

	"github.com/patchbay/patchbay/ent"
)

// hold renews owner's lease of a row until the returned function is called, which waits for the last attempt. A renewal
// that fails is tried again; one that finds the lease taken is the last: what is stored then is fenced by the generation.
func (s *Service) hold(ctx context.Context, row *ent.Credential, owner string) (letGo func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var holding sync.WaitGroup
	holding.Go(func() {
		for pause(ctx, holdEvery) == nil {
			limited, done := context.WithTimeout(ctx, writeLimit)
			ours, err := s.Rows.Extend(limited, row.ID, owner, leaseFor)
			done()
			if err == nil && !ours {
				return
			}
		}
	})
	return func() {
		cancel()
		holding.Wait()
	}
}

// still reports whether a lease of this age is good for one more call. One that is too old for that is renewed first.
func (s *Service) still(ctx context.Context, row *ent.Credential, owner string, age time.Duration) bool {
	if age >= 0 && age < startLimit {
		return true
	}
	ours := false
	began := s.Now()
	err := within(ctx, writeLimit, func(ctx context.Context) (err error) {
		ours, err = s.Rows.Extend(ctx, row.ID, owner, leaseFor)
		return err
	})
	return err == nil && ours && s.Now().Sub(began) < startLimit
}

// watch is what one flight has seen of a lease that is another's.
type watch struct {
	owner       string
	until       time.Time
	since, last time.Time
}

// standing reports whether the row may be leased once that is free: it was released, or its lease has stood unrenewed for
// watchFor while the database could be read.
func (w *watch) standing(row *ent.Credential, now time.Time) bool {
	if row.LeaseOwner == nil || row.LeaseUntil == nil {
		return true
	}
	same := w.owner == *row.LeaseOwner && w.until.Equal(*row.LeaseUntil)
	gap := now.Sub(w.last)
	if !same || gap < 0 || gap > watchFor/2 { // a look that took long may have outlasted an outage
		w.owner, w.until, w.since = *row.LeaseOwner, *row.LeaseUntil, now
	}
	w.last = now
	return now.Sub(w.since) >= watchFor
}
