package server_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/patchbay/patchbay/internal/server"
)

// shutdown starts a shutdown and returns when it has begun; its result comes later.
func (e *env) shutdown(ctx context.Context) <-chan error {
	e.t.Helper()
	done := make(chan error, 1)
	go func() { done <- e.server.Shutdown(ctx) }()
	for e.do(e.request(e.t.Context(), "GET", "/readyz", "")).status != http.StatusServiceUnavailable {
	}
	return done
}

func TestShutdownLetsQueriesFinishAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	answered := make(chan answer, 1)
	go func() { answered <- e.query("{ wait }") }()
	await(t, "the query", e.started)
	done := e.shutdown(t.Context())
	if got := e.query("{ hello }"); got.status != 503 || got.code() != "UNAVAILABLE" {
		t.Errorf("a new query: %d %s", got.status, got.body)
	}
	if _, res, err := e.dial([]string{"graphql-transport-ws"}); err == nil || res.StatusCode != 503 {
		t.Errorf("a new socket: %v", err)
	}
	select {
	case err := <-done:
		t.Fatalf("Shutdown returned %v while a query was running", err)
	default:
	}
	close(e.release)
	if got := await(t, "the answer", answered); got.body != `{"data":{"wait":"waited"}}` {
		t.Errorf("the running query: %d %s", got.status, got.body)
	}
	if err := await(t, "Shutdown", done); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestShutdownTellsSocketsWhy(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	idle, busy, silent := e.ready(), e.ready(), e.open()
	busy.subscribe("s", "subscription { ticks }")
	await(t, "the subscription", e.started)
	busy.subscribe("q", "{ wait }")
	await(t, "the query", e.started)
	done := e.shutdown(t.Context())
	idle.wantClose(1001, "server is shutting down")
	silent.wantClose(1001, "server is shutting down")
	await(t, "the subscription's end", e.ended)
	close(e.release)
	busy.want(`{"id":"q","type":"next","payload":{"data":{"wait":"waited"}}}`)
	busy.want(`{"id":"q","type":"complete"}`)
	busy.wantClose(1001, "server is shutting down")
	if err := await(t, "Shutdown", done); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestShutdownTellsStreamsWhyAndDoesNotComplete(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	f := e.feed(t.Context(), "subscription { ticks }")
	await(t, "the subscription", e.started)
	done := e.shutdown(t.Context())
	f.want(`event: next
data: {"errors":[{"message":"This server is shutting down. Connect again.","extensions":{"code":"UNAVAILABLE"}}]}
`)
	f.wantEnd()
	if err := await(t, "Shutdown", done); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestShutdownGivesUpInTime(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	w := e.ready()
	w.subscribe("q", "{ hang }") // ends with its context only
	await(t, "the query", e.started)
	ctx, cancel := context.WithCancel(t.Context())
	done := e.shutdown(ctx)
	cancel()
	if err := await(t, "Shutdown", done); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	await(t, "the query's end", e.ended)
}

func TestShutdownOfAnIdleServerReturnsAtOnceAndTwice(t *testing.T) {
	t.Parallel()
	s, err := server.New(server.Options{Schema: newWorld(), Authenticate: (&env{}).authenticate})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	}
}
