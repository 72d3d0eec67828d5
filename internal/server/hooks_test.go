package server_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/patchbay/patchbay/internal/server"
	"github.com/patchbay/patchbay/internal/viewer"
)

func TestHooksRunInOrderWithTheCallerAndOncePerAnswer(t *testing.T) {
	t.Parallel()
	calls := make(chan string, 100)
	e := newEnv(t, func(o *server.Options) {
		for _, name := range []string{"outer", "inner"} {
			o.AroundOperations = append(o.AroundOperations,
				func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
					v, _ := viewer.From(ctx)
					calls <- name + " operation of " + v.Company + " in " + server.RequestID(ctx)
					return next(ctx)
				})
			o.AroundResponses = append(o.AroundResponses,
				func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
					resp := next(ctx)
					if resp != nil {
						calls <- name + " response"
					}
					return resp
				})
		}
	})
	e.query("{ hello }", "X-Request-Id", "trace-1")
	w := e.open("X-Api-Key", "good", "X-Request-Id", "trace-2")
	w.send(`{"type":"connection_init"}`)
	w.want(`{"type":"connection_ack"}`)
	w.subscribe("1", "subscription { ticks }")
	e.ticks <- 1
	e.ticks <- 2
	close(e.ticks)
	await(t, "the end", e.ended)
	for _, want := range []string{
		"outer operation of co_1 in trace-1", "inner operation of co_1 in trace-1", "inner response", "outer response",
		"outer operation of co_1 in trace-2", "inner operation of co_1 in trace-2",
		"inner response", "outer response", "inner response", "outer response",
	} {
		if got := await(t, want, calls); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestDocumentsWithValuesInThemAreNotKept(t *testing.T) {
	t.Parallel()
	seen := make(chan *ast.QueryDocument, 2)
	e := newEnv(t, func(o *server.Options) {
		o.AroundOperations = append(o.AroundOperations,
			func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
				seen <- graphql.GetOperationContext(ctx).Doc
				return next(ctx)
			})
	})
	for document, kept := range map[string]bool{
		`query($n: String) { hello(name: $n) }`:       true,
		`{ hello(name: "a secret") }`:                 false,
		"{ hello" + strings.Repeat(" ", 17<<10) + "}": false,
	} {
		e.query(document)
		e.query(document)
		if first, second := <-seen, <-seen; (first == second) != kept {
			t.Errorf("%.60q: kept %v, want %v", document, first == second, kept)
		}
	}
}

func TestOtherRoomsLogWithTheRequestsID(t *testing.T) {
	t.Parallel()
	out := &logBuffer{}
	log := slog.New(server.LogHandler(server.LogHandler(slog.NewJSONHandler(out, nil)))).With("room", "x").WithGroup("g")
	e := newEnv(t, func(o *server.Options) {
		o.AroundOperations = append(o.AroundOperations,
			func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
				log.InfoContext(ctx, "inside", "a", 1)
				return next(ctx)
			})
	})
	e.query("{ hello }", "X-Request-Id", "trace-3")
	log.Info("outside")
	lines := strings.Split(out.String(), "\n")
	if strings.Count(lines[0], "trace-3") != 1 || strings.Contains(lines[1], "request_id") {
		t.Errorf("%s", out)
	}
}

func TestAnAuthenticatorThatHangsOrPanicsHurtsItsCallerOnly(t *testing.T) {
	still(t, func(t *testing.T) {
		e := newStillEnv(t, func(o *server.Options) {
			good := o.Authenticate
			o.Limits.RequestTime = 20 * time.Millisecond
			o.Authenticate = func(ctx context.Context, h http.Header) (context.Context, error) {
				switch h.Get("X-Api-Key") {
				case "hang":
					<-ctx.Done()
					return nil, ctx.Err()
				case "panic":
					panic("hook")
				}
				return good(ctx, h)
			}
		})
		if got := e.query("{ hello }", "X-Api-Key", "hang"); got.status != 503 || got.code() != "UNAVAILABLE" {
			t.Errorf("%d %s", got.status, got.body)
		}
		w := e.open("X-Api-Key", "panic")
		w.send(`{"type":"connection_init"}`)
		w.wantClose(1011, "internal error")
		if got := e.query("{ hello }"); got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
}

func TestErrorsThatDoNotFitKeepTheirMessageAndCode(t *testing.T) {
	t.Parallel()
	for name, extra := range map[string]any{"huge": strings.Repeat("x", 100<<10), "no JSON": make(chan int)} {
		e := newEnv(t, func(o *server.Options) {
			o.Presenter = func(context.Context, error) *gqlerror.Error {
				return &gqlerror.Error{Message: strings.Repeat("é", 500),
					Extensions: map[string]any{"code": "FORBIDDEN", "extra": extra}}
			}
		})
		want := `{"errors":[{"message":"` + strings.Repeat("é", 148) + `…","extensions":{"code":"FORBIDDEN"}}]}`
		if got := e.query("{ nope }"); got.body != want {
			t.Errorf("%s: %s", name, got.body)
		}
	}
}
