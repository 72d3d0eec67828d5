package server_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/server"
)

// connector knows one attempt, token "t1", state "s1".
type connector struct {
	mu       sync.Mutex
	bound    string // the browser that the attempt is bound to
	finished url.Values
	page     server.FinishPage
	fail     error // of Start and Finish
}

func (c *connector) Start(_ context.Context, token string) (server.StartPage, error) {
	if c.fail != nil {
		return server.StartPage{}, c.fail
	}
	if token != "t1" {
		return server.StartPage{}, problem.New(problem.StateMismatch, "The link has been used or is too old.")
	}
	return server.StartPage{Company: "Acme <b>\x1b[2J", User: "sarah@acme.example", Provider: "Google Calendar",
		Scopes: []string{"Read events", "Read the list of calendars"}}, nil
}

func (c *connector) Continue(_ context.Context, _, browser string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bound != "" && c.bound != browser {
		return "", problem.New(problem.StateMismatch, "The link was opened in another browser.")
	}
	c.bound = browser
	return "https://accounts.example.com/authorize?state=s1", nil
}

func (c *connector) Finish(_ context.Context, params url.Values, browser string) (server.FinishPage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return server.FinishPage{}, c.fail
	}
	if browser != c.bound {
		return server.FinishPage{}, problem.New(problem.StateMismatch, "Another browser.")
	}
	c.finished = params
	return c.page, nil
}

// browser keeps cookies and does not follow redirects.
type browser struct {
	t      *testing.T
	client *http.Client
	url    string
}

func openPages(t *testing.T, c *connector, publicURL string, log io.Writer) func() *browser {
	t.Helper()
	logger := slog.New(slog.NewJSONHandler(log, nil))
	s, err := server.New(server.Options{
		Schema: newWorld(), Authenticate: (&env{}).authenticate, Log: logger,
		OAuth: server.NewOAuthPages(server.OAuthOptions{Connector: c, PublicURL: publicURL, Log: logger}),
	})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewTLSServer(s)
	t.Cleanup(h.Close)
	return func() *browser {
		jar, _ := cookiejar.New(nil)
		client := &http.Client{Transport: h.Client().Transport, Jar: jar,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		return &browser{t, client, h.URL}
	}
}

func (b *browser) visit(method, path string, headers ...string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(body)}
}

func TestConnectingInABrowser(t *testing.T) {
	t.Parallel()
	log := &logBuffer{}
	c := &connector{page: server.FinishPage{Company: "Acme", User: "sarah", Provider: "Google Calendar",
		Account: "sarah@gmail.example"}}
	b := openPages(t, c, "https://patchbay.example.com", log)()

	page := b.visit("GET", "/oauth/start/t1")
	for _, want := range []string{"Acme &lt;b&gt;", "sarah@acme.example", "Google Calendar", "Read events",
		"Read the list of calendars", `<form method="post">`, "Continue"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page does not say %q: %s", want, page.body)
		}
	}
	if strings.Contains(page.body, "<script") || strings.Contains(page.body, "accounts.example.com") {
		t.Errorf("the page says too much: %s", page.body)
	}
	cookie := page.header.Get("Set-Cookie")
	for _, want := range []string{"__Host-patchbay_oauth=", "; Path=/;", "Max-Age=600", "HttpOnly", "Secure", "SameSite=Lax"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie lacks %s: %s", want, cookie)
		}
	}

	gone := b.visit("POST", "/oauth/start/t1", "Sec-Fetch-Site", "same-origin", "Origin", "null")
	if gone.status != 303 || gone.header.Get("Location") != "https://accounts.example.com/authorize?state=s1" {
		t.Fatalf("continue: %d %s", gone.status, gone.header.Get("Location"))
	}
	secret := regexp.MustCompile(`patchbay_oauth=([^;]+)`).FindStringSubmatch(cookie)[1]
	sum := sha256.Sum256([]byte(secret))
	if raw, err := base64.RawURLEncoding.DecodeString(secret); err != nil || len(raw) != 32 ||
		c.bound != hex.EncodeToString(sum[:]) {
		t.Errorf("bound to %q for a cookie of %d bytes", c.bound, len(raw))
	}

	done := b.visit("GET", "/oauth/callback?code=c1&state=s1")
	if done.status != 200 || !strings.Contains(done.body, "sarah@gmail.example") ||
		c.finished.Get("code") != "c1" || c.finished.Get("state") != "s1" {
		t.Errorf("callback: %d %s %v", done.status, done.body, c.finished)
	}
	for _, a := range []answer{page, gone, done} {
		if a.header.Get("Referrer-Policy") != "no-referrer" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers: %v", a.header)
		}
	}
	for _, leak := range []string{"t1", "c1", "s1", secret} {
		if regexp.MustCompile(`\b` + leak + `\b`).MatchString(log.String()) {
			t.Errorf("the log holds %s: %s", leak, log)
		}
	}
}

func TestThePagesStyleIsTheOnlyThingTheirPolicyAllows(t *testing.T) {
	t.Parallel()
	page := openPages(t, &connector{}, "", io.Discard)().visit("GET", "/oauth/start/t1")
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page.body)
	if style == nil {
		t.Fatalf("no style: %s", page.body)
	}
	sum := sha256.Sum256([]byte(style[1]))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; frame-ancestors 'none'"
	if got := page.header.Get("Content-Security-Policy"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if strings.Contains(page.header.Get("Set-Cookie"), "Secure") {
		t.Errorf("over http the cookie must work: %s", page.header.Get("Set-Cookie"))
	}
}

func TestAnotherBrowserCannotFinish(t *testing.T) {
	t.Parallel()
	c := &connector{}
	open := openPages(t, c, "", io.Discard)
	mine, victim := open(), open()
	mine.visit("GET", "/oauth/start/t1")
	mine.visit("POST", "/oauth/start/t1")
	if got := victim.visit("GET", "/oauth/callback?code=c&state=s1"); got.status != 400 || c.finished != nil ||
		!strings.Contains(got.body, "did not start") {
		t.Errorf("without a cookie: %d %s", got.status, got.body)
	}
	victim.visit("GET", "/oauth/start/t1")
	if got := victim.visit("GET", "/oauth/callback?code=c&state=s1"); got.status != 400 || c.finished != nil {
		t.Errorf("with a cookie of its own: %d %s", got.status, got.body)
	}
	if got := victim.visit("POST", "/oauth/start/t1"); got.status != 400 {
		t.Errorf("taking the attempt over: %d %s", got.status, got.body)
	}
	for _, cookie := range []string{"", "short", strings.Repeat("*", 43), strings.Repeat("A", 2000)} {
		got := open().visit("GET", "/oauth/callback?code=c&state=s1", "Cookie", "__Host-patchbay_oauth="+cookie)
		if got.status != 400 || c.finished != nil {
			t.Errorf("cookie %q: %d", cookie, got.status)
		}
	}
}

func TestNoOtherPagePressesTheButton(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		visited bool // the start page, so that there is a cookie
		headers []string
		status  int
	}{
		"a foreign form":                       {true, []string{"Sec-Fetch-Site", "cross-site"}, 400},
		"a sibling's form":                     {true, []string{"Sec-Fetch-Site", "same-site"}, 400},
		"a foreign form in an old browser":     {false, []string{"Origin", "https://evil.example"}, 400},
		"a form from nowhere in an old one":    {false, []string{"Origin", "null"}, 400},
		"our form over plain http":             {true, []string{"Origin", "null"}, 303},
		"our form":                             {true, []string{"Sec-Fetch-Site", "same-origin", "Origin", "null"}, 303},
		"curl without having looked":           {false, nil, 303},
		"a reload of the answer by the person": {true, []string{"Sec-Fetch-Site", "none"}, 303},
	} {
		b := openPages(t, &connector{}, "", io.Discard)()
		if c.visited {
			b.visit("GET", "/oauth/start/t1")
		}
		if got := b.visit("POST", "/oauth/start/t1", c.headers...); got.status != c.status {
			t.Errorf("%s: %d, want %d", name, got.status, c.status)
		}
	}
}

func TestTheWayBackToTheCustomer(t *testing.T) {
	t.Parallel()
	c := &connector{page: server.FinishPage{RedirectURL: "https://app.example.com/done"}}
	b := openPages(t, c, "", io.Discard)()
	b.visit("GET", "/oauth/start/t1")
	b.visit("POST", "/oauth/start/t1")
	if got := b.visit("GET", "/oauth/callback?code=c"); got.status != 303 || got.header.Get("Location") != c.page.RedirectURL {
		t.Errorf("%d %s", got.status, got.header.Get("Location"))
	}
}

func TestEachFailureSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for code, c := range map[problem.Code]struct {
		status int
		says   string
	}{
		problem.StateMismatch:       {400, "works once"},
		problem.ConsentDenied:       {403, "Nothing was connected"},
		problem.MissingScopes:       {403, "Leave every permission ticked"},
		problem.AccountMismatch:     {409, "Sign out at the service"},
		problem.NotFound:            {404, "for a new link"},
		problem.ProviderFailed:      {502, "did not go along"},
		problem.ProviderTimeout:     {504, "did not answer"},
		problem.ProviderRateLimited: {503, "Wait a few minutes"},
		problem.Unavailable:         {503, "Wait a moment"},
	} {
		b := openPages(t, &connector{fail: problem.New(code, "What happened <here>.")}, "", io.Discard)()
		got := b.visit("GET", "/oauth/start/t1", "X-Request-Id", "trace-9")
		if got.status != c.status || !strings.Contains(got.body, c.says) || !strings.Contains(got.body, "trace-9") ||
			!strings.Contains(got.body, "What happened &lt;here&gt;.") {
			t.Errorf("%s: %d %s", code, got.status, got.body)
		}
	}
	log := &logBuffer{}
	b := openPages(t, &connector{fail: errors.New("pq: password refused")}, "", log)()
	got := b.visit("GET", "/oauth/start/t1", "X-Request-Id", "trace-9")
	if got.status != 500 || strings.Contains(got.body, "pq:") || !strings.Contains(log.String(), "pq: password refused") {
		t.Errorf("our fault: %d %s, logged %s", got.status, got.body, log)
	}
}

func TestOtherPagesAndMethodsOfOAuth(t *testing.T) {
	t.Parallel()
	c := &connector{}
	b := openPages(t, c, "", io.Discard)()
	b.visit("GET", "/oauth/start/t1")
	for request, status := range map[string]int{
		"GET /oauth/":       404,
		"GET /oauth/start/": 404,
		"GET /oauth/start/" + strings.Repeat("x", 300):            404,
		"POST /oauth/start/" + strings.Repeat("x", 300):           404,
		"GET /oauth/start/t1/more":                                404,
		"HEAD /oauth/callback?code=c":                             405,
		"POST /oauth/callback?code=c":                             404,
		"GET /oauth/callback?code=" + strings.Repeat("x", 10<<10): 404,
	} {
		method, path, _ := strings.Cut(request, " ")
		if got := b.visit(method, path); got.status != status {
			t.Errorf("%s: %d, want %d", request[:min(len(request), 60)], got.status, status)
		}
	}
	if c.finished != nil {
		t.Error("something was finished")
	}
}

func TestATerminalGetsThePagesAsText(t *testing.T) {
	t.Parallel()
	p := server.NewOAuthPages(server.OAuthOptions{Connector: &connector{}, Log: slog.New(slog.DiscardHandler)})
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/oauth/start/t1", nil)
	req.Header.Set("Accept", "text/plain")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, req)
	want := "Connect Google Calendar to Acme <b>[2J\n"
	if got := w.Body.String(); !strings.HasPrefix(got, want) || !strings.Contains(got, "\nUser: sarah@acme.example\n") ||
		strings.Contains(got, "</") || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%v\n%s", w.Header(), got)
	}
}
