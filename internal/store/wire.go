package store

import (
	"context"
	"net"
	"sync"
	"time"
)

// grace is how long a cancelled statement of PostgreSQL may take to end before its connection is cut: the word to
// cancel travels on another connection, where it can come too early or not at all.
const grace = time.Second

// wire is the network connection under one of lib/pq's. A nil wire, as SQLite's, does nothing.
type wire struct {
	mu   sync.Mutex
	conn net.Conn
}

// watch cuts the wire when ctx ends and the work under it does not follow. The caller calls stop when the work has
// ended, which returns false if ctx ended first: the connection is not to be used again.
func (w *wire) watch(ctx context.Context, grace time.Duration) (stop func() bool) {
	if w == nil || ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { time.AfterFunc(grace, w.cut) })
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn != nil {
		_ = w.conn.SetDeadline(time.Unix(1, 0))
	}
}

type wireKey struct{}

// dialer hands the connection it makes to the wire of the context.
type dialer struct{ net.Dialer }

// DialContext implements pq.DialerContext.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.Dialer.DialContext(ctx, network, address)
	if w, ok := ctx.Value(wireKey{}).(*wire); ok && err == nil {
		w.mu.Lock()
		w.conn = c
		w.mu.Unlock()
	}
	return c, err
}

// DialTimeout implements pq.Dialer.
func (d *dialer) DialTimeout(network, address string, limit time.Duration) (net.Conn, error) {
	return net.DialTimeout(network, address, limit)
}
