package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/server"
)

func noIntrospection(o *server.Options) { o.Introspect = func(context.Context) bool { return false } }

func TestNobodyReachesTheParserUnauthenticated(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, c := range []struct {
		name, key, code string
		status          int
	}{
		{"no key", "", "UNAUTHENTICATED", 401},
		{"an unknown key", "Bearer " + secret, "UNAUTHENTICATED", 401},
		{"a disabled company", "Bearer disabled", "FORBIDDEN", 403},
		{"a database that is down", "Bearer down", "UNAVAILABLE", 503},
	} {
		for _, accept := range []string{"application/json", "text/event-stream"} {
			got := e.post("{ this is not even JSON", "Authorization", c.key, "Accept", accept)
			if got.status != c.status || got.code() != c.code || got.hasData() {
				t.Errorf("%s: %d %s", c.name, got.status, got.body)
			}
			if challenge := got.header.Get("WWW-Authenticate"); (challenge == `Bearer realm="patchbay"`) != (c.status == 401) {
				t.Errorf("%s: WWW-Authenticate %q", c.name, challenge)
			}
			if strings.Contains(got.body, secret) || strings.Contains(got.body, "refused") {
				t.Errorf("%s: %s", c.name, got.body)
			}
		}
	}
	if got := e.query("{ hello }", "Authorization", "", "X-Api-Key", "good"); got.status != 200 {
		t.Errorf("x-api-key: %d %s", got.status, got.body)
	}
}

func TestLargeBodiesAreRefusedWithoutReadingThem(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	large := `{"query":"{ hello }","variables":{"x":"` + strings.Repeat("x", 10<<20) + `"}}`
	got := e.speak(e.request(t.Context(), http.MethodPost, "/graphql", large))
	if got.status != http.StatusRequestEntityTooLarge || got.code() != "QUERY_TOO_LARGE" {
		t.Errorf("10 MB: %d %s", got.status, got.body)
	}
	r := e.request(t.Context(), http.MethodPost, "/graphql", "")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(large[:300<<10])), -1
	if got := e.do(r); got.status != http.StatusRequestEntityTooLarge || got.code() != "QUERY_TOO_LARGE" {
		t.Errorf("300 kB in chunks: %d %s", got.status, got.body)
	}
	fits := large[:40] + strings.Repeat("x", 200<<10) + `"}}`
	if got := e.post(fits); got.status != 200 {
		t.Errorf("200 kB: %d %s", got.status, got.body)
	}
}

func TestABodyThatDoesNotArriveIsGivenUp(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(o *server.Options) { o.Limits.BodyTime = 20 * time.Millisecond })
	conn, err := e.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n"+
		"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"query\":\"{ he")
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusRequestTimeout || !res.Close {
		t.Errorf("status %d, close %v; want 408 and close", res.StatusCode, res.Close)
	}
}

// What is refused before its body is read must not keep its connection: http.Server reads the rest of such a body.
func TestABodyThatDoesNotArriveHoldsNoConnection(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(o *server.Options) { o.Limits.BodyTime = 20 * time.Millisecond })
	for path, status := range map[string]int{"/graphql": 401, "/nothing": 404} {
		conn, err := e.connect()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		said, err := io.ReadAll(conn) // until the server closes
		if err != nil || !strings.HasPrefix(string(said), fmt.Sprintf("HTTP/1.1 %d ", status)) {
			t.Errorf("%s: %v, %.100q", path, err, said)
		}
	}
}

func TestARequestThatTakesTooLongIsTimedOut(t *testing.T) {
	still(t, func(t *testing.T) {
		e := newStillEnv(t, func(o *server.Options) { o.Limits.RequestTime = 20 * time.Millisecond })
		for _, document := range []string{"{ hang }", "{ hello hang }"} {
			if got := e.query(document); got.code() != "TIMEOUT" {
				t.Errorf("%s: %d %s", document, got.status, got.body)
			}
			await(t, "the resolver to end", e.ended)
		}
	})
}

func TestAClientThatLeavesStopsItsQuery(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		res, err := e.client.Do(e.request(ctx, http.MethodPost, "/graphql", params("query Long { hang }")))
		if err == nil {
			_ = res.Body.Close()
		}
		done <- err
	}()
	await(t, "the resolver", e.started)
	cancel()
	if err := await(t, "the client", done); !errors.Is(err, context.Canceled) {
		t.Errorf("client: %v", err)
	}
	await(t, "the resolver to end", e.ended)
}

func TestAPanicInAHookIsOneInternalAnswer(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*server.Options){
		"while authenticating": func(o *server.Options) {
			o.Authenticate = func(context.Context, http.Header) (context.Context, error) { panic("hook") }
		},
		"after validation": func(o *server.Options) { o.Introspect = func(context.Context) bool { panic("hook") } },
	} {
		e := newEnv(t, change)
		got := e.query("{ hello }", "Accept", "application/graphql-response+json")
		if got.status != 500 || got.code() != "INTERNAL" || !strings.Contains(got.body, got.header.Get("X-Request-Id")) ||
			strings.Contains(got.body, "hook") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if !strings.Contains(e.log.String(), `"error":"hook"`) {
			t.Errorf("%s: not logged: %s", name, e.log)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(o *server.Options) { o.NewRequestID = func() string { return "req_new" } })
	for given, want := range map[string]string{
		"":                      "req_new",
		"a-B_3.4":               "a-B_3.4",
		"two words":             "req_new",
		"<script>":              "req_new",
		strings.Repeat("x", 64): strings.Repeat("x", 64),
		strings.Repeat("x", 65): "req_new",
	} {
		if got := e.query("{ hello }", "X-Request-Id", given).header.Get("X-Request-Id"); got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
}

func TestTheLogNamesOperationsAndNothingThatWasSent(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.post(`{"query":"query Greet($n: String) { hello(name: $n) refuse }","variables":{"n":"`+secret+`"}}`,
		"X-Request-Id", "trace-1", "X-Extra", secret)
	e.do(e.request(t.Context(), "GET", "/oauth/start/"+secret+"?code="+secret, ""))
	log := e.log.String()
	for _, want := range []string{
		`"method":"POST"`, `"route":"/graphql"`, `"status":200`, `"kind":"query"`, `"operation":"Greet"`,
		`"code":"FORBIDDEN"`, `"request_id":"trace-1"`, `"route":"/oauth/"`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in %s", want, log)
		}
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 404}, {"GET", "/graphql/", 404}, {"POST", "/query", 404}, {"GET", "/oauth/start/x", 404},
		{"GET", "/graphql", 405}, {"PUT", "/graphql", 405}, {"DELETE", "/graphql", 405}, {"HEAD", "/graphql", 405},
		{"OPTIONS", "/graphql", 204}, {"GET", "/healthz", 200}, {"GET", "/readyz", 200}, {"POST", "/healthz", 404},
	} {
		got := e.do(e.request(t.Context(), c.method, c.path, "", "Authorization", ""))
		if got.status != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, got.status, c.status)
		}
		if c.status >= 400 && !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s %s: %s", c.method, c.path, got.header.Get("Content-Type"))
		}
	}
}

func TestReadyAsksTheDatabaseAndHidesItsError(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(o *server.Options) {
		o.Health = func(context.Context) error { return errors.New("dial tcp 10.0.0.7:5432") }
	})
	got := e.do(e.request(t.Context(), "GET", "/readyz", ""))
	if got.status != 503 || got.body != "{\"status\":\"unavailable\"}\n" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if !strings.Contains(e.log.String(), "10.0.0.7") {
		t.Errorf("the cause is not logged: %s", e.log)
	}
	if got := e.do(e.request(t.Context(), "GET", "/healthz", "")); got.status != 200 {
		t.Errorf("healthz: %d", got.status)
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(o *server.Options) { o.PublicURL = "https://patchbay.example.com" })
	got := e.query("{ hello }", "Origin", "https://foreign.example.com").header
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Frame-Options": "DENY",
		"Strict-Transport-Security": "max-age=31536000", "Access-Control-Allow-Origin": "",
	} {
		if got.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Get(name), want)
		}
	}
}

func TestOnlyNamedOriginsGetCORS(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(o *server.Options) { o.Origins = []string{"https://App.example.com/"} })
	preflight := func(origin string) http.Header {
		return e.do(e.request(t.Context(), "OPTIONS", "/graphql", "", "Authorization", "", "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization")).header
	}
	got := preflight("https://app.example.com")
	if got.Get("Access-Control-Allow-Origin") != "https://app.example.com" ||
		!strings.Contains(got.Get("Access-Control-Allow-Headers"), "Authorization") || got.Get("Vary") != "Origin" ||
		got.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("named: %v", got)
	}
	for _, foreign := range []string{"https://evil.example.com", "http://app.example.com", "null",
		"https://app.example.com.evil.com"} {
		if got := preflight(foreign); got.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", foreign, got)
		}
	}
	if got := e.query("{ hello }", "Origin", "https://app.example.com").header; got.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("answer: %v", got)
	}
}

func TestSettingsAtFaultAreNamed(t *testing.T) {
	t.Parallel()
	ok := server.Options{Schema: newWorld(), Authenticate: (&env{}).authenticate}
	for want, change := range map[string]func(*server.Options){
		"Schema":       func(o *server.Options) { o.Schema = nil },
		"Authenticate": func(o *server.Options) { o.Authenticate = nil },
		"*.example":    func(o *server.Options) { o.Origins = []string{"*.example"} },
		"ftp://x":      func(o *server.Options) { o.PublicURL = "ftp://x" },
	} {
		o := ok
		change(&o)
		if _, err := server.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
