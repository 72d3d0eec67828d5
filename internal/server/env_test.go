package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/house/leak"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/server"
	"github.com/patchbay/patchbay/internal/viewer"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience is how long a test waits for something that must happen; no test takes it unless it fails.
const patience = time.Minute

// secret marks what must never come back or reach the log. Every log is searched for it when its test ends.
const secret = "pb_" + "sEcReT"

// env is a server over world behind a listener, a real one if newEnv has made it.
type env struct {
	*world
	t       *testing.T
	server  *server.Server
	url     string
	client  *http.Client
	connect func() (net.Conn, error) // for those who speak HTTP themselves
	log     *logBuffer
	ran     atomic.Int64

	mu      sync.Mutex
	cancels []context.CancelCauseFunc
}

func newEnv(t *testing.T, change ...func(*server.Options)) *env {
	t.Helper()
	e := serve(t, func(h http.Handler) *httptest.Server { return httptest.NewServer(h) }, change...)
	e.connect = func() (net.Conn, error) { return net.Dial("tcp", strings.TrimPrefix(e.url, "http://")) }
	return e
}

func serve(t *testing.T, listen func(http.Handler) *httptest.Server, change ...func(*server.Options)) *env {
	t.Helper()
	e := &env{world: newWorld(), t: t, log: &logBuffer{}}
	e.world.ran = func() { e.ran.Add(1) }
	o := server.Options{
		Schema: e.world, Authenticate: e.authenticate,
		Log:    slog.New(slog.NewJSONHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Limits: server.Limits{RequestTime: patience, WriteTime: patience, InitTime: patience, BodyTime: patience},
	}
	for _, f := range change {
		f(&o)
	}
	s, err := server.New(o)
	if err != nil {
		t.Fatal(err)
	}
	e.server = s
	h := listen(s)
	e.url = h.URL
	e.client = h.Client()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		e.client.CloseIdleConnections()
		h.Close()
		if log := e.log.String(); strings.Contains(log, secret) {
			t.Errorf("the log holds a secret: %s", log)
		}
	})
	return e
}

// authenticate knows "Bearer good" and "x-api-key: good"; "down" is a database that does not answer.
func (e *env) authenticate(ctx context.Context, h http.Header) (context.Context, error) {
	key := strings.TrimPrefix(h.Get("Authorization"), "Bearer ")
	if key == "" {
		key = h.Get("X-Api-Key")
	}
	switch key {
	case "good":
	case "down":
		return nil, errors.New("connection refused")
	case "disabled":
		return nil, problem.New(problem.Forbidden, "This company is disabled.")
	default:
		return nil, problem.New(problem.Unauthenticated, "Send an API key as Authorization: Bearer or x-api-key.")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cancels = append(e.cancels, cancel)
	e.t.Cleanup(func() { cancel(nil) })
	return viewer.With(ctx, viewer.Viewer{Company: "co_1", Actor: "key_1"}), nil
}

// revoke ends every credential that was accepted, with a cause or nil.
func (e *env) revoke(cause error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, cancel := range e.cancels {
		cancel(cause)
	}
}

// answer is what came back for one request.
type answer struct {
	status int
	header http.Header
	body   string
}

// code returns the code of the first error, "" without one.
func (a answer) code() string {
	var got struct {
		Errors []struct {
			Extensions struct{ Code string }
		}
	}
	_ = json.Unmarshal([]byte(a.body), &got)
	if len(got.Errors) == 0 {
		return ""
	}
	return got.Errors[0].Extensions.Code
}

// hasData reports whether there is a data entry, null or not.
func (a answer) hasData() bool {
	var got map[string]json.RawMessage
	_ = json.Unmarshal([]byte(a.body), &got)
	_, ok := got["data"]
	return ok
}

// headers are given in pairs; an empty value removes the header.
func (e *env) request(ctx context.Context, method, path, body string, headers ...string) *http.Request {
	e.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, e.url+path, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer good")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	return r
}

func (e *env) do(r *http.Request) answer {
	e.t.Helper()
	res, err := e.client.Do(r)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

// speak sends a request and reads its answer meanwhile. The client of net/http may give up, when the server closes, on
// what it has not written yet.
func (e *env) speak(r *http.Request) answer {
	e.t.Helper()
	conn, err := e.connect()
	if err != nil {
		e.t.Fatal(err)
	}
	wrote := make(chan struct{})
	go func() { defer close(wrote); _ = r.Write(conn) }()
	defer func() { _ = conn.Close(); <-wrote }()
	res, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		e.t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

// post sends a body as it is.
func (e *env) post(body string, headers ...string) answer {
	e.t.Helper()
	return e.do(e.request(e.t.Context(), http.MethodPost, "/graphql", body, headers...))
}

// query sends a document.
func (e *env) query(document string, headers ...string) answer {
	e.t.Helper()
	return e.post(params(document), headers...)
}

// params returns the body that asks for a document.
func params(document string) string {
	b, _ := json.Marshal(map[string]any{"query": document})
	return string(b)
}

// await returns what comes on c, or fails the test.
func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
