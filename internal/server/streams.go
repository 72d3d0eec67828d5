package server

import (
	"context"
	"sync"
)

// streams knows how to end the event streams that are open.
type streams struct {
	mu     sync.Mutex
	closed bool
	next   int
	open   map[int]context.CancelCauseFunc
}

// add keeps cancel until the returned function is called. A stream added after close is ended at once.
func (s *streams) add(cancel context.CancelCauseFunc) (remove func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		cancel(errShutdown)
		return func() {}
	}
	if s.open == nil {
		s.open = map[int]context.CancelCauseFunc{}
	}
	id := s.next
	s.next++
	s.open[id] = cancel
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, id)
	}
}

func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, cancel := range s.open {
		cancel(errShutdown)
	}
}
