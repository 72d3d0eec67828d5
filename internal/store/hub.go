package store

import (
	"errors"
	"slices"
	"sync"
)

// hub hands wakes to this process's subscriptions.
type hub struct {
	remote *remote // PostgreSQL only

	mu     sync.Mutex
	closed bool
	subs   map[string][]*Subscription
}

func newHub() *hub { return &hub{subs: map[string][]*Subscription{}} }

var errClosed = errors.New("store: the database is closed")

func (h *hub) subscribe(channel string) (*Subscription, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errClosed
	}
	s := &Subscription{wake: make(chan struct{}, 1), seen: map[string]struct{}{}}
	h.subs[channel] = append(h.subs[channel], s)
	return s, nil
}

func (h *hub) unsubscribe(channel string, s *Subscription) {
	h.mu.Lock()
	h.subs[channel] = slices.DeleteFunc(h.subs[channel], func(other *Subscription) bool { return other == s })
	h.mu.Unlock()
	s.end()
}

func (h *hub) deliver(channel, payload string) {
	h.mu.Lock()
	subs := slices.Clone(h.subs[channel])
	h.mu.Unlock()
	for _, s := range subs {
		s.add(payload)
	}
}

// resync tells everybody that notifications may have been missed.
func (h *hub) resync() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, subs := range h.subs {
		for _, s := range subs {
			s.lost()
		}
	}
}

func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	subs := h.subs
	h.subs = map[string][]*Subscription{}
	h.mu.Unlock()
	if h.remote != nil {
		h.remote.close()
	}
	for _, list := range subs {
		for _, s := range list {
			s.end()
		}
	}
}
