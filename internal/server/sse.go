package server

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/patchbay/patchbay/internal/problem"
)

// stream answers with server-sent events (graphql-sse, distinct connections mode): a next event for each answer, then
// complete. It ends without complete when the client leaves, the credential ends or the server shuts down, so that a
// client that is still there connects again; the reason comes as an answer before.
func (s *Server) stream(ctx context.Context, w http.ResponseWriter, op *graphql.OperationContext,
	refused *graphql.Response) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if refused == nil && op.Operation.Operation == ast.Subscription {
		defer s.streams.add(cancel)()
	}
	h := w.Header()
	h.Set("Content-Type", mediaEvents+"; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // reverse proxies that buffer would hold events back
	events := &events{w: w, control: http.NewResponseController(w), time: s.opts.Limits.WriteTime, fail: cancel}
	defer events.end()
	w.WriteHeader(http.StatusOK)
	events.comment()

	note(ctx, op, refused)
	if refused != nil {
		events.next(refused)
		events.complete()
		return
	}
	var alive sync.WaitGroup
	defer alive.Wait()
	defer cancel(nil)
	alive.Go(func() { events.keepAlive(ctx, s.opts.Limits.KeepAlive) })

	next := s.responses(ctx, op)
	for resp := next(); resp != nil; resp = next() {
		events.next(resp)
	}
	if ctx.Err() == nil {
		events.complete()
	} else if why, told := errors.AsType[*problem.Error](context.Cause(ctx)); told {
		events.next(answerOf(gqlerror.List{gqlError(why)}))
	}
}

// events writes the events of one stream. Its methods may be called concurrently.
type events struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	control *http.ResponseController
	time    time.Duration
	fail    context.CancelCauseFunc
	buf     []byte
}

// next sends one answer.
func (e *events) next(resp *graphql.Response) {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := append(e.buf[:0], "event: next\ndata: "...)
	start := len(b)
	b = appendAnswer(b, resp)
	// Scalars may be encoded with line breaks between their tokens, which would end the data here.
	for i := start; i < len(b); i++ {
		if b[i] == '\n' || b[i] == '\r' {
			b[i] = ' '
		}
	}
	e.buf = append(b, "\n\n"...)
	e.send(e.buf)
	if cap(e.buf) > maxPooled {
		e.buf = nil
	}
}

// complete sends the last event. Browsers fire an event only if it has a data line.
func (e *events) complete() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.send([]byte("event: complete\ndata: \n\n"))
}

// comment sends what clients ignore and proxies take as a sign of life.
func (e *events) comment() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.send([]byte(":\n\n"))
}

// send writes and flushes within the time; a client that does not take it loses the stream.
func (e *events) send(b []byte) {
	_ = e.control.SetWriteDeadline(time.Now().Add(e.time))
	_, err := e.w.Write(b)
	if err == nil {
		err = e.control.Flush()
	}
	if err != nil {
		e.fail(err)
	}
}

// end leaves the connection time to finish the response.
func (e *events) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.control.SetWriteDeadline(time.Now().Add(e.time))
}

// keepAlive sends a comment at each interval until ctx ends.
func (e *events) keepAlive(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			e.comment()
		}
	}
}
