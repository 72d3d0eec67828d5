package server_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/server"
)

// feed is a client's end of an event stream.
type feed struct {
	t   *testing.T
	res *http.Response
	r   *bufio.Reader
}

func (e *env) feed(ctx context.Context, document string) *feed {
	e.t.Helper()
	res, err := e.client.Do(e.request(ctx, http.MethodPost, "/graphql", params(document), "Accept", "text/event-stream"))
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		e.t.Fatalf("%d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	return &feed{e.t, res, bufio.NewReader(res.Body)}
}

// event reads up to the next empty line, and passes over comments.
func (f *feed) event() (string, error) {
	var event strings.Builder
	for {
		line, err := f.r.ReadString('\n')
		switch {
		case err != nil:
			return event.String(), err
		case line == "\n" && event.Len() > 0:
			return event.String(), nil
		case line != "\n" && !strings.HasPrefix(line, ":"):
			event.WriteString(line)
		}
	}
}

func (f *feed) want(events ...string) {
	f.t.Helper()
	for _, want := range events {
		if got, err := f.event(); err != nil || got != want {
			f.t.Fatalf("got %q (%v), want %q", got, err, want)
		}
	}
}

// wantEnd reads the end of the stream, cut off or not.
func (f *feed) wantEnd() {
	f.t.Helper()
	if got, err := f.event(); err == nil || got != "" {
		f.t.Fatalf("got %q, want the end", got)
	}
}

const completeEvent = "event: complete\ndata: \n"

// https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md, distinct connections mode.
func TestEventStreams(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	f := e.feed(t.Context(), "subscription { ticks }")
	e.ticks <- 1
	f.want("event: next\ndata: {\"data\":{\"ticks\": 1}}\n")
	e.ticks <- 2
	f.want("event: next\ndata: {\"data\":{\"ticks\": 2}}\n")
	close(e.ticks)
	f.want(completeEvent)
	f.wantEnd()

	f = e.feed(t.Context(), "{ blob }")
	f.want("event: next\ndata: {\"data\":{\"blob\":{\"é\":[1,2, 3]} }}\n", completeEvent)
	f.wantEnd()
}

func TestErrorsOfADocumentComeAsEvents(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for document, code := range map[string]string{
		"{ nope }":                "GRAPHQL_VALIDATION_FAILED",
		"subscription {":          "GRAPHQL_PARSE_FAILED",
		"subscription { denied }": "FORBIDDEN",
		"subscription { panics }": "INTERNAL",
	} {
		f := e.feed(t.Context(), document)
		got, err := f.event()
		data, ok := strings.CutPrefix(got, "event: next\ndata: ")
		if a := (answer{body: data}); err != nil || !ok || a.code() != code || a.hasData() {
			t.Errorf("%s: %q (%v)", document, got, err)
		}
		f.want(completeEvent)
		f.wantEnd()
	}
	got := e.post("{", "Accept", "text/event-stream")
	if got.status != 400 || !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
		t.Errorf("a broken body: %d %s", got.status, got.header.Get("Content-Type"))
	}
}

func TestAClientThatTakesBothGetsASubscriptionAsAStream(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	close(e.ticks)
	got := e.query("subscription { ticks }", "Accept", "application/json, text/event-stream")
	if !strings.HasSuffix(got.body, completeEvent+"\n") {
		t.Errorf("%d %q", got.status, got.body)
	}
}

func TestAStreamEndsWithItsClient(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ctx, cancel := context.WithCancel(t.Context())
	e.feed(ctx, "subscription { ticks }")
	await(t, "the subscription", e.started)
	cancel()
	await(t, "its end", e.ended)
}

func TestAStreamEndsWithItsCredentialAndDoesNotComplete(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	f := e.feed(t.Context(), "subscription { ticks }")
	await(t, "the subscription", e.started)
	e.revoke(nil)
	f.wantEnd()
	await(t, "its end", e.ended)
}

func TestAStreamSaysWhyItsCredentialHasEnded(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	f := e.feed(t.Context(), "subscription { ticks }")
	await(t, "the subscription", e.started)
	e.revoke(problem.New(problem.Unauthenticated, "This token has ended."))
	f.want(`event: next
data: {"errors":[{"message":"This token has ended.","extensions":{"code":"UNAUTHENTICATED"}}]}
`)
	f.wantEnd()
	await(t, "its end", e.ended)
}

func TestASilentStreamIsKeptAlive(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(o *server.Options) { o.Limits.KeepAlive = time.Millisecond })
	f := e.feed(t.Context(), "subscription { ticks }")
	for range 3 {
		if line, err := f.r.ReadString('\n'); err != nil || line != ":\n" {
			t.Fatalf("got %q (%v), want a comment", line, err)
		}
		_, _ = f.r.ReadString('\n')
	}
}

func TestAStreamThatIsNotReadIsCut(t *testing.T) {
	still(t, func(t *testing.T) {
		e := newStillEnv(t, func(o *server.Options) { o.Limits.WriteTime = 50 * time.Millisecond })
		conn, err := e.connect()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if err := e.request(t.Context(), http.MethodPost, "/graphql", params("subscription { flood }"),
			"Accept", "text/event-stream").Write(conn); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1<<10)); err != nil { // the header, and no more
			t.Fatal(err)
		}
		await(t, "the flood", e.started)
		await(t, "its end", e.ended)
	})
}

func TestAConnectionServesOnAfterAStream(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	f := e.feed(t.Context(), "{ hello }")
	if _, err := io.Copy(io.Discard, f.r); err != nil {
		t.Fatal(err)
	}
	if got := e.query("{ hello }"); got.status != 200 {
		t.Errorf("%d", got.status)
	}
}
