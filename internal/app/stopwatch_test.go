package app_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// newStopwatch returns the time since it was called, as this machine has lived it: whenever this process stands still,
// or alive takes long, which asks what is under test for something easy, the watch goes on by a tenth of a second only.
// So a limit holds wherever the machine has time for it.
func newStopwatch(t *testing.T, alive func()) (since func() time.Duration) {
	t.Helper()
	const step = 100 * time.Millisecond
	var lived atomic.Int64
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-time.After(step):
				alive()
				lived.Add(int64(step))
			case <-over:
				return
			}
		}
	})
	t.Cleanup(func() { close(over); watching.Wait() })
	return func() time.Duration { return time.Duration(lived.Load()) }
}
