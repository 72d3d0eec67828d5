package sandbox_test

import (
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
	"github.com/patchbay/patchbay/internal/sandbox"
)

const deskBase = "https://blue.desk.example/api"

// startWith plays the manifests of a directory; its client goes anywhere in the sandbox.
func startWith(t *testing.T, dirs ...fs.FS) *world {
	t.Helper()
	c, err := provider.Load(dirs[0], dirs[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, sandbox.Options{Catalog: c, Fixtures: dirs})
	w.http = w.door.Client(egress.Policy{MaxBytes: 1 << 20})
	return w
}

func acme() fs.FS { return os.DirFS("testdata/vendors") }

// said is an answer, read.
type said struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// send asks an API with headers such as "X-Desk-Key: desk_1".
func (w *world) send(method, address, body string, headers ...string) said {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	out := said{status: res.StatusCode, header: res.Header, text: string(text)}
	d := json.NewDecoder(strings.NewReader(out.text))
	d.UseNumber()
	_ = d.Decode(&out.body) // what is no object is looked at as text
	return out
}

const deskKey = "X-Desk-Key: desk_12345678"

// titles lists the titles in an answer's tickets.
func (s said) titles() string {
	var out []string
	list, _ := s.body["tickets"].([]any)
	for _, one := range list {
		ticket, _ := one.(map[string]any)
		title, _ := ticket["title"].(string)
		out = append(out, title)
	}
	return strings.Join(out, ", ")
}

func TestARequestIsAnsweredByTheFixtureThatIsMostLikeIt(t *testing.T) {
	t.Parallel()
	w := startWith(t, acme())
	for _, c := range []struct{ name, address, want string }{
		{"the words of a fixture", "/tickets?q=printer&per=20", "Printer, since 2026-11-21, Toner"},
		{"other words", "/tickets?q=stapler&per=5", "Printer, since 2026-11-21, Toner"},
		{"no words", "/tickets?per=20", "Printer, since 2026-11-21, Toner"},
		{"what a fixture does not find", "/tickets?q=unicorns&per=20", ""},
		{"the second page", "/tickets?q=printer&per=20&cursor=page-2", "Paper"},
		{"a page that no fixture shows is the end", "/tickets?q=printer&per=20&cursor=page-3", ""},
	} {
		got := w.send("GET", deskBase+c.address, "", deskKey)
		if got.status != 200 || got.titles() != c.want {
			t.Errorf("%s: %d %q", c.name, got.status, got.text)
		}
	}
	if got := w.send("GET", deskBase+"/tickets/77", "", deskKey); got.body["title"] != "Toner" {
		t.Errorf("another number: %v", got.text)
	}
	if got := w.send("GET", "https://green.desk.example/api/me", "", deskKey); got.body["id"] != "u1" {
		t.Errorf("another team: %v", got.text)
	}
	if got := w.send("POST", deskBase+"/tickets", `{"ticket":{"title":"Chair"}}`, deskKey); got.status != 201 {
		t.Errorf("a write: %d %v", got.status, got.text)
	}
	for _, request := range []string{"GET /tickets/7/notes", "GET /unknown", "DELETE /tickets", "GET /tickets/", "GET /"} {
		method, path, _ := strings.Cut(request, " ")
		if got := w.send(method, deskBase+path, "", deskKey); got.status != 404 || got.body["why"] != "no_such_thing" {
			t.Errorf("%s: %d %v", request, got.status, got.text)
		}
	}
}

func TestAWriteIsAnsweredWithWhatItSays(t *testing.T) {
	t.Parallel()
	w := startWith(t, acme())
	got := w.send("POST", deskBase+"/tickets",
		`{"ticket":{"title":"Chair","due":"2026-05-02","at":"2026-05-02T14:30:00"}}`, deskKey)
	ticket, _ := got.body["ticket"].(map[string]any)
	if ticket["title"] != "Chair" || ticket["due"] != "2026-05-02" ||
		ticket["at"] != "2026-05-02T14:30:00" || ticket["by"] != "Ann" {
		t.Errorf("answered %v", got.text)
	}
	if got := w.send("GET", deskBase+"/tickets?q=stapler&per=5", "", deskKey); strings.Contains(got.text, "stapler") {
		t.Errorf("a read repeats what was asked: %v", got.text)
	}
}

func TestDocumentsAreToldApartByWhatTheyAskFor(t *testing.T) {
	t.Parallel()
	w := startWith(t, acme())
	const address = "https://eu.acme-graph.io/graphql"
	send := func(body string) said {
		return w.send("POST", address, body, "Authorization: Basic YW5uL3Rva2VuOnB3") // ann/token:pw
	}
	for body, want := range map[string]string{
		`{"query":"{ viewer { id } }"}`:                                                           "v1",
		`{"query":"query Mine { viewer { id name } }"}`:                                           "v1",
		`{"query":"query I($n: Int) { issues(first: $n) { nodes { id } } }","variables":{"n":3}}`: "One",
		`{"query":"query Issues($first: Int, $after: String) { issues(first: $first, after: $after) { nodes { title } } }",
		  "variables":{"first":20,"after":"c2"}}`: "Two",
		`{"query":"{ organization { id } }"}`:                 "o1",
		`{"query":"{ teams { name } }"}`:                      "Blue",
		`{"query":"mutation { viewer { id } }"}`:              "not_found",
		`{"query":"{ users { id } }"}`:                        "not_found",
		`{"query":"{ viewer "}`:                               "not_found",
		`{"query":"tell me { everything }"}`:                  "not_found",
		`[1, {"query": "{ viewer { id } }"}]`:                 "not_found",
		`{"query":{"viewer":true},"variables":[[[[null]]]]}`:  "not_found",
		`{"query":"` + strings.Repeat("{ a ", 100_000) + `"}`: "not_found",
		strings.Repeat("[", 100_000):                          "not_found",
		`}{`:                                                  "not_found",
		``:                                                    "not_found",
	} {
		if got := send(body); !strings.Contains(got.text, want) {
			t.Errorf("%.200s: %d %s", body, got.status, got.text)
		}
	}
	if got := w.send("POST", "https://us.acme-graph.io/graphql", `{"query":"{ viewer { id } }"}`); got.status != 401 ||
		got.text != "<p>no</p>" || got.header.Get("Content-Type") != "text/html" {
		t.Errorf("without a credential: %+v", got)
	}
}

func TestTimesAreMovedToTodayByWholeDays(t *testing.T) {
	t.Parallel()
	w := startWith(t, acme()) // the fixture's now is 9 March 2026; the clock says 22 November
	got := w.send("GET", deskBase+"/tickets?q=printer", "", deskKey)
	list, _ := got.body["tickets"].([]any)
	if len(list) != 2 || got.header.Get("X-Shown") != "2" {
		t.Fatalf("%s", got.text)
	}
	for name, want := range map[string]any{
		"id": json.Number("1772928000"), "updated_at": "2026-11-21T23:30:00+02:00", "due": "2026-12-14",
		"title": "Printer, since 2026-11-21",
	} {
		if got := list[0].(map[string]any)[name]; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	for name, want := range map[string]any{
		"updated_at": json.Number("1795219200"), "ts": "1795219200.000200", "ms": "1795219200123", "day": "20261121",
		"version": json.Number("3.5"), "phone": "1772928000", "old": json.Number("1000000000"), "id": json.Number("2"),
	} {
		if got := list[1].(map[string]any)[name]; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if got := w.send("GET", deskBase+"/me", "", deskKey); got.body["born"] != "1970-02-03" {
		t.Errorf("a birthday: %s", got.text)
	}
}

func TestWhichHostsAreThere(t *testing.T) {
	t.Parallel()
	w := startWith(t, acme())
	plays := w.Redirect().Hosts
	for host, want := range map[string]bool{
		"blue.desk.example": true, "any-team.desk.example": true, "desk.example": false, "a.b.desk.example": false,
		"eu.acme-graph.io": true, "other.acme-graph.io": true, "acme-graph.io": false, "evil-acme-graph.io": false,
		"www.googleapis.com": true, "api.example.com": true, "hook.example.com": true, "example.com": false, "": false,
	} {
		if plays(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
	list := strings.Join(w.Hosts(), " ")
	for _, want := range []string{"*.desk.example", "*.acme-graph.io", "accounts.google.com", "hook.example.com"} {
		if !strings.Contains(list, want) {
			t.Errorf("%s is not listed: %s", want, list)
		}
	}
}

func TestAnEndpointOfACompanysOwnRepeatsWhatItWasAsked(t *testing.T) {
	t.Parallel()
	w := startWith(t, catalog.FS)
	hook := w.send("POST", "https://hook.example.com/ask",
		`{"capability":"orders","query":"where is it","user":{"user_id":"u"}}`)
	if !strings.Contains(hook.text, "where is it") || !strings.Contains(hook.text, `"capability": "orders"`) {
		t.Errorf("the webhook: %s", hook.text)
	}
	for _, host := range []string{"api", "hook"} {
		address := "https://" + host + ".example.com/v1/things?q=blue"
		got := w.send("GET", address, "")
		for _, list := range []string{"results", "items", "data"} {
			if rows, _ := got.body[list].([]any); len(rows) != 1 || !strings.Contains(got.text, "q = blue") {
				t.Errorf("%s: %s: %s", address, list, got.text)
			}
		}
	}
	for _, body := range []string{"", "{", "[]", `"x"`, `{"query":7,"capability":null}`} {
		if got := w.send("POST", "https://hook.example.com/", body); got.status != 200 {
			t.Errorf("%q: %d", body, got.status)
		}
	}
}

// TestWhatIsProposedIsAccepted compares what the sandbox proposes with what the shipped manifests take.
func TestWhatIsProposedIsAccepted(t *testing.T) {
	t.Parallel()
	w := startWith(t, catalog.FS, acme())
	c, err := provider.Load(catalog.FS, acme())
	if err != nil {
		t.Fatal(err)
	}
	list := w.Playable()
	if len(list) != len(c.All()) {
		t.Errorf("%d of %d providers are played", len(list), len(c.All()))
	}
	for _, one := range list {
		p, _ := c.Get(one.Provider)
		if len(one.Ways) != len(p.AuthKinds()) || len(one.Questions) == 0 {
			t.Errorf("%s: %d ways, %d questions", p.Name, len(one.Ways), len(one.Questions))
		}
		for _, way := range one.Ways {
			if err := p.ValidateConfig(way.AuthKind, way.Config); err != nil {
				t.Errorf("%s %s: %v: %v", p.Name, way.AuthKind, way.Config, err)
			}
		}
		for _, q := range one.Questions {
			exemplary := slices.ContainsFunc(p.Capabilities, func(c *provider.Capability) bool {
				return c.Name == q.Capability && len(c.Examples) > 0
			})
			if q.Query == "" || exemplary && !strings.Contains(q.Query, " ") {
				t.Errorf("%s: no question for %s, only %q", p.Name, q.Capability, q.Query)
			}
		}
		for _, call := range one.Writes {
			for _, capability := range p.CapabilitiesFor(one.Ways[0].Config, nil) {
				if capability.Name == call.Capability && capability.ValidateArguments(call.Arguments) != nil {
					t.Errorf("%s %s: %v: %v", p.Name, call.Capability, call.Arguments,
						capability.ValidateArguments(call.Arguments))
				}
				if capability.Name == call.Capability && p.Auth.OAuth2 != nil && !capability.Granted(call.Scopes) {
					t.Errorf("%s %s: %v are not enough", p.Name, call.Capability, call.Scopes)
				}
			}
		}
	}
}

// TestFixturesThatCannotBeReadAreNotPlayed starts with an operator's directory that has been written by hand.
func TestFixturesThatCannotBeReadAreNotPlayed(t *testing.T) {
	t.Parallel()
	manifest, err := fs.ReadFile(acme(), "acme_desk.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, fixtures := range map[string]string{
		"empty": "", "no list": "a: b", "no YAML": "- {", "wrong keys": "- { showing: me }", "odd": `
- { shows: list_tickets }
- { shows: list_tickets, request: "nonsense" }
- { shows: nothing_known, request: "GET https://blue.desk.example/api/me", answer: { text: hello } }
- { shows: list_tickets, request: "GET https://blue.desk.example/%zz", answer: { body: 7 } }
- { shows: get_ticket, request: "GET https://blue.desk.example/api/tickets/1", answer: { body: [[[null]]] } }
- { shows: revoke, each: [{}] }`,
	} {
		dir := fstest.MapFS{
			"acme_desk.yaml":          &fstest.MapFile{Data: manifest},
			"acme_desk.fixtures.yaml": &fstest.MapFile{Data: []byte(fixtures)},
		}
		w := startWith(t, acme(), dir)
		if got := w.send("GET", deskBase+"/tickets?q=printer", "", deskKey); got.status != 404 || got.text == "" {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
}
