package integration

import (
	"context"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
)

// attempts is what the end of an attempt to connect wakes; the payload is the attempt's id.
const attempts = "connect_attempts"

// lookAgain is how soon an attempt is read again when it could not be.
const lookAgain = 2 * time.Second

// FollowAttempt returns how the attempt with this state goes on, beginning with how far it has come; the channel is
// closed once it has ended, and when ctx ends. A state that the viewer may not see is NotFound. The caller must read
// until the channel closes or end ctx.
func (s *Service) FollowAttempt(ctx context.Context, state string) (<-chan *Progress, error) {
	progress, err := s.ConnectAttempt(ctx, state)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	sub, err := s.Store.ListenTo(ctx, attempts, progress.Attempt.ID)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("listen for the end of an attempt: %w", err)
	}
	out := make(chan *Progress)
	go func() {
		defer close(out)
		defer cancel()
		s.followAttempt(ctx, state, progress, sub, out)
	}()
	return out, nil
}

func (s *Service) followAttempt(
	ctx context.Context, state string, last *Progress, sub *store.Subscription, out chan<- *Progress,
) {
	told := AttemptStatus("")
	for {
		progress, err := s.ConnectAttempt(ctx, state)
		switch {
		case problem.Is(err, problem.NotFound): // pruned, or gone with its user
			progress = &Progress{Attempt: last.Attempt, Status: AttemptExpired}
		case err != nil && ctx.Err() == nil:
			s.Log.WarnContext(ctx, "the stream of an attempt waits for the database", "error", err)
		}
		wait := lookAgain
		if progress != nil {
			last, wait = progress, max(progress.Attempt.ExpiresAt.Sub(s.Now()), time.Millisecond)
			if progress.Status != told {
				select {
				case out <- progress:
				case <-ctx.Done():
					return
				}
			}
			if told = progress.Status; told != Pending {
				return
			}
		}
		due := time.NewTimer(wait)
		select {
		case <-due.C:
		case _, open := <-sub.C():
			if due.Stop(); !open {
				return
			}
			sub.Take()
		case <-ctx.Done():
			due.Stop()
			return
		}
	}
}
