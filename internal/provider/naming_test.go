package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/patchbay/patchbay/internal/provider"
)

// agents is the small manifest with names: those of agents one by one, and those of desks all at once.
var agents = strings.Replace(tickets, "    request: |\n", `    names:
      - request: '.tickets[]? | .agent | select(. != "me") | if . == null then null else { path: "/agents/\(.)" } end'
        found: '.agents[]? | { (.id): .name }'
      - request: '{ method: "POST", path: "/desks", body: { all: (.tickets | length) } }'
        found: '{ "\(.id)": $in.text }'
    request: |
`, 1)

func answer(body string) provider.Response { return provider.Response{Status: 200, Body: []byte(body)} }

func TestEveryNameIsAskedForOnceAndTenAtMost(t *testing.T) {
	t.Parallel()
	c := decode(t, agents).Capabilities[0]
	many := make([]string, 30)
	for i := range many {
		many[i] = fmt.Sprintf(`{"agent":"a%d"}`, i)
	}
	for name, x := range map[string]struct {
		answers []provider.Response
		want    string
		faulty  bool
	}{
		"nothing came":   {nil, "[]", false},
		"nobody":         {[]provider.Response{answer(`{"tickets":[{"agent":null},{"agent":"me"}]}`)}, "[POST desks]", false},
		"twice the same": {[]provider.Response{answer(`{"tickets":[{"agent":"b"},{"agent":"a"},{"agent":"b"}]}`), answer(`{"tickets":[{"agent":"a"},{},{}]}`)}, "[GET b GET a POST desks]", false},
		"other bodies":   {[]provider.Response{answer(`{"tickets":[{}]}`), answer(`{"tickets":[{},{}]}`)}, "[POST desks POST desks]", false},
		"a strange one":  {[]provider.Response{answer(`{"tickets":[7]}`), answer(`{"tickets":[{"agent":"a"}]}`)}, "[GET a POST desks]", true},
		"no JSON":        {[]provider.Response{answer(`<html>`)}, "[]", true},
		"very many":      {[]provider.Response{answer(`{"tickets":[` + strings.Join(many, ",") + `]}`)}, "[GET a0 GET a1 GET a2 GET a3 GET a4 GET a5 GET a6 GET a7 GET a8 GET a9]", false},
	} {
		all, err := c.Inquiries(t.Context(), provider.Input{}, x.answers, nil)
		got := []string{}
		for _, q := range all {
			for _, r := range q.Requests {
				got = append(got, r.Method+r.URL[strings.LastIndex(r.URL, "/"):])
			}
		}
		if said := strings.ReplaceAll(fmt.Sprint(got), "/", " "); said != x.want || (err != nil) != x.faulty {
			t.Errorf("%s: %s, %v", name, said, err)
		}
	}
}

func TestANameIsTextByAnId(t *testing.T) {
	t.Parallel()
	c := decode(t, agents).Capabilities[0]
	all, err := c.Inquiries(t.Context(), provider.Input{}, []provider.Response{answer(`{"tickets":[{"agent":"a"}]}`)}, nil)
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	for body, want := range map[string]string{
		`{"agents":[{"id":"a","name":"Ann"},{"id":"b","name":"Bo"}]}`:                               "map[a:Ann b:Bo]",
		`{"agents":[{"id":"a","name":7},{"id":"b"},{"id":"c","name":" "},{"id":"d","name":["x"]}]}`: "map[]",
		`{"agents":null}`:           "map[]",
		`{"agents":[{"name":"?"}]}`: "an error",
		`[]`:                        "an error",
		``:                          "an error",
	} {
		names, err := all[0].Read(t.Context(), provider.Input{}, answer(body))
		got := fmt.Sprint(names)
		if err != nil {
			got = "an error"
		}
		if got != want {
			t.Errorf("%s: %s, %v", body, got, err)
		}
	}
	if names, err := all[1].Read(t.Context(), provider.Input{Text: "Front desk"}, answer(`{"id":7}`)); names["7"] != "Front desk" {
		t.Errorf("%v, %v", names, err)
	}
}

func TestNamesAreInTheDocumentOfResults(t *testing.T) {
	t.Parallel()
	c := decode(t, strings.Replace(agents, "title: .subject", "title: ($in.names[.agent] // .agent)", 1)).Capabilities[0]
	page, err := c.Map(t.Context(), provider.Input{Names: map[string]string{"a": "Ann"}}, answer(`{"tickets":[{"agent":"a"},{"agent":"b"}]}`))
	if err != nil || len(page.Results) != 2 || page.Results[0].Title != "Ann" || page.Results[1].Title != "b" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestNamesThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"no request": {strings.Replace(agents, "      - request: '{ method", "      - x: '{ method", 1), "unknown field"},
		"no found":   {strings.Replace(agents, "        found: '.agents[]? | { (.id): .name }'\n", "", 1), "each of the names has a request and found"},
		"a write":    {strings.Replace(agents, "effect: read", "effect: write", 1), "names are for reads without each"},
		"a scope": {strings.Replace(agents, "      - request: '{ method", "      - scopes: [people]\n        request: '{ method", 1),
			`scope "people" is not among auth.oauth2.scopes`},
	} {
		_, findings := provider.Decode("tickets.yaml", []byte(c.text))
		if len(findings) == 0 || !strings.Contains(fmt.Sprint(findings), c.want) {
			t.Errorf("%s: %v", name, findings)
		}
	}
}

func TestFixturesOfNames(t *testing.T) {
	t.Parallel()
	manifest, fixtures := complete(t)
	manifest = strings.Replace(manifest, "    request: |\n", `    names:
      - request: '.tickets[] | { path: "/agents/\(.number)" }, { path: "/agents/0" }'
        found: '{ "7": .name }'
    request: |
`, 1)
	manifest = strings.Replace(manifest, "title: .subject", `title: ($in.names["7"] // .subject)`, 1)
	exchange := func(number, answer string) string {
		return `{ request: "GET https://api.tickets.example/v1/agents/` + number + `", answer: ` + answer + ` }`
	}
	with := func(title string, all ...string) string {
		return strings.Replace(strings.Replace(fixtures, "  results:\n", "  names: ["+strings.Join(all, ", ")+"]\n  results:\n", 1),
			"title: Printer, content", "title: "+title+", content", 1)
	}
	found := exchange("7", `{ body: { name: Ann } }`)
	for name, c := range map[string]struct{ fixtures, message string }{
		"all is well":          {with("Ann", found, exchange("0", `{ body: {} }`)), ""},
		"one is not there":     {with("Ann", found, exchange("0", `{ status: 404 }`)), ""},
		"the first is refused": {with("Printer", exchange("7", `{ status: 500 }`)), ""},
		"another name":         {with("Bo", found, exchange("0", `{ body: {} }`)), "want Bo, got Ann"},
		"another request":      {with("Ann", exchange("8", `{ body: { name: Ann } }`), found), "names[0]: request: want"},
		"one too few":          {with("Ann", found), "names: 1 exchanges are described, and then comes GET https://api.tickets.example/v1/agents/0"},
		"one too many":         {with("Ann", found, exchange("0", `{ body: {} }`), found), "names: 3 exchanges are described, 2 are needed"},
		"none":                 {fixtures, "no fixture shows the names of list_tickets"},
		"an odd answer":        {with("Ann", exchange("7", `{ body: [1] }`)), "names[0]: "},
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
}
