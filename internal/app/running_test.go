package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/app"
	"github.com/patchbay/patchbay/internal/seal"
)

// patience is how long a test waits for what must happen. It says nothing about how soon that is, and costs time only
// where it does not happen.
const patience = 3 * time.Minute

// running is a Patchbay that was started by its own command line, and a client of its HTTP.
type running struct {
	t       *testing.T
	URL     string // of the server, without a slash at the end
	Sandbox string // of the sandbox's control paths
	Key     string
	Log     *output
	stop    func() int
}

// output collects what a process writes and lets a test wait for a line of it.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{}
}

func newOutput() *output { return &output{wrote: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	select {
	case o.wrote <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// find waits until the output matches and returns the first group.
func (o *output) find(t *testing.T, pattern string, ended <-chan struct{}) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	limit := time.After(patience)
	for {
		if m := re.FindStringSubmatch(o.String()); m != nil {
			return m[1]
		}
		select {
		case <-o.wrote:
		case <-ended:
			t.Fatalf("it ended before it said %q:\n%s", pattern, o)
		case <-limit:
			t.Fatalf("it did not say %q:\n%s", pattern, o)
		}
	}
}

// command runs a command line to its end and returns its stdout; it must succeed.
func command(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := app.Main(t.Context(), args, &out, &errs); code != 0 {
		t.Fatalf("patchbay %s ended with code %d: %s", strings.Join(args, " "), code, errs.String()+out.String())
	}
	return out.String()
}

// serve migrates a database, makes a key and starts a server with the sandbox on free ports.
func serve(t *testing.T, database string, flags ...string) *running {
	t.Helper()
	return serveReal(t, database, append([]string{"--sandbox"}, flags...)...)
}

// serveReal is serve without the sandbox.
func serveReal(t *testing.T, database string, flags ...string) *running {
	t.Helper()
	command(t, "migrate", "--database", database)
	key := strings.TrimSpace(command(t, "apikey", "create", "--database", database, "--company", "Acme"))
	return replica(t, database, keyRing(t), key, flags...)
}

// replica starts one more server on a database that is ready.
func replica(t *testing.T, database, ring, key string, flags ...string) *running {
	t.Helper()
	return start(t, key, append([]string{
		"serve", "--database", database, "--key-ring-file", ring, "--listen", "127.0.0.1:0", "--log-level", "debug",
	}, flags...)...)
}

// keyRing makes a key ring and returns its file.
func keyRing(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keyring.json")
	made, err := seal.NewRing()
	if err != nil {
		t.Fatal(err)
	}
	if err := seal.WriteRingFile(file, made); err != nil {
		t.Fatal(err)
	}
	return file
}

// start runs a server until the test ends.
func start(t *testing.T, key string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, Key: key, Log: newOutput()}
	ended, code := make(chan struct{}), 0
	go func() { defer close(ended); code = app.Main(ctx, args, r.Log, r.Log) }()
	r.stop = func() int { cancel(); <-ended; return code }
	t.Cleanup(func() {
		if code := r.stop(); code != 0 {
			t.Errorf("the server ended with code %d:\n%s", code, r.Log)
		}
	})
	r.URL = "http://" + r.Log.find(t, `on (127\.0\.0\.1:\d+)`, ended)
	if slices.Contains(args, "--sandbox") {
		r.Sandbox = r.Log.find(t, `sandbox is at (http://127\.0\.0\.1:\d+)`, ended)
	}
	return r
}

// answer is a GraphQL answer.
type answer struct {
	Data   map[string]any
	Errors []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	}
	raw string
}

// ask sends one operation and fails the test on top-level errors.
func (r *running) ask(query string, variables map[string]any) map[string]any {
	r.t.Helper()
	a := r.try(query, variables)
	if len(a.Errors) > 0 {
		r.t.Fatalf("%s\n%s", query, a.raw)
	}
	return a.Data
}

// try sends one operation.
func (r *running) try(query string, variables map[string]any) answer {
	r.t.Helper()
	a, err := r.send(r.t.Context(), query, variables)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// send sends one operation; an answer that is not GraphQL's is an error.
func (r *running) send(ctx context.Context, query string, variables map[string]any) (answer, error) {
	resp, err := r.request(ctx, "application/json", query, variables)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{raw: string(text)}
	if err := json.Unmarshal(text, &a); err != nil {
		return answer{}, fmt.Errorf("status %d: %s", resp.StatusCode, text)
	}
	return a, nil
}

func (r *running) post(ctx context.Context, accept, query string, variables map[string]any) *http.Response {
	r.t.Helper()
	resp, err := r.request(ctx, accept, query, variables)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp
}

func (r *running) request(ctx context.Context, accept, query string, variables map[string]any) (*http.Response, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+r.Key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", accept)
	return http.DefaultClient.Do(req)
}

// mutate runs a mutation that must have no user errors and returns its payload.
func (r *running) mutate(field, selection string, input map[string]any) map[string]any {
	r.t.Helper()
	payload := r.attempt(field, selection, input)
	if errs, _ := payload["userErrors"].([]any); len(errs) > 0 {
		r.t.Fatalf("%s: %v", field, errs)
	}
	return payload
}

// attempt runs a mutation and returns its payload, user errors included.
func (r *running) attempt(field, selection string, input map[string]any) map[string]any {
	r.t.Helper()
	typ := strings.ToUpper(field[:1]) + field[1:] + "Input"
	query := "mutation($input: " + typ + "!) { " + field + "(input: $input) { " + selection +
		" userErrors { __typename code message field } } }"
	return r.ask(query, map[string]any{"input": input})[field].(map[string]any)
}

// subscribe opens a subscription over SSE; the channel closes when it ends.
func (r *running) subscribe(query string, variables map[string]any) <-chan map[string]any {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	resp := r.post(ctx, "text/event-stream", query, variables)
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		r.t.Fatalf("subscribe: status %d: %s", resp.StatusCode, text)
	}
	events := make(chan map[string]any)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(events)
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok || data == "" {
				continue
			}
			var a answer
			if json.Unmarshal([]byte(data), &a) != nil {
				return
			}
			select {
			case events <- a.Data:
			case <-ctx.Done():
				return
			}
		}
	}()
	r.t.Cleanup(func() { cancel(); resp.Body.Close(); <-ended })
	return events
}

// next returns the next event of a subscription.
func next(t *testing.T, events <-chan map[string]any) map[string]any {
	t.Helper()
	select {
	case e, open := <-events:
		if !open {
			t.Fatal("the stream ended")
		}
		return e
	case <-time.After(patience):
		t.Fatal("no event came")
	}
	panic("unreachable")
}

// browse acts as the person's browser: it keeps cookies, presses Continue on Patchbay's start page, allows everything at
// the sandbox, and returns the last page.
func (r *running) browse(address string) (status int, page string, last string) {
	r.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: patience, CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		req.Header.Set("Sandbox-Consent", "allow")
		if !strings.HasPrefix(req.URL.Host, "127.0.0.1") && !strings.HasPrefix(req.URL.Host, "localhost") {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	method := http.MethodGet
	if strings.Contains(address, "/oauth/start/") {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(r.t.Context(), method, address, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Sandbox-Consent", "allow")
	resp, err := browser.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	last = resp.Request.URL.String()
	if to := resp.Header.Get("Location"); to != "" { // a redirect that leaves this machine
		last = to
	}
	return resp.StatusCode, string(text), last
}

// fault makes the sandbox misbehave.
func (r *running) fault(body string) {
	r.t.Helper()
	resp, err := http.Post(r.Sandbox+"/_sandbox/faults", "application/json", strings.NewReader(body)) //nolint:noctx // a test
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(resp.Body)
		r.t.Fatalf("fault %s: %d %s", body, resp.StatusCode, text)
	}
}

// at walks down an answer: names go into objects, numbers into lists.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

// text returns an answer as JSON, to be searched.
func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// consent allows everything at the sandbox and returns the code with which it sends the browser back.
func (r *running) consent(authorizationURL string) string {
	r.t.Helper()
	_, _, last := r.browse(authorizationURL)
	u, err := url.Parse(last)
	if err != nil || u.Query().Get("code") == "" {
		r.t.Fatalf("no code came back: %s", last)
	}
	return u.Query().Get("code")
}
