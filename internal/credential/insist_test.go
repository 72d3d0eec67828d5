package credential_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
)

func TestWhatIsStoredInsistentlyOutlivesItsCallerAndAStopWaitsForIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newWorld(t, 1).start()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began, attempts := time.Now(), 0
		stored := make(chan error, 1)
		go func() {
			stored <- p.Insist(ctx, "int_1", func(context.Context) error {
				if attempts++; time.Since(began) < time.Minute {
					return errStore
				}
				return nil
			})
		}()
		synctest.Wait()
		if err := p.Close(t.Context()); err != nil || time.Since(began) < time.Minute {
			t.Errorf("stopped after %v, %v", time.Since(began), err)
		}
		if err := <-stored; err != nil || attempts < 10 {
			t.Errorf("%d attempts, %v", attempts, err)
		}
	})
}

func TestInsistingEndsWithADecisionAndAfterItsLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newWorld(t, 1).start()
		began := time.Now()
		err := p.Insist(t.Context(), "int_1", func(context.Context) error { return errNoRow })
		if !problem.Is(err, problem.NotFound) || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		err = p.Insist(t.Context(), "int_1", func(context.Context) error { return errStore })
		if took := time.Since(began); err == nil || took < time.Minute || took > 3*time.Minute {
			t.Errorf("%v after %v", err, took)
		}
	})
}
