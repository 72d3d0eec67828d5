package integration

import (
	"context"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/connectattempt"
	"github.com/patchbay/patchbay/ent/predicate"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/viewer"
)

// How many attempts to connect may begin within attemptLife, whatever becomes of them: for one person, who needs a few,
// or for the company itself; and for one company, whose users may all come on one day. Each is a row that is kept for a
// day, so this bounds the table as well.
const (
	maxAttempts        = 100
	maxCompanyAttempts = 5000
)

// begin runs write, which adds an attempt of owner's, unless too many were begun. Attempts of one company are counted and
// added one after the other, so that however many callers come at the same moment, no more are let in than may be; who
// is refused has waited for nobody.
func (s *Service) begin(ctx context.Context, owner *string, write func(context.Context) error) error {
	if err := s.mayBegin(ctx, owner); err != nil {
		return err
	}
	return s.Store.RetryTx(ctx, func(ctx context.Context) error {
		v, _ := viewer.From(ctx)
		if err := s.lockCompany(viewer.SystemFor(ctx, v.Company), v.Company); err != nil {
			return err
		}
		if err := s.mayBegin(ctx, owner); err != nil {
			return err
		}
		return write(ctx)
	})
}

// mayBegin returns a problem that says when to try again while too many attempts were begun.
func (s *Service) mayBegin(ctx context.Context, owner *string) error {
	v, _ := viewer.From(ctx)
	ctx = viewer.SystemFor(ctx, v.Company) // a user's viewer sees that user's alone
	err := s.paced(ctx, maxAttempts, "for this user", userIs(owner))
	if err == nil {
		err = s.paced(ctx, maxCompanyAttempts, "in this company")
	}
	return err
}

func (s *Service) paced(ctx context.Context, limit int, whose string, of ...predicate.ConnectAttempt) error {
	now := s.Now()
	recent := id.Floor(id.ConnectAttempt, now.Add(-attemptLife)) // ids are in the order of their times
	first, err := s.Store.Client(ctx).ConnectAttempt.Query().Where(connectattempt.IDGTE(recent)).Where(of...).
		Order(ent.Desc(connectattempt.FieldID)).Offset(limit - 1).Limit(1).
		Select(connectattempt.FieldCreatedAt).All(ctx)
	if err != nil {
		return fmt.Errorf("count the attempts to connect: %w", err)
	}
	if len(first) == 0 {
		return nil
	}
	wait := max(first[0].CreatedAt.Add(attemptLife).Sub(now), time.Second).Round(time.Second)
	p := problem.New(problem.TooManyAttempts,
		"%d connections were begun %s within %d minutes, which is as many as may be. Try again in %s.",
		limit, whose, int(attemptLife.Minutes()), wait)
	p.RetryAfter = wait
	return p
}
