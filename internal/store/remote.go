package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/lib/pq"
)

// A lost connection is tried again after the first, then twice as long each time, up to the second. A quiet one is
// asked for a sign of life, or one whose other end is gone would be silent for ever.
const (
	reconnectFirst = 100 * time.Millisecond
	reconnectLast  = 10 * time.Second
	pingEvery      = 75 * time.Second
)

// remote listens to PostgreSQL on one connection of its own, opened at the first Listen.
type remote struct {
	dsn string
	hub *hub
	log *slog.Logger

	ctx    context.Context //nolint:containedctx // ends when the remote is closed
	cancel context.CancelFunc

	mu       sync.Mutex
	listener *pq.Listener
	channels map[string]chan struct{} // closed once PostgreSQL has taken the LISTEN
	errs     map[string]error
	running  sync.WaitGroup
}

func newRemote(dsn string, h *hub, log *slog.Logger) *remote {
	r := &remote{dsn: dsn, hub: h, log: log, channels: map[string]chan struct{}{}, errs: map[string]error{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// listen returns when notifications of the channel arrive. A channel once listened to stays so: there are few.
func (r *remote) listen(ctx context.Context, channel string) error {
	ready, err := r.begin(channel)
	if err != nil {
		return err
	}
	select {
	case <-ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.errs[channel]
}

func (r *remote) begin(channel string) (<-chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return nil, errClosed
	}
	if r.listener == nil {
		r.listener = pq.NewDialListener(&ending{ctx: r.ctx}, r.dsn, reconnectFirst, reconnectLast, r.changed)
		r.running.Go(r.receive)
	}
	if ready, ok := r.channels[channel]; ok && r.errs[channel] == nil {
		return ready, nil
	}
	ready := make(chan struct{})
	r.channels[channel] = ready
	r.running.Go(func() {
		err := r.listener.Listen(channel)
		if errors.Is(err, pq.ErrChannelAlreadyOpen) {
			err = nil
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.errs[channel] = nil; err != nil {
			r.errs[channel] = fmt.Errorf("listen to %s: %w", channel, err)
		}
		close(ready)
	})
	return ready, nil
}

// receive runs until the listener is closed.
func (r *remote) receive() {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case n, ok := <-r.listener.Notify:
			switch {
			case !ok:
				return
			case n == nil: // the connection was lost and is back
				r.hub.resync()
			default:
				r.hub.deliver(n.Channel, n.Extra)
			}
		case <-ping.C:
			r.running.Go(func() { _ = r.listener.Ping() }) // an error begins a reconnection
		}
	}
}

func (r *remote) changed(event pq.ListenerEventType, err error) {
	if r.ctx.Err() != nil {
		return
	}
	switch event {
	case pq.ListenerEventDisconnected:
		r.log.Warn("the connection that listens for changes is lost", "error", err)
	case pq.ListenerEventReconnected:
		r.log.Info("the connection that listens for changes is back")
	case pq.ListenerEventConnectionAttemptFailed:
		r.log.Warn("cannot listen for changes", "error", err)
	case pq.ListenerEventConnected:
	}
}

func (r *remote) close() {
	r.cancel()
	r.mu.Lock()
	if r.listener != nil {
		_ = r.listener.Close()
	}
	r.mu.Unlock()
	r.running.Wait()
}

// ending makes connections that end with a context. lib/pq's listener cannot be closed while it connects.
type ending struct {
	dialer
	ctx context.Context //nolint:containedctx // the remote's
}

// DialContext implements pq.DialerContext.
func (e *ending) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.ctx, cancel)()
	c, err := e.Dialer.DialContext(ctx, network, address)
	if err == nil {
		context.AfterFunc(e.ctx, func() { _ = c.Close() })
	}
	return c, err
}
