package provider_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// desks is the small manifest with a lookup: a desk's name becomes its id.
var desks = strings.Replace(tickets, "    request: |\n", `    lookup:
      request: 'if .text == null then null else { path: "/desks", query: { page } } end'
      found: '.desks[] | if .name == $in.text then .id else null end'
      next: .next
      missing: There is no desk of this name.
    request: |
`, 1)

func answers(bodies ...string) (func(context.Context, *provider.Request) (provider.Response, error), *[]string) {
	var asked []string
	return func(_ context.Context, r *provider.Request) (provider.Response, error) {
		asked = append(asked, r.Summary())
		if len(asked) > len(bodies) {
			return provider.Response{}, errors.New("nothing was to be asked any more")
		}
		return provider.Response{Status: 200, Body: []byte(bodies[len(asked)-1])}, nil
	}, &asked
}

func TestALookupTakesTheFirstValueThatIsNotNull(t *testing.T) {
	t.Parallel()
	c := decode(t, desks).Capabilities[0]
	send, asked := answers(`{"desks":[{"name":"a","id":1}],"next":2}`,
		`{"desks":[{"name":"b"},{"name":"b","id":false},{"name":"b","id":3}],"next":3}`)
	found, err := c.LookUp(t.Context(), provider.Input{Text: "b", Page: "of the results"}, send)
	if err != nil || found != false {
		t.Errorf("found %v, %v", found, err)
	}
	want := "[GET https://api.tickets.example/v1/desks GET https://api.tickets.example/v1/desks?page=2]"
	if fmt.Sprint(*asked) != want {
		t.Errorf("asked %v", *asked)
	}
}

func TestALookupThatFindsNothing(t *testing.T) {
	t.Parallel()
	c := decode(t, desks).Capabilities[0]
	for name, c := range map[string]struct {
		text, bodies string
		code         problem.Code
		asked        int
	}{
		"is not needed":            {"", "", "", 0},
		"on any page":              {"x", `{"desks":[{"name":"a","id":1}],"next":7}`, problem.NotFound, 5},
		"on the only page":         {"x", `{"desks":[]}`, problem.NotFound, 1},
		"in a shape it knows":      {"x", `{"desks":7}`, problem.ProviderFailed, 1},
		"in what is not even JSON": {"x", `desks`, problem.ProviderFailed, 1},
	} {
		send, asked := answers(strings.Split(strings.Repeat(c.bodies+"\n", 6), "\n")...)
		found, err := decode(t, desks).Capabilities[0].LookUp(t.Context(), provider.Input{Text: c.text}, send)
		if found != nil || problem.CodeOf(err) != c.code || len(*asked) != c.asked {
			t.Errorf("%s: found %v, %v after %d", name, found, err, len(*asked))
		}
	}
	gone := func(context.Context, *provider.Request) (provider.Response, error) {
		return provider.Response{}, fmt.Errorf("404: %w", provider.ErrNotThere)
	}
	if _, err := c.LookUp(t.Context(), provider.Input{Text: "x"}, gone); !problem.Is(err, problem.NotFound) {
		t.Errorf("a 404: %v", err)
	}
	mute := decode(t, strings.Replace(desks, "      missing: There is no desk of this name.\n", "", 1)).Capabilities[0]
	if found, err := mute.LookUp(t.Context(), provider.Input{Text: "x"}, gone); found != nil || err != nil {
		t.Errorf("without words: %v, %v", found, err)
	}
}

func TestTheFirstRequestIsTheLookups(t *testing.T) {
	t.Parallel()
	c := decode(t, desks).Capabilities[0]
	for text, want := range map[string]string{
		"b": "GET https://api.tickets.example/v1/desks",
		"":  "GET https://api.tickets.example/v1/desks/main/tickets?limit=20",
	} {
		r, err := c.First(t.Context(), provider.Input{Text: text})
		if err != nil || r.Summary() != want {
			t.Errorf("%q: %v, %v", text, r, err)
		}
	}
	if got := fmt.Sprint(c.Takes()); got != "[text]" {
		t.Errorf("it takes %s", got)
	}
}

func TestWhatWasFoundIsInTheDocument(t *testing.T) {
	t.Parallel()
	c := decode(t, strings.Replace(desks, `\(.config.desk | @uri)`, `\(.lookup.id)`, 1)).Capabilities[0]
	r, err := c.Request(t.Context(), provider.Input{Lookup: map[string]any{"id": 7}})
	if err != nil || r.Summary() != "GET https://api.tickets.example/v1/desks/7/tickets?limit=20" {
		t.Errorf("%v, %v", r, err)
	}
}

func TestFixturesOfALookup(t *testing.T) {
	t.Parallel()
	manifest, fixtures := complete(t)
	manifest = strings.Replace(manifest, "    request: |\n", `    lookup:
      request: '{ path: "/desks", query: { page } }'
      found: '.desks[]'
      missing: There is no desk of this name.
    request: |
`, 1)
	exchange := `
  lookup: [{ request: "GET https://api.tickets.example/v1/desks", answer: { body: { desks: [main] } } }]
  request:`
	fixtures = strings.ReplaceAll(fixtures, "\n  request: \"GET https://api.tickets.example/v1/desks/second", exchange+" \"GET https://api.tickets.example/v1/desks/second")
	fixtures = strings.ReplaceAll(fixtures, "\n  request: GET https://api.tickets.example/v1/desks/main", exchange+" GET https://api.tickets.example/v1/desks/main")
	nothing := `
- shows: list_tickets
  case: no such desk
  lookup: [{ request: "GET https://api.tickets.example/v1/desks", answer: { body: { desks: [] } } }]
  refused: There is no desk of this name.
`
	for name, c := range map[string]struct{ fixtures, message string }{
		"all is well":           {fixtures + nothing, ""},
		"a 404":                 {fixtures + strings.Replace(nothing, "answer: { body: { desks: [] } }", "answer: { status: 404 }", 1), ""},
		"nothing found":         {fixtures, "no fixture shows the lookup of list_tickets that finds nothing"},
		"other words":           {fixtures + strings.Replace(nothing, "no desk of", "desk of", 1), "refused: want"},
		"another request":       {fixtures + strings.Replace(nothing, "v1/desks", "v1/tables", 1), "request: want"},
		"an exchange too few":   {strings.Replace(fixtures+nothing, exchange, "\n  request:", 1), "0 exchanges are described, and then comes"},
		"an exchange too many":  {fixtures + nothing[:strings.Index(nothing, "  lookup")] + "  lookup: [" + strings.Repeat(`{ request: "GET https://api.tickets.example/v1/desks", answer: { body: { desks: [] } } }, `, 2) + "]\n  refused: There is no desk of this name.\n", "2 exchanges are described, 1 are needed"},
		"an answer that is bad": {fixtures + strings.Replace(nothing, "answer: { body: { desks: [] } }", "answer: { status: 500 }", 1), "classified as transient"},
		"no refusal":            {fixtures + nothing + "- shows: list_tickets\n  case: x\n  refused: No.\n" + exchange[:strings.Index(exchange, "\n  request")] + "\n", "refused: want"},
	} {
		findings := provider.Lint(fstest.MapFS{"tickets.yaml": {Data: []byte(manifest)}, "tickets.fixtures.yaml": {Data: []byte(c.fixtures)}})
		var all []string
		for _, f := range findings {
			all = append(all, f.Error())
		}
		if got := strings.Join(all, "\n"); c.message == "" && got != "" || !strings.Contains(got, c.message) {
			t.Errorf("%s: want %q, got %s", name, c.message, got)
		}
	}
	if _, findings := provider.Decode("tickets.yaml", []byte(strings.Replace(manifest, "      found: '.desks[]'\n", "", 1))); len(findings) != 1 ||
		!strings.Contains(findings[0].Message, "a lookup has a request and found") {
		t.Errorf("without found: %v", findings)
	}
}

func TestWordsOfAnExpressionAreForThePersonWhoAsks(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`error("Say which desk: its name.")`: "Say which desk: its name.",
		`error("Not \(.text).")`:             "Not printer.",
		`error({ code: 7 })`:                 "This cannot be turned into a request to Tickets.",
		`error`:                              "This cannot be turned into a request to Tickets.",
		`error("")`:                          "This cannot be turned into a request to Tickets.",
		`.text.x`:                            "This cannot be turned into a request to Tickets.",
		`try error("hidden") catch error("Only this.")`: "Only this.",
		`error("` + strings.Repeat("ä", 400) + `")`:     strings.Repeat("ä", 300),
	} {
		text := tickets[:strings.Index(tickets, "    request: |")] + "    request: '" + expression + "'\n" +
			tickets[strings.Index(tickets, "    result: "):]
		_, err := decode(t, text).Capabilities[0].Request(t.Context(), provider.Input{Text: "printer"})
		e, ok := errors.AsType[*problem.Error](err)
		if !ok || e.Code != problem.Invalid || e.Message != want {
			t.Errorf("%s: %v", expression, err)
		}
	}
}
