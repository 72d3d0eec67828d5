package server

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// A panic ends what it happened in and nothing else. Its cause and stack are for the log.

// recovered answers INTERNAL for a panic outside of resolvers, and logs it with its stack.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler {
				panic(cause)
			}
			s.logPanic(r.Context(), cause)
			if rec := recordOf(r.Context()); rec != nil && rec.status == 0 {
				refuse(w, http.StatusInternalServerError, errInternal)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// protect is deferred around the executor: a panic outside of a resolver becomes an INTERNAL answer.
func (s *Server) protect(ctx context.Context, resp **graphql.Response) {
	cause := recover()
	if cause == nil {
		return
	}
	s.logPanic(ctx, cause)
	e := gqlError(errInternal)
	e.Extensions["requestId"] = RequestID(ctx)
	*resp = answerOf(gqlerror.List{e})
}

// survive is deferred where a socket's own goroutine calls out, for which no handler stands in: the socket ends.
func (c *socket) survive() {
	if cause := recover(); cause != nil {
		c.server.logPanic(c.ctx, cause)
		c.end(broken)
	}
}

// recoverResolver turns a panic into INTERNAL; the presenter logs it.
func (s *Server) recoverResolver(ctx context.Context, cause any) error {
	if s.opts.Recover != nil {
		return s.opts.Recover(ctx, cause)
	}
	return errInternal.Because(fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
}

func (s *Server) logPanic(ctx context.Context, cause any) {
	s.opts.Log.ErrorContext(ctx, "panic", "error", fmt.Sprint(cause), "stack", string(debug.Stack()))
}
