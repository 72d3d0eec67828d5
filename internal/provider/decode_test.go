package provider_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
)

// tickets is a small manifest that tests change.
const tickets = `name: tickets
title: Tickets
description: A small desk.
categories: [support]
checked: 2026-11-22
sources: [https://tickets.example/docs]
hosts: [api.tickets.example]
auth:
  api_key:
    revoke: Delete the key under Settings, API.
    config:
      required: [api_key]
      properties: { api_key: { type: string, writeOnly: true, minLength: 8, maxLength: 200 } }
  send: '{ headers: { "X-Api-Key": .config.api_key } }'
base_url: https://api.tickets.example/v1
config:
  properties: { desk: { type: string, default: main, maxLength: 40 } }
errors:
  - { when: .status == 402, is: failed, message: The plan has ended. }
account: { get: /me, id: .id, name: .name }
probe: { get: /me, every: 15m }
capabilities:
  - name: list_tickets
    description: Open tickets
    effect: read
    phrases: [ticket, tickets, open tickets, desk, support, issue, issues, queue]
    request: |
      { method: "GET",
        path: "/desks/\(.config.desk | @uri)/tickets", query: { limit, page } }
    result: custom_record
    results: '.tickets[] | { title: .subject, content: .text, url: .link, data: . }'
    next: .next
`

func decode(t *testing.T, text string) *provider.Provider {
	t.Helper()
	p, findings := provider.Decode("tickets.yaml", []byte(text))
	for _, f := range findings {
		t.Fatal(f.Error())
	}
	return p
}

func TestFaultsOfAManifestNameTheirLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, new string
		line     int
		message  string
	}{
		"an unknown key":                     {"title: Tickets", "titel: Tickets", 2, "titel"},
		"an unknown key far inside":          {"every: 15m", "often: 15m", 21, "often"},
		"a repeated key":                     {"title: Tickets", "title: Tickets\ntitle: Again", 3, "title"},
		"a wrong type":                       {"categories: [support]", "categories: { a: b }", 4, "sequence is expected"},
		"a bad duration":                     {"every: 15m", "every: often", 0, "often"},
		"YAML that is none":                  {"sources: [", "sources: [[", 7, "must be specified"},
		"jq that is none":                    {"id: .id", "id: '.id |'", 20, "jq: "},
		"jq that is none, in a block":        {`path: "/desks`, `path "/desks`, 29, "jq: "},
		"a jq function that does not exist":  {"next: .next", "next: .next | nonsense", 32, "nonsense is not available"},
		"a jq variable that does not exist":  {"next: .next", "next: $secret", 32, "$secret"},
		"the environment":                    {"next: .next", "next: $ENV.HOME", 32, "$ENV"},
		"a name unlike the file's":           {"name: tickets", "name: ticket", 1, "as the file is called"},
		"an unknown category":                {"[support]", "[support, toys]", 4, "toys"},
		"a date that is none":                {"2026-11-22", "soon", 5, "date"},
		"a host with a path":                 {"hosts: [api.tickets.example]", "hosts: [api.tickets.example/v1]", 7, "host"},
		"a base outside the hosts":           {"base_url: https://api.", "base_url: https://www.", 15, "among hosts"},
		"a base without TLS":                 {"base_url: https:", "base_url: http:", 15, "https"},
		"a base with a password":             {"base_url: https://", "base_url: https://a:b@", 15, "https"},
		"an unknown verdict":                 {"is: failed", "is: sad", 19, "is: one of"},
		"an unknown kind of result":          {"result: custom_record", "result: song", 30, "song"},
		"an unknown effect":                  {"effect: read", "effect: look", 25, "read or write"},
		"a scope that is not offered":        {"effect: read", "effect: read\n    scopes: [all]", 26, "all"},
		"a window that is none":              {"effect: read", "effect: read\n    window: { default: today-tomorrow }", 26, "window"},
		"no way in":                          {"auth:\n  api_key:", "auth:\n  oauth3:", 9, "oauth3"},
		"a schema that is none":              {"type: string, default: main", "type: words, default: main", 17, "JSON Schema"},
		"a secret that is no text":           {"{ type: string, writeOnly: true", "{ type: integer, writeOnly: true", 17, "writeOnly"},
		"a probe without a rhythm":           {"get: /me, every: 15m", "get: /me", 21, "every"},
		"a schema that would fetch another":  {"type: string, default: main", `"$ref": "file:///etc/passwd"`, 17, "JSON Schema"},
		"nesting that never ends":            {"sources: [", "sources: " + strings.Repeat("[", 1000), 6, "nests deeper"},
		"aliases that multiply":              {"sources: [https", "sunsets: &a [*b]\nsources: [https", 6, "alias"},
		"a request that is missing":          {"probe: {", "configured: { property: x, effect: read, result: custom_record, results: .a }\nprobe: {", 21, "request is missing"},
		"results that are missing":           {"    results: '.tickets[]", "    items: '.tickets[]", 23, "results is missing"},
		"two capabilities of the same name":  {"capabilities:", "capabilities:\n  - { name: list_tickets, effect: read, request: ., result: custom_record, results: . }", 24, "name of its own"},
		"an empty capability":                {"capabilities:", "capabilities:\n  -", 23, "empty"},
		"another name of no config property": {"errors:", "aliases: { team: group }\nerrors:", 18, "team"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(tickets, c.old, c.new, 1)
			if text == tickets {
				t.Fatalf("the manifest has no %q", c.old)
			}
			p, findings := provider.Decode("tickets.yaml", []byte(text))
			if p != nil || len(findings) == 0 {
				t.Fatal("the manifest was taken")
			}
			f := findings[0]
			if f.File != "tickets.yaml" || f.Line != c.line || !strings.Contains(f.Message, c.message) {
				t.Errorf("want line %d: …%s…, got %s", c.line, c.message, f.Error())
			}
		})
	}
}

func TestLoadReportsTheFaultsOfEveryFile(t *testing.T) {
	t.Parallel()
	_, err := provider.Load(fstest.MapFS{
		"a.yaml": {Data: []byte("name: a\nbad: 1\n")},
		"b.yaml": {Data: []byte("")},
		"c.yaml": {Data: []byte("name: " + strings.Repeat("x", 1<<20))},
	})
	for _, want := range []string{"a.yaml:2:", "b.yaml:", "c.yaml: the manifest is larger"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in %v", want, err)
		}
	}
}

func TestAnOperatorsManifestReplacesTheBuiltInOne(t *testing.T) {
	t.Parallel()
	text, err := catalog.FS.ReadFile("google_calendar.yaml")
	if err != nil {
		t.Fatal(err)
	}
	local := string(text)
	for _, host := range []string{"https://www.googleapis.com/calendar", "https://accounts.google.com", "https://oauth2.googleapis.com"} {
		local = strings.ReplaceAll(local, host, "http://127.0.0.1:4000")
	}
	local = strings.Replace(local, "hosts: [www.googleapis.com]", "hosts: [127.0.0.1]", 1)
	operator := fstest.MapFS{
		"google_calendar.yaml": {Data: []byte(local)},
		"tickets.yaml":         {Data: []byte(tickets)},
		"README.md":            {Data: []byte("not a manifest")},
	}
	c, err := provider.Load(catalog.FS, operator)
	if err != nil {
		t.Fatal(err)
	}
	builtIn, err := provider.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Get("tickets"); !ok || len(c.All()) != len(builtIn.All())+1 {
		t.Errorf("the catalog holds %d providers and, besides, tickets: %t", len(c.All()), ok)
	}
	p, _ := c.Get("google_calendar")
	r, err := p.Probe.NewRequest(t.Context(), provider.Input{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "GET http://127.0.0.1:4000/v3/users/me/calendarList?maxResults=1&fields=kind"; r.Summary() != want {
		t.Errorf("want %s, got %s", want, r.Summary())
	}
	if _, ok := c.Get("nobody"); ok {
		t.Error("a provider that nobody described was found")
	}
}
