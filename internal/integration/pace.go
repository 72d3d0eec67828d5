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
// day, so this bounds the table as well. Callers that come at the same moment may exceed it by their number.
const (
	maxAttempts        = 100
	maxCompanyAttempts = 5000
)

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
