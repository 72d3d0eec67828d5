package server

import (
	"errors"
	"net/http"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/patchbay/patchbay/internal/problem"
)

// Problems that the edge itself finds. Their messages say what to send instead and repeat nothing of what was sent.
var (
	errInternal = problem.New(problem.Internal, "Something went wrong on our side. Try again; if it stays, tell the "+
		"operator the request id.")
	errTimeout = problem.New(problem.Timeout, "The request took longer than it may. Ask for less at once, "+
		"or try again.")
	errUnavailable = problem.New(problem.Unavailable, "Patchbay cannot serve this now. Try again in a moment.")
	errRevoked     = problem.New(problem.Unauthenticated, "credential revoked")
	errExpired     = problem.New(problem.Unauthenticated, "credential expired")
	errShutdown    = problem.New(problem.Unavailable, "This server is shutting down. Connect again.")

	methodRefused = problem.New(problem.BadInput, "GraphQL is served by POST with a JSON body, or over a WebSocket.")
	typeRefused   = problem.New(problem.BadInput, "Send the request as Content-Type: application/json in UTF-8.")
	acceptRefused = problem.New(problem.BadInput, "Answers come as application/json, "+
		"application/graphql-response+json or text/event-stream. Accept one of these.")
	originRefused = problem.New(problem.Forbidden, "This origin may not connect. The operator can allow it.")
	bodySlow      = problem.New(problem.Timeout, "The request's body did not arrive in time.")
	bodyBroken    = problem.New(problem.BadInput, "The request's body could not be read.")
	bodyNotJSON   = problem.New(problem.BadInput, "The request is not one JSON object in UTF-8.")
	bodyBatched   = problem.New(problem.BadInput, "A request holds one operation. Send several one by one.")
	queryMissing  = problem.New(problem.BadInput, "\"query\" is required and must be a string.")
	nameWrong     = problem.New(problem.BadInput, "\"operationName\" must be a string.")
	varsWrong     = problem.New(problem.BadInput, "\"variables\" must be an object.")
	extWrong      = problem.New(problem.BadInput, "\"extensions\" must be an object.")
	streamNeeded  = problem.New(problem.BadInput, "A subscription needs Accept: text/event-stream, or a WebSocket.")
	routeMissing  = problem.New(problem.NotFound, "There is nothing here. GraphQL is at POST /graphql.")
)

// gqlError returns p as GraphQL shows it.
func gqlError(p *problem.Error) *gqlerror.Error {
	return &gqlerror.Error{Message: p.Message, Extensions: map[string]any{"code": string(p.Code)}}
}

// refuse answers a request that does not reach the executor.
func refuse(w http.ResponseWriter, status int, p *problem.Error) {
	e := gqlError(p)
	if p.Code == problem.Internal {
		e.Extensions["requestId"] = w.Header().Get(requestIDHeader)
	}
	writeAnswer(w, mediaJSON, status, answerOf(gqlerror.List{e}))
}

// notFound answers for every path that nobody serves.
func notFound(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, routeMissing) }

// asProblem returns the problem in err's tree, or fallback with err as its cause.
func asProblem(err error, fallback *problem.Error) *problem.Error {
	if p, ok := errors.AsType[*problem.Error](err); ok {
		return p
	}
	return fallback.Because(err)
}
