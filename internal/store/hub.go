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
	subs   map[topic][]*Subscription
}

// topic is what a subscription is about: a whole channel, or one payload of it.
type topic struct{ channel, payload string }

func newHub() *hub { return &hub{subs: map[topic][]*Subscription{}} }

var errClosed = errors.New("store: the database is closed")

func (h *hub) subscribe(t topic) (*Subscription, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errClosed
	}
	s := &Subscription{wake: make(chan struct{}, 1), seen: map[string]struct{}{}}
	h.subs[t] = append(h.subs[t], s)
	return s, nil
}

func (h *hub) unsubscribe(t topic, s *Subscription) {
	h.mu.Lock()
	h.subs[t] = slices.DeleteFunc(h.subs[t], func(other *Subscription) bool { return other == s })
	if len(h.subs[t]) == 0 {
		delete(h.subs, t)
	}
	h.mu.Unlock()
	s.end()
}

func (h *hub) deliver(channel, payload string) {
	h.mu.Lock()
	subs := slices.Clone(h.subs[topic{channel: channel}])
	if payload != "" {
		subs = append(subs, h.subs[topic{channel, payload}]...)
	}
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
	h.subs = map[topic][]*Subscription{}
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
