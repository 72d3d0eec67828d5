package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/patchbay/patchbay/internal/problem"
)

// socket is one connection. These goroutines serve it, and serve returns when all have ended:
//
//	read: frames in, one at a time ─▶ operations (one goroutine each) ─▶ queue ─▶ write: frames out
//	keepAlive: pings
//
// Whoever finds a reason to end calls end; the first reason wins and becomes the close frame.
type socket struct {
	server *Server
	conn   *websocket.Conn
	header http.Header // of the upgrade request, until it has authenticated the caller

	ctx  context.Context // ends with the socket; its cause is a closing
	stop context.CancelCauseFunc
	wg   sync.WaitGroup

	queue   chan []byte
	flushed chan struct{} // closed when nothing is written any more

	mu       sync.Mutex
	caller   context.Context // from Authenticate; nil before connection_init
	release  func() bool     // stops watching caller
	live     map[string]*operation
	running  int // operations, live or winding up
	draining bool
}

func newSocket(s *Server, conn *websocket.Conn, r *http.Request) *socket {
	// The request's context ends with the handler and knows nothing of a hijacked connection; its values are kept.
	ctx, stop := context.WithCancelCause(context.WithoutCancel(r.Context()))
	return &socket{
		server: s, conn: conn, header: r.Header, ctx: ctx, stop: stop,
		queue: make(chan []byte, s.opts.Limits.Queue), flushed: make(chan struct{}),
		live: map[string]*operation{}, release: func() bool { return true },
	}
}

// end closes the socket with why, unless it is ending already. It does not block.
func (c *socket) end(why closing) { c.stop(why) }

// cut ends the socket without asking the client.
func (c *socket) cut() {
	c.end(goingAway)
	_ = c.conn.CloseNow()
}

// drain ends subscriptions, whose clients will ask again elsewhere, and the socket once its other operations are done.
func (c *socket) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	for _, op := range c.live {
		if op.streams {
			op.stop()
		}
	}
	if c.running == 0 {
		c.end(goingAway)
	}
}

// serve runs the socket until it ends, and returns when nothing of it runs any more.
func (c *socket) serve() {
	patience := time.AfterFunc(c.server.opts.Limits.InitTime, func() {
		if !c.acknowledged() {
			c.end(initTimeout)
		}
	})
	defer patience.Stop()
	if c.conn.Subprotocol() != protocol {
		c.end(badProtocol)
	}
	c.wg.Go(c.write)
	c.wg.Go(c.keepAlive)
	c.wg.Go(c.read)
	<-c.ctx.Done()
	c.abandon()
	<-c.flushed
	why, _ := errors.AsType[closing](context.Cause(c.ctx))
	_ = c.conn.Close(why.code, why.reason)
	c.wg.Wait()
	if rec := recordOf(c.ctx); rec != nil {
		rec.code = why.Error()
	}
}

// abandon stops what runs for a socket that has ended.
func (c *socket) abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.release()
	for _, op := range c.live {
		op.stop()
	}
}

// read takes frames until the socket ends. It reads on while the socket is closing, so that the client's answer to the
// close frame is seen, but obeys nothing then.
func (c *socket) read() {
	for {
		// A context that ends would cut the connection without a close frame.
		kind, b, err := c.conn.Read(context.Background())
		if errors.Is(err, websocket.ErrMessageTooBig) {
			c.end(messageTooLong)
		}
		if err != nil {
			c.end(clientLeft)
			return
		}
		if c.ctx.Err() != nil {
			return
		}
		m, ok := parseMessage(b)
		if kind != websocket.MessageText || !ok {
			c.end(badMessage)
			continue
		}
		c.handle(m)
	}
}

// handle obeys one message.
func (c *socket) handle(m message) {
	switch m.Type {
	case "connection_init":
		c.init(m.Payload)
	case "ping":
		c.send(message{Type: "pong", Payload: m.Payload}.encode())
	case "subscribe":
		c.subscribe(m)
	case "complete":
		c.complete(m.ID)
	}
}

func (c *socket) acknowledged() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.caller != nil
}

// init authenticates the caller, once.
func (c *socket) init(payload json.RawMessage) {
	if c.acknowledged() {
		c.end(secondInit)
		return
	}
	header, ok := credentials(c.header, payload)
	if !ok {
		c.end(badInit)
		return
	}
	defer c.survive()
	caller, err := c.server.opts.Authenticate(c.ctx, header)
	if err != nil {
		c.turnAway(err)
		return
	}
	// A socket lives for hours; what proved its caller need not.
	c.header.Del("Authorization")
	c.header.Del("X-Api-Key")
	c.mu.Lock()
	c.caller = caller
	c.release = context.AfterFunc(caller, func() { c.end(forbidden(ended(caller))) })
	c.mu.Unlock()
	c.send([]byte(`{"type":"connection_ack"}`))
}

// turnAway closes the socket of a caller who was not authenticated.
func (c *socket) turnAway(err error) {
	switch p := asProblem(err, errUnavailable); p.Code {
	case problem.Unauthenticated, problem.Forbidden:
		c.end(forbidden(p.Message))
	default:
		if c.ctx.Err() == nil {
			c.server.opts.Log.ErrorContext(c.ctx, "cannot authenticate", "error", err)
		}
		c.end(tryLater)
	}
}

// send queues a frame, unless the socket has ended: nothing follows the reason. It blocks while the queue is full,
// which holds back whoever makes the frames; a client that stays slow is cut by write.
func (c *socket) send(frame []byte) {
	if c.ctx.Err() != nil {
		return
	}
	select {
	case c.queue <- frame:
	case <-c.ctx.Done():
	}
}

// write sends what is queued until the socket ends, and then what was queued before.
func (c *socket) write() {
	defer close(c.flushed)
	// The socket's own context would cut a frame, and with it the connection, in the middle.
	ctx := context.Background()
	for {
		select {
		case frame := <-c.queue:
			if !c.put(ctx, frame) {
				return
			}
		case <-c.ctx.Done():
			c.flush(ctx)
			return
		}
	}
}

// flush sends what is still queued, all of it in the time for one frame.
func (c *socket) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, c.server.opts.Limits.WriteTime)
	defer cancel()
	for {
		select {
		case frame := <-c.queue:
			if !c.put(ctx, frame) {
				return
			}
		default:
			return
		}
	}
}

// put writes one frame in the time a client has for it, or ends the socket.
func (c *socket) put(ctx context.Context, frame []byte) bool {
	ctx, cancel := context.WithTimeout(ctx, c.server.opts.Limits.WriteTime)
	defer cancel()
	err := c.conn.Write(ctx, websocket.MessageText, frame)
	switch {
	case err == nil:
		return true
	case ctx.Err() != nil:
		c.end(clientSlow)
	default:
		c.end(clientLeft)
	}
	return false
}

// keepAlive pings until the socket ends, so that a connection that died silently does not stay.
func (c *socket) keepAlive() {
	tick := time.NewTicker(c.server.opts.Limits.KeepAlive)
	defer tick.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), c.server.opts.Limits.KeepAlive)
		err := c.conn.Ping(ctx)
		cancel()
		if err != nil {
			c.end(clientSilent)
			_ = c.conn.CloseNow()
			return
		}
	}
}
