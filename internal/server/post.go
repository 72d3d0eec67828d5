package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/patchbay/patchbay/internal/problem"
)

// post serves GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/): one answer, or a stream of events
// when the client asks for one.
func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	if !s.work.begin() {
		w.Header().Set("Connection", "close")
		refuse(w, http.StatusServiceUnavailable, errShutdown)
		return
	}
	defer s.work.end()

	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	ctx = s.authenticated(ctx, cancel, w, r)
	if ctx == nil {
		return
	}
	if !sendsJSON(r.Header) {
		refuse(w, http.StatusUnsupportedMediaType, typeRefused)
		return
	}
	takes := negotiate(r.Header)
	if takes.media == "" && !takes.events {
		refuse(w, http.StatusNotAcceptable, acceptRefused)
		return
	}
	body, status, p := s.readBody(w, r)
	if p != nil {
		refuse(w, status, p)
		return
	}
	params, p := parseParams(body)
	if p != nil {
		refuse(w, http.StatusBadRequest, p)
		return
	}
	op, refused := s.prepare(ctx, params)
	subscribes := refused == nil && op.Operation.Operation == ast.Subscription
	if takes.first || takes.media == "" || (subscribes && takes.events) {
		s.stream(ctx, w, op, refused)
		return
	}
	resp := refused
	switch {
	case subscribes:
		resp = answerOf(gqlerror.List{gqlError(streamNeeded)})
	case refused == nil:
		running, stop := outlasting(ctx, r.Context())
		defer stop()
		resp = s.once(running, op)
	}
	if r.Context().Err() != nil {
		recordOf(r.Context()).status = statusClientLeft
		return
	}
	note(ctx, op, resp)
	writeAnswer(w, takes.media, statusOf(takes.media, resp), resp)
}

// outlasting returns caller without its end, which the request's takes the place of: what was admitted is finished within
// its own time although the credential ends meanwhile, as when a key revokes itself.
func outlasting(caller, request context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(caller))
	forget := context.AfterFunc(request, func() { cancel(context.Cause(request)) })
	return ctx, func() { forget(); cancel(nil) }
}

// statusClientLeft is what the log shows for a client that did not wait, as other servers' logs do.
const statusClientLeft = 499

// statusOf returns the status of an answer. A client that takes application/json gets 200 for every answer that is
// GraphQL; one that takes the newer type gets the status of a request that did not run.
func statusOf(media string, resp *graphql.Response) int {
	if len(resp.Data) > 0 || media == mediaJSON {
		return http.StatusOK
	}
	switch codeOf(resp) {
	case string(problem.Timeout), string(problem.Unavailable):
		return http.StatusServiceUnavailable
	case string(problem.Internal):
		return http.StatusInternalServerError
	case string(problem.Unauthenticated):
		return http.StatusUnauthorized
	}
	return http.StatusBadRequest
}

// readBody reads the whole body within its size and time.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, int, *problem.Error) {
	tooLarge := problem.New(problem.TooLarge, "The request's body is larger than %d KiB.", s.opts.Limits.Body>>10)
	if r.ContentLength > s.opts.Limits.Body {
		w.Header().Set("Connection", "close") // rather than read the rest to throw it away
		return nil, http.StatusRequestEntityTooLarge, tooLarge
	}
	control := http.NewResponseController(w)
	// Writers without deadlines are those of tests and of HTTP/2, which has its own.
	_ = control.SetReadDeadline(time.Now().Add(s.opts.Limits.BodyTime))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.opts.Limits.Body))
	_ = control.SetReadDeadline(time.Time{})
	if err == nil {
		return body, 0, nil
	}
	w.Header().Set("Connection", "close")
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, http.StatusRequestEntityTooLarge, tooLarge
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return nil, http.StatusRequestTimeout, bodySlow
	}
	return nil, http.StatusBadRequest, bodyBroken
}
