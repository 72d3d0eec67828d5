package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/patchbay/patchbay/internal/jobs"
)

func TestAJobThatFindsSomethingLooksAgainAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		due, steps := 25, 0
		go jobs.Run(ctx, slog.New(slog.DiscardHandler), jobs.Job{
			Name: "x", Every: time.Minute, Batch: 10,
			Step: func(_ context.Context, batch int) (int, error) {
				steps++
				n := min(batch, due)
				due -= n
				return n, nil
			},
		})
		synctest.Wait()
		if due != 0 || steps != 4 {
			t.Errorf("due = %d after %d steps, want 0 after 4", due, steps)
		}
		cancel()
		synctest.Wait()
	})
}

func TestAJobGoesOnAfterAnErrorAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		steps, ended := 0, false
		go func() {
			jobs.Run(ctx, slog.New(slog.DiscardHandler), jobs.Job{
				Name: "x", Every: time.Minute, Batch: 10,
				Step: func(context.Context, int) (int, error) { steps++; return 10, errors.New("database gone") },
			})
			ended = true
		}()
		<-time.After(10 * time.Minute) // on the bubble's clock
		synctest.Wait()
		if steps < 8 || steps > 14 {
			t.Errorf("%d steps in ten minutes, want one about every minute", steps)
		}
		cancel()
		synctest.Wait()
		if !ended {
			t.Error("Run did not end")
		}
	})
}
