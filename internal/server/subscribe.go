package server

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/patchbay/patchbay/internal/problem"
)

// operation is one that a socket runs. The client names it by an id, which is free again once it is over.
type operation struct {
	id      string
	stop    context.CancelFunc
	streams bool // a subscription; set once the document is parsed
}

// subscribe starts the operation that m asks for, whatever its kind.
func (c *socket) subscribe(m message) {
	if !c.acknowledged() {
		c.end(unauthorized)
		return
	}
	params, p := parseParams(m.Payload)
	if p != nil {
		c.end(closing{4400, cut(p.Message, maxReason)})
		return
	}
	ctx, cancel := context.WithCancel(c.caller)
	own := &operation{id: m.ID, stop: cancel}
	if admitted, refused := c.admit(own); !admitted {
		cancel()
		if refused != nil {
			c.send(errorFrame(own.id, answerOf(gqlerror.List{gqlError(refused)})))
		}
		return
	}
	c.wg.Go(func() {
		defer c.over()
		defer cancel()
		c.run(ctx, own, params)
	})
}

// admit makes own live unless the socket runs as many operations as it may. An id that is in use ends the socket, and a
// socket that drains takes nothing more: its client hears why and asks again elsewhere.
func (c *socket) admit(own *operation) (bool, *problem.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	most := c.server.opts.Limits.Operations
	switch {
	case c.live[own.id] != nil:
		c.end(duplicate(own.id))
		return false, nil
	case c.draining:
		return false, nil
	case c.running >= most:
		return false, problem.New(problem.Unavailable,
			"A socket runs at most %d operations at a time. Complete one first.", most)
	}
	c.live[own.id] = own
	c.running++
	return true, nil
}

// over counts an operation out; the last one ends a socket that drains.
func (c *socket) over() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	if c.draining && c.running == 0 {
		c.end(goingAway)
	}
}

// complete stops an operation that its client no longer wants. Unknown ids are those of operations that ended while
// the client's message was on its way.
func (c *socket) complete(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if own := c.live[id]; own != nil {
		delete(c.live, id)
		own.stop()
	}
}

// run sends the answers of one operation while it is live.
func (c *socket) run(ctx context.Context, own *operation, params *graphql.RawParams) {
	started := c.server.opts.Now()
	op, refused := c.server.prepare(ctx, params)
	code := ""
	if refused != nil {
		code = codeOf(refused)
		c.last(own, errorFrame(own.id, refused))
	} else if c.goOn(own, op.Operation.Operation == ast.Subscription) {
		code = c.answer(ctx, own, op)
	}
	c.server.logOperation(ctx, op, code, started)
}

// answer sends op's answers and returns the code of the last one's first error.
func (c *socket) answer(ctx context.Context, own *operation, op *graphql.OperationContext) (code string) {
	next := c.server.responses(ctx, op)
	for resp := next(); resp != nil; resp = next() {
		code = codeOf(resp)
		if len(resp.Data) == 0 {
			c.last(own, errorFrame(own.id, resp))
			return code
		}
		if !c.isLive(own) {
			return code
		}
		c.send(nextFrame(own.id, resp))
	}
	if ctx.Err() == nil {
		c.last(own, message{ID: own.id, Type: "complete"}.encode())
	}
	return code
}

// goOn notes the operation's kind and reports whether it may start: a socket that drains takes no more subscriptions.
func (c *socket) goOn(own *operation, streams bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	own.streams = streams
	return !c.draining || !streams
}

func (c *socket) isLive(own *operation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live[own.id] == own
}

// last frees own's id and sends its last frame, unless the client has completed it.
func (c *socket) last(own *operation, frame []byte) {
	c.mu.Lock()
	live := c.live[own.id] == own
	if live {
		delete(c.live, own.id)
	}
	c.mu.Unlock()
	if live {
		c.send(frame)
	}
}
