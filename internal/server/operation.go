package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// prepare parses, validates and measures one operation. It returns the operation, or the answer that refuses it; the
// operation is then incomplete.
func (s *Server) prepare(ctx context.Context, params *graphql.RawParams) (
	op *graphql.OperationContext, refused *graphql.Response,
) {
	defer s.protect(ctx, &refused)
	op, errs := s.exec.CreateOperationContext(graphql.StartOperationTrace(ctx), params)
	if len(errs) > 0 {
		// A document can have one error for each of its tokens; presenting more than are shown is work for nobody.
		ctx = graphql.WithOperationContext(ctx, op)
		return op, s.exec.DispatchError(ctx, errs[:min(len(errs), maxErrors)])
	}
	return op, nil
}

// once runs a query or mutation within its time and returns its one answer.
func (s *Server) once(ctx context.Context, op *graphql.OperationContext) (resp *graphql.Response) {
	defer s.protect(ctx, &resp)
	ctx, cancel := context.WithTimeoutCause(ctx, s.opts.Limits.RequestTime, errTimeout)
	defer cancel()
	next, ctx := s.exec.DispatchOperation(ctx, op)
	if resp = next(ctx); resp == nil {
		// The executor says nothing once ctx is over.
		return s.exec.DispatchError(ctx, gqlerror.List{gqlError(asProblem(context.Cause(ctx), errTimeout))})
	}
	return resp
}

// responses returns what gives op's answers one by one, nil after the last. A subscription's calls block until there is
// an answer or ctx ends.
func (s *Server) responses(ctx context.Context, op *graphql.OperationContext) func() *graphql.Response {
	if op.Operation.Operation != ast.Subscription {
		return func() *graphql.Response {
			if op == nil {
				return nil
			}
			resp := s.once(ctx, op)
			op = nil
			return resp
		}
	}
	var next graphql.ResponseHandler
	var panicked bool
	return func() (resp *graphql.Response) {
		if panicked {
			return nil
		}
		panicked = true
		defer s.protect(ctx, &resp)
		if next == nil {
			next, ctx = s.exec.DispatchOperation(ctx, op)
		}
		resp = next(ctx)
		panicked = false
		return resp
	}
}

// maxLoggedName is how much of an operation's name the log shows: the caller chooses it, up to the size of a body.
const maxLoggedName = 100

// note writes into the request's record what ran and how it ended.
func note(ctx context.Context, op *graphql.OperationContext, resp *graphql.Response) {
	rec := recordOf(ctx)
	if rec == nil {
		return
	}
	if op != nil && op.Operation != nil {
		rec.kind, rec.operation = string(op.Operation.Operation), cut(op.Operation.Name, maxLoggedName)
	}
	if resp != nil {
		rec.code = codeOf(resp)
	}
}

// logOperation writes one line for an operation of a socket; those of HTTP requests are on the request's line.
func (s *Server) logOperation(ctx context.Context, op *graphql.OperationContext, code string, started time.Time) {
	attrs := []slog.Attr{slog.Duration("duration", s.opts.Now().Sub(started))}
	if op != nil && op.Operation != nil {
		attrs = append(attrs, slog.String("kind", string(op.Operation.Operation)),
			slog.String("operation", cut(op.Operation.Name, maxLoggedName)))
	}
	if code != "" {
		attrs = append(attrs, slog.String("code", code))
	}
	s.opts.Log.LogAttrs(ctx, slog.LevelInfo, "operation", attrs...)
}

// codeOf returns the code of resp's first error, "" without one.
func codeOf(resp *graphql.Response) string {
	if len(resp.Errors) == 0 {
		return ""
	}
	code, _ := resp.Errors[0].Extensions["code"].(string)
	return code
}
