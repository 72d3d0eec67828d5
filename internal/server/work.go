package server

import (
	"context"
	"sync"
)

// work counts what is running, so that a shutdown can refuse more and wait for the rest.
type work struct {
	mu      sync.Mutex
	running int
	closed  bool
	idle    chan struct{} // closed when closed and nothing runs; made by close
}

// begin reports whether new work may start; if so, the caller must call end.
func (w *work) begin() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.running++
	return true
}

func (w *work) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
	if w.closed && w.running == 0 {
		close(w.idle)
	}
}

// close lets nothing begin any more. Calling it again changes nothing.
func (w *work) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.closed, w.idle = true, make(chan struct{})
	if w.running == 0 {
		close(w.idle)
	}
}

// draining reports whether close was called.
func (w *work) draining() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

// wait returns when nothing runs, or with ctx's error. It must come after close.
func (w *work) wait(ctx context.Context) error {
	select {
	case <-w.idle:
		return nil
	default:
	}
	select {
	case <-w.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
