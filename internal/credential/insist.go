package credential

import (
	"context"
	"errors"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
)

// Insist runs write until it succeeds or keepLimit is over: what it stores was answered for something that can be spent
// only once. It goes on although ctx ends, and Close waits for it. A problem is a decision that no other attempt would
// change, and is returned at once. An attempt whose commit was not confirmed may have been stored: write must find that.
// Whose is told to the log with each attempt that failed.
func (s *Service) Insist(ctx context.Context, whose string, write func(context.Context) error) error {
	defer s.flights.hold()()
	return within(ctx, keepLimit, func(ctx context.Context) error {
		for wait := 50 * time.Millisecond; ; wait = min(2*wait, keepPause) {
			err := within(ctx, writeLimit, write)
			if _, decided := errors.AsType[*problem.Error](err); err == nil || decided {
				return err
			}
			s.Log.ErrorContext(ctx, "what a refresh token was spent for is not stored yet", "of", whose, "error", err)
			if pause(ctx, wait+jitter(wait)) != nil {
				return err
			}
		}
	})
}
