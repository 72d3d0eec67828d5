package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/patchbay/patchbay/internal/server/limits"
)

// Options say what a Server serves. Schema and Authenticate are required.
type Options struct {
	Schema graphql.ExecutableSchema
	// Authenticate finds the caller's credential in the headers (for a socket: in connection_init, given as headers)
	// and returns ctx with the viewer in it. It must not change the headers, and may be called concurrently. A
	// problem.Unauthenticated or problem.Forbidden is the caller's fault and its message is shown; any other error is
	// logged and answered as unavailable.
	//
	// The returned context may end before ctx does, when the credential ends: streams and sockets opened with it end
	// then. Its context.Cause may be a problem.Error, whose message becomes the reason.
	Authenticate func(ctx context.Context, header http.Header) (context.Context, error)
	// Introspect says who may read the schema's description; nil allows every authenticated caller.
	Introspect func(ctx context.Context) bool

	// Presenter turns an error into what the caller sees; nil is Present. It is called for faults of the document and
	// limits as well, which come as a *gqlerror.Error with a code and must keep it. The server logs what is presented
	// as INTERNAL and adds the request's id, so the presenter need do neither.
	Presenter graphql.ErrorPresenterFunc
	// Recover turns a panic of a resolver into an error; nil logs it with its stack and answers INTERNAL.
	Recover graphql.RecoverFunc
	// Extensions, AroundOperations and AroundResponses are gqlgen's hooks. They run inside the limits, in this order.
	Extensions       []graphql.HandlerExtension
	AroundOperations []graphql.OperationMiddleware
	AroundResponses  []graphql.ResponseMiddleware

	// OAuth serves /oauth/; see NewOAuthPages. Nil answers 404 there.
	OAuth http.Handler
	// Health reports whether the process can serve, for /readyz: the database answers. Nil is always ready.
	Health func(ctx context.Context) error
	// PublicURL is where callers reach this server, for example https://patchbay.example.com. Its origin may open
	// sockets whatever Host a proxy sends on, and with https the answers carry Strict-Transport-Security. May be empty.
	PublicURL string
	// Origins are the browser origins besides the server's own that may open sockets and call /graphql, for example
	// https://app.example.com. Empty closes CORS.
	Origins []string
	Limits  Limits

	// Log receives one line a request and one a socket; nil discards.
	Log *slog.Logger
	// Now and NewRequestID are injected by tests; nil is the real clock and random ids.
	Now          func() time.Time
	NewRequestID func() string
}

// Limits bound what one caller can make the server do. A zero field takes its default.
type Limits struct {
	Document limits.Limits

	Body        int64         // bytes of a request's body; default 256 KiB
	BodyTime    time.Duration // to send that body; default 10 s
	RequestTime time.Duration // to run a query or mutation, on any transport; default 30 s
	WriteTime   time.Duration // for a client to take one answer, event or message; default 10 s
	KeepAlive   time.Duration // between pings on sockets and comments on streams; default 25 s

	Sockets    int           // open at a time; default 10,000
	Message    int64         // bytes of one message from a socket's client; default 64 KiB
	InitTime   time.Duration // until connection_init; default 10 s
	Operations int           // running at a time on one socket; default 50
	Queue      int           // messages waiting for one socket's client; default 64
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Document:    l.Document.WithDefaults(),
		Body:        cmp.Or(l.Body, 256<<10),
		BodyTime:    cmp.Or(l.BodyTime, 10*time.Second),
		RequestTime: cmp.Or(l.RequestTime, 30*time.Second),
		WriteTime:   cmp.Or(l.WriteTime, 10*time.Second),
		KeepAlive:   cmp.Or(l.KeepAlive, 25*time.Second),
		Sockets:     cmp.Or(l.Sockets, 10_000),
		Message:     cmp.Or(l.Message, 64<<10),
		InitTime:    cmp.Or(l.InitTime, 10*time.Second),
		Operations:  cmp.Or(l.Operations, 50),
		Queue:       cmp.Or(l.Queue, 64),
	}
}

// withDefaults returns o complete, or an error that names the setting at fault.
func (o Options) withDefaults() (Options, error) {
	if o.Schema == nil || o.Authenticate == nil {
		return o, errors.New("server: Schema and Authenticate are required")
	}
	o.Limits = o.Limits.withDefaults()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Log = slog.New(LogHandler(o.Log.Handler()))
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewRequestID == nil {
		o.NewRequestID = func() string { return "req_" + strings.ToLower(rand.Text()) }
	}
	if o.Introspect == nil {
		o.Introspect = func(context.Context) bool { return true }
	}
	if o.Presenter == nil {
		o.Presenter = Present
	}
	if o.Health == nil {
		o.Health = func(context.Context) error { return nil }
	}
	if o.OAuth == nil {
		o.OAuth = http.HandlerFunc(notFound)
	}
	origins := make([]string, 0, len(o.Origins))
	for _, raw := range o.Origins {
		origin, err := originOf(raw)
		if err != nil {
			return o, err
		}
		origins = append(origins, origin)
	}
	o.Origins = origins
	if o.PublicURL != "" {
		if _, err := originOf(o.PublicURL); err != nil {
			return o, err
		}
	}
	return o, nil
}

// originOf returns the origin of an absolute http or https URL, as browsers write it.
func originOf(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf("server: %q is not an origin such as https://app.example.com", raw)
	}
	return strings.ToLower(u.Scheme + "://" + u.Host), nil
}
