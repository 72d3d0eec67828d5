package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
)

// authenticated returns ctx with the caller in it, or answers the request and returns nil. It cancels ctx when that
// takes longer than a request may.
func (s *Server) authenticated(ctx context.Context, cancel context.CancelCauseFunc, w http.ResponseWriter,
	r *http.Request) context.Context {
	patience := time.AfterFunc(s.opts.Limits.RequestTime, func() { cancel(errTimeout) })
	caller, err := s.opts.Authenticate(ctx, r.Header)
	if patience.Stop(); err == nil {
		return caller
	}
	p := asProblem(err, errUnavailable)
	switch p.Code {
	case problem.Unauthenticated:
		// RFC 6750, section 3: the challenge names the scheme.
		w.Header().Set("WWW-Authenticate", `Bearer realm="patchbay"`)
		refuse(w, http.StatusUnauthorized, p)
	case problem.Forbidden:
		refuse(w, http.StatusForbidden, p)
	default:
		s.opts.Log.ErrorContext(r.Context(), "cannot authenticate", "error", err)
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, errUnavailable)
	}
	return nil
}

// ended says why the caller's context is over: the message of its cause, or that the credential has expired or was
// revoked.
func ended(ctx context.Context) string {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.DeadlineExceeded) {
		return errExpired.Message
	}
	return asProblem(cause, errRevoked).Message
}
