package sandbox_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/house/leak"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/sandbox"
	"github.com/patchbay/patchbay/internal/seal"
)

func TestMain(m *testing.M) { leak.Main(m) }

// sunday is the fixed clock's first reading: 22 November 2026, ten o'clock in Berlin.
var sunday = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

const (
	calendarScope = "https://www.googleapis.com/auth/calendar.readonly"
	mailScope     = "https://www.googleapis.com/auth/gmail.readonly"
	redirectURL   = "https://app.example.com/callback?tenant=7"
	calendarBase  = "https://www.googleapis.com/calendar/v3"
	mailBase      = "https://gmail.googleapis.com/gmail/v1/users/me"
)

// clock is a clock that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a started sandbox with a client that goes through the egress door.
type world struct {
	*sandbox.Sandbox
	t     *testing.T
	clock *clock
	http  *http.Client
	door  *egress.Egress

	catalog *provider.Catalog // nil unless started with one
}

func start(t *testing.T, opts sandbox.Options) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{at: sunday}, catalog: opts.Catalog}
	if opts.Now == nil {
		opts.Now = w.clock.Now
	}
	var err error
	if w.Sandbox, err = sandbox.New(opts); err != nil {
		t.Fatal(err)
	}
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.door = egress.New(egress.Options{Sandbox: w.Redirect(), ConnectTimeout: time.Minute})
	w.http = w.door.Client(egress.Policy{Hosts: w.Hosts(), MaxBytes: 256 << 20})
	t.Cleanup(w.stop)
	return w
}

func (w *world) stop() {
	w.door.Close()
	if err := w.Close(); err != nil {
		w.t.Error(err)
	}
}

func googleServer() *oauth.Server {
	return &oauth.Server{
		Authorize: oauth.Authorize{
			URL:    "https://accounts.google.com/o/oauth2/v2/auth",
			Params: map[string]string{"access_type": "offline", "prompt": "consent"},
		},
		Token:  oauth.TokenEndpoint{URL: "https://oauth2.googleapis.com/token"},
		PKCE:   oauth.PKCES256,
		Revoke: oauth.Revoke{URL: "https://oauth2.googleapis.com/revoke"},
		Scopes: []oauth.Scope{
			{Name: "calendar.readonly", Value: calendarScope}, {Name: "gmail.readonly", Value: mailScope},
			{Name: "calendar.freebusy", Value: "https://www.googleapis.com/auth/calendar.freebusy"},
			{Name: "gmail.metadata", Value: "https://www.googleapis.com/auth/gmail.metadata"},
		},
	}
}

func (w *world) wire() *oauth.Wire {
	return &oauth.Wire{Server: googleServer(), Client: w.Client("google"), HTTP: w.http, Now: w.clock.Now}
}

// authorizeURL is where the person's browser is sent.
func (w *world) authorizeURL(verifier seal.Secret, scopes ...string) string {
	w.t.Helper()
	u, err := googleServer().AuthorizeURL(w.Client("google"), oauth.AuthorizeRequest{
		State: "state-1234567890", Verifier: verifier, RedirectURL: redirectURL, Scopes: scopes,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.AuthorizeURL(u)
}

// visit opens a page of the loopback address as a browser without script would, and does not follow where it leads.
func visit(t *testing.T, req *http.Request) (*http.Response, string) {
	t.Helper()
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func get(t *testing.T, u string) (*http.Response, string) {
	t.Helper()
	return visit(t, request(t, http.MethodGet, u, nil))
}

func request(t *testing.T, method, u string, form url.Values) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, u, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req
}

// back reads where a consent page sends the browser.
func back(t *testing.T, res *http.Response) url.Values {
	t.Helper()
	loc, err := res.Location()
	if err != nil {
		t.Fatalf("status %d, no redirect: %v", res.StatusCode, err)
	}
	if !strings.HasPrefix(loc.String(), "https://app.example.com/callback?") || loc.Query().Get("tenant") != "7" ||
		loc.Query().Get("state") != "state-1234567890" {
		t.Fatalf("the browser is sent to %s", loc)
	}
	return loc.Query()
}

// connect goes the whole way of a consent and returns the tokens.
func (w *world) connect(account string, scopes ...string) *oauth.Token {
	w.t.Helper()
	v := oauth.NewVerifier()
	res, _ := get(w.t, w.authorizeURL(v, scopes...)+"&sandbox_consent=allow&sandbox_account="+account)
	tok, err := w.wire().Exchange(w.t.Context(), back(w.t, res).Get("code"), v, redirectURL)
	if err != nil {
		w.t.Fatal(err)
	}
	return tok
}

// call asks a vendor's API and returns the status and the answer.
func (w *world) call(access seal.Secret, u string) (int, map[string]any) {
	w.t.Helper()
	res, err := w.try(w.t.Context(), access, u)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var doc map[string]any
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		w.t.Fatalf("%s: %v", u, err)
	}
	return res.StatusCode, doc
}

func (w *world) try(ctx context.Context, access seal.Secret, u string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+access.Reveal())
	return w.http.Do(req)
}

// reason digs the reason out of an error of Google's APIs.
func reason(doc map[string]any) string {
	e, _ := doc["error"].(map[string]any)
	list, _ := e["errors"].([]any)
	if len(list) == 0 {
		return ""
	}
	first, _ := list[0].(map[string]any)
	s, _ := first["reason"].(string)
	return s
}

func TestATakenPortIsOneClearLine(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s, err := sandbox.New(sandbox.Options{Addr: ln.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Start(t.Context())
	if !problem.Is(err, problem.Unavailable) || !strings.Contains(err.Error(), ln.Addr().String()) {
		t.Fatalf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyLoopbackAddressesAreTaken(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":8081", "192.0.2.1:80", "example.com:80", "127.0.0.1"} {
		if _, err := sandbox.New(sandbox.Options{Addr: addr}); !problem.Is(err, problem.BadInput) {
			t.Errorf("%s: got %v", addr, err)
		}
	}
}

func TestBeforeStartAndAfterCloseADialFails(t *testing.T) {
	t.Parallel()
	s, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	vendor := "https://accounts.google.com/o/oauth2/v2/auth?x=1"
	if got := s.AuthorizeURL(vendor); got != vendor {
		t.Errorf("before Start the URL became %s", got)
	}
	if _, err := s.Redirect().Dial(t.Context(), "tcp", "www.googleapis.com:443"); err == nil {
		t.Error("a dial before Start succeeded")
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Redirect().Dial(t.Context(), "tcp", "www.googleapis.com:443"); err == nil {
		t.Error("a dial after Close succeeded")
	}
	if err := s.Start(t.Context()); err == nil {
		t.Error("a second Start succeeded")
	}
}

func TestOnlyAuthorizationPagesOfKnownVendorsAreRewritten(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	got := w.AuthorizeURL("https://accounts.google.com/o/oauth2/v2/auth?a=b%20c&d")
	if want := w.URL() + "/accounts.google.com/o/oauth2/v2/auth?a=b%20c&d"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, u := range []string{"https://www.googleapis.com/calendar/v3", "https://example.com/auth", "://", ""} {
		if got := w.AuthorizeURL(u); got != u {
			t.Errorf("%q became %q", u, got)
		}
	}
}

func TestTheLoopbackAddressAnswersToLocalNamesOnly(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	req := request(t, http.MethodGet, w.URL()+"/_sandbox/faults", nil)
	req.Host = "rebound.example"
	if res, _ := visit(t, req); res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("a foreign name got %d", res.StatusCode)
	}
	if res, body := get(t, w.URL()+"/"); res.StatusCode != 404 || !strings.Contains(body, "_sandbox/faults") {
		t.Errorf("the root says %d %s", res.StatusCode, body)
	}
	// The vendors' APIs are not served in plain HTTP.
	if res, _ := get(t, w.URL()+"/www.googleapis.com/calendar/v3/users/me/calendarList"); res.StatusCode != 404 {
		t.Errorf("got %d", res.StatusCode)
	}
}

func TestOnlyTheSandboxsOwnTransportTrustsIt(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tr := &http.Transport{DialContext: w.Redirect().Dial}
	defer tr.CloseIdleConnections()
	res, err := tr.RoundTrip(request(t, http.MethodGet, calendarBase, nil))
	if err == nil {
		res.Body.Close()
		t.Fatal("a transport with the system's authorities accepted the sandbox")
	}
}

func decode(t *testing.T, r io.Reader, into any) {
	t.Helper()
	if err := json.NewDecoder(r).Decode(into); err != nil {
		t.Fatal(err)
	}
}
