package credential

import (
	"context"
	"sync"

	"github.com/patchbay/patchbay/ent"
)

// flight is one renewal in this process, shared by all who need it. It outlives them.
type flight struct {
	// waiting closes when the renewal has found that another process is at it.
	waiting chan struct{}
	sayWait func()
	done    chan struct{}
	row     *ent.Credential
	err     error
}

// flights are the renewals under way.
type flights struct {
	mu      sync.Mutex
	under   map[flightKey]*flight
	running sync.WaitGroup
	stopped bool
}

// flightKey keeps a person's request, which does not rest after a failure, apart from what happens by itself.
type flightKey struct {
	id     string
	person bool
}

// join returns the flight of key and whether it has just begun. It returns nil once the flights are stopped.
func (f *flights) join(key flightKey, run func(*flight) (*ent.Credential, error)) (*flight, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl, ok := f.under[key]; ok {
		return fl, false
	}
	if f.stopped {
		return nil, false
	}
	waiting := make(chan struct{})
	fl := &flight{waiting: waiting, sayWait: sync.OnceFunc(func() { close(waiting) }), done: make(chan struct{})}
	if f.under == nil {
		f.under = map[flightKey]*flight{}
	}
	f.under[key] = fl
	f.running.Go(func() {
		defer close(fl.done)
		defer func() {
			f.mu.Lock()
			delete(f.under, key)
			f.mu.Unlock()
		}()
		fl.row, fl.err = run(fl)
	})
	return fl, true
}

// hold makes stop wait until the returned function is called.
func (f *flights) hold() (letGo func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped { // it belongs to a flight that is waited for, or comes too late
		return func() {}
	}
	f.running.Add(1)
	return f.running.Done
}

// stop lets no new flight begin and waits until those under way have landed or ctx ends.
func (f *flights) stop(ctx context.Context) error {
	f.mu.Lock()
	f.stopped = true
	f.mu.Unlock()
	landed := make(chan struct{})
	go func() {
		f.running.Wait()
		close(landed)
	}()
	select {
	case <-landed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
