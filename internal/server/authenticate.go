package server

import (
	"context"
	"net/http"

	"github.com/patchbay/patchbay/internal/problem"
)

// authenticated returns r's context with the caller in it, or answers the request and returns nil.
func (s *Server) authenticated(w http.ResponseWriter, r *http.Request) context.Context {
	ctx, err := s.Authenticate(r.Context(), r.Header)
	if err == nil {
		return ctx
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
		s.Log.ErrorContext(r.Context(), "cannot authenticate", "error", err)
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, errUnavailable)
	}
	return nil
}

// ended says why the caller's context is over: the message of its cause, or that the credential was revoked.
func ended(ctx context.Context) string {
	return asProblem(context.Cause(ctx), errRevoked).Message
}
