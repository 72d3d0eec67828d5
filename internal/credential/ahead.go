package credential

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/turn"
	"github.com/patchbay/patchbay/internal/viewer"
)

// renewers bounds the renewals ahead that one RefreshDue runs at once.
var renewers = turn.Bounds{All: 16, PerProvider: 8, PerCompany: 8}

// RefreshDue renews up to limit tokens that are about to end, and ends what has run out and cannot be renewed, oldest due
// first and of all companies; it returns how many it took. One provider gets at most half of a batch and one company a
// quarter, and each half of what runs at once. What fails rests longer each time, so it is due after everything that has
// waited meanwhile. Shortly after the store has failed it takes nothing. It is one step of what runs by itself; replicas
// may call it at the same time, and each row is taken by one of them.
func (s *Service) RefreshDue(ctx context.Context, limit int) (int, error) {
	if at := s.outage.Load(); at != nil && s.Now().Sub(*at).Abs() < watchFor {
		return 0, nil // who could not store what was answered meanwhile comes first
	}
	owner := rand.Text()
	rows, err := s.Rows.ClaimDue(ctx, owner, leaseFor, store.ShareOf(limit))
	if err != nil {
		s.outage.Store(new(s.Now()))
		return 0, err
	}
	return len(rows), s.each(ctx, rows, owner, renewers, func(ctx context.Context, row *ent.Credential) error {
		return s.refreshAhead(ctx, row, owner)
	})
}

// refreshAhead renews or ends a row that owner has leased. How a provider answers is recorded and no error.
func (s *Service) refreshAhead(ctx context.Context, row *ent.Credential, owner string) error {
	var err error
	switch {
	case s.tooEarly(row), // this clock is behind the database's
		!s.renewable(row) && row.ExpiresAt != nil && s.valid(row, s.Now()):
		return s.Rows.Release(ctx, row.ID, owner, nil)
	case s.renewable(row):
		_, err = s.spend(ctx, row, owner)
	default:
		_, err = s.expire(ctx, row, owner, end{reason: health.TokenExpired, code: "no_refresh_token"})
	}
	if _, told := errors.AsType[*problem.Error](err); told {
		return nil
	}
	return err
}

// each calls fn for rows that owner has claimed, a few at once, each as the system within the row's company, and returns
// when all are done. A lease that has waited long for its turn is renewed first. A row whose lease cannot be, or whose
// turn comes after ctx has ended, is given back for the next step; what has begun is finished all the same.
func (s *Service) each(
	ctx context.Context, rows []*ent.Credential, owner string, atOnce turn.Bounds,
	fn func(context.Context, *ent.Credential) error,
) error {
	began := s.Now()
	var (
		mu   sync.Mutex
		errs []error
	)
	of := func(row *ent.Credential) (string, string) { return row.Provider, row.CompanyID }
	turn.Each(atOnce, rows, of, func(row *ent.Credential) {
		working := viewer.SystemFor(context.WithoutCancel(ctx), row.CompanyID)
		if ctx.Err() != nil || !s.still(working, row, owner, s.Now().Sub(began)) {
			_ = within(working, writeLimit, func(ctx context.Context) error {
				return s.Rows.Release(ctx, row.ID, owner, nil)
			})
			return
		}
		if err := fn(working, row); err != nil {
			mu.Lock()
			errs = append(errs, err)
			mu.Unlock()
		}
	})
	return errors.Join(errs...)
}

// ahead returns when a renewal that failed is tried again by itself: not before next, and not sooner than it was planned.
func ahead(row *ent.Credential, next time.Time) time.Time {
	if row.RefreshAt == nil || row.RefreshAt.After(next) {
		return time.Time{}
	}
	return next
}
