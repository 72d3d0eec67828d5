package server

import (
	"context"
	"errors"
	"maps"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/patchbay/patchbay/internal/problem"
)

// Present is the presenter of a server that is given none. A problem.Error shows its code and message, an end of the
// request's time is TIMEOUT, gqlgen's own errors stay as they are, and anything else is INTERNAL without its text.
func Present(ctx context.Context, err error) *gqlerror.Error {
	out := &gqlerror.Error{Err: err, Path: graphql.GetPath(ctx)}
	own, isOwn := errors.AsType[*gqlerror.Error](err)
	if isOwn {
		out.Path, out.Locations, out.Rule = own.Path, own.Locations, own.Rule
	}
	if p, ok := errors.AsType[*problem.Error](err); ok {
		out.Message, out.Extensions = p.Message, map[string]any{"code": string(p.Code)}
		return out
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		out.Message, out.Extensions = errTimeout.Message, map[string]any{"code": string(problem.Timeout)}
		return out
	}
	if isOwn && own.Err == nil {
		out.Message, out.Extensions = own.Message, own.Extensions
		return out
	}
	out.Message, out.Extensions = errInternal.Message, map[string]any{"code": string(problem.Internal)}
	return out
}

// present calls the presenter and then does what holds for every one: no literal of the document in a message, and
// with INTERNAL the id under which the cause was logged, once.
func (s *Server) present(ctx context.Context, err error) *gqlerror.Error {
	out := s.opts.Presenter(ctx, err)
	if out == nil {
		return nil
	}
	out.Message = withoutLiterals(out)
	switch out.Extensions["code"] {
	case string(problem.Internal):
		out.Extensions = maps.Clone(out.Extensions)
		out.Extensions["requestId"] = RequestID(ctx)
		s.opts.Log.ErrorContext(ctx, "operation failed", "path", out.Path.String(), "error", err)
	case string(problem.Unavailable): // the operator's concern, and nobody's fault
		s.opts.Log.WarnContext(ctx, "operation failed", "path", out.Path.String(), "error", err)
	}
	return out
}
