package provider_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
)

func TestTheBuiltInManifestsAreCleanAndTheirFixturesReplay(t *testing.T) {
	t.Parallel()
	for _, f := range provider.Lint(catalog.FS) {
		t.Error(f.Error())
	}
}

// complete returns the manifest and fixtures that the documentation teaches.
func complete(t *testing.T) (manifest, fixtures string) {
	t.Helper()
	yaml := blocks(document(t, "adding-a-provider.md"), "yaml")
	return yaml[0], yaml[1]
}

func TestTheLintRefusesWhatAManifestShouldNotGoWithout(t *testing.T) {
	t.Parallel()
	manifest, fixtures := complete(t)
	without := func(text, from, to string) string {
		i := strings.Index(text, from)
		if i < 0 {
			t.Fatalf("there is no %q", from)
		}
		j := strings.Index(text[i+1:], to)
		if to == "" || j < 0 {
			return text[:i]
		}
		return text[:i] + text[i+1+j:]
	}
	for name, c := range map[string]struct{ manifest, fixtures, message string }{
		"description":      {without(manifest, "description", "categories"), fixtures, "description is missing"},
		"categories":       {without(manifest, "categories", "documentation"), fixtures, "categories is missing"},
		"documentation":    {without(manifest, "documentation", "checked"), fixtures, "documentation is missing"},
		"checked":          {without(manifest, "checked", "\nsources"), fixtures, "checked is missing"},
		"sources":          {without(manifest, "sources: [", "\nhosts"), fixtures, "sources is missing"},
		"errors":           {without(manifest, "errors:", "account"), without(fixtures, "- shows: rate_limit", "- shows"), "errors is missing"},
		"probe":            {without(manifest, "probe", "capabilities"), fixtures, "probe is a request"},
		"account":          {without(manifest, "account", "probe"), fixtures, "account is a request"},
		"revoke":           {without(manifest, "revoke", "config:"), fixtures, "revoke is missing"},
		"phrases":          {strings.Replace(manifest, "[ticket, tickets,", "[ticket, Ticket,", 1), fixtures, "at least 8"},
		"fixtures":         {manifest, "", "no fixture shows revoked_token"},
		"probe_bad":        {manifest, without(fixtures, "- shows: probe_bad", "- shows"), "no fixture shows probe_bad"},
		"an account":       {manifest, without(fixtures, "- shows: account", "- shows"), "no fixture shows account"},
		"a rate limit":     {manifest, without(fixtures, "- shows: rate_limit", "- shows"), "no fixture shows rate_limit"},
		"an empty page":    {manifest, without(fixtures, "- shows: list_tickets\n  case", ""), "no fixture shows an empty page"},
		"a second page":    {manifest, without(fixtures, "- shows: list_tickets\n  case", ""), "no fixture shows a second page"},
		"a capability":     {manifest, without(fixtures, "- shows: list_tickets", ""), "no fixture shows list_tickets"},
		"another request":  {manifest, strings.Replace(fixtures, "limit=2&", "limit=3&", 1), "list_tickets: request: want"},
		"another result":   {manifest, strings.Replace(fixtures, "title: Printer", "title: Scanner", 1), "results[0].title"},
		"another datum":    {manifest, strings.Replace(fixtures, "data: { number: 7", "data: { number: 8", 1), "results[0].data.number"},
		"another verdict":  {manifest, strings.Replace(fixtures, "verdict: rejected", "verdict: ok", 1), "verdict: want ok, got rejected"},
		"another wait":     {manifest, strings.Replace(fixtures, "retry_after: 30s", "retry_after: 31s", 1), "retry_after"},
		"another account":  {manifest, strings.Replace(fixtures, "id: u1, name", "id: u2, name", 1), "identity"},
		"another page":     {manifest, strings.Replace(fixtures, "  next: c2", "  next: c3", 1), "next: want c3"},
		"an unknown key":   {manifest, strings.Replace(fixtures, "verdict:", "verdikt:", 1), "verdikt"},
		"nothing it knows": {manifest, strings.Replace(fixtures, "shows: list_tickets", "shows: dance", 1), "dance"},
		"OAuth":            {manifest, strings.Replace(fixtures, "shows: rate_limit", "shows: token", 1), "no auth.oauth2"},
		"a broken file":    {manifest, "- [", ""},
		"a broken twin":    {manifest + "x: 1\n", fixtures, "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings := provider.Lint(fstest.MapFS{
				"tickets.yaml": {Data: []byte(c.manifest)}, "tickets.fixtures.yaml": {Data: []byte(c.fixtures)},
			})
			if !slices.ContainsFunc(findings, func(f provider.Finding) bool {
				return strings.Contains(f.Message, c.message) && strings.HasPrefix(f.File, "tickets.")
			}) {
				t.Errorf("want %q in %v", c.message, findings)
			}
		})
	}
	if f := provider.Lint(fstest.MapFS{"tickets.yaml": {Data: []byte(manifest)}}); len(f) != 1 || f[0].Message != "there are no fixtures" {
		t.Errorf("without a file of fixtures: %v", f)
	}
}

// write is a capability that changes something, for the end of the documented manifest.
const write = `
  - name: close_ticket
    description: Close a ticket
    effect: write
    arguments:
      required: [number]
      properties: { number: { type: integer }, note: { type: object, properties: { text: { type: string } } } }
    request: '{ method: "POST", path: "/tickets/\(.arguments.number)/close" }'
    result: custom_record
    results: '{ title: .subject }'
`

func TestTheLintRefusesWhatACapabilityShouldNotGoWithout(t *testing.T) {
	t.Parallel()
	manifest, fixtures := complete(t)
	for name, c := range map[string]struct{ manifest, message string }{
		"more pages":                    {strings.Replace(manifest, "    next: .next_cursor\n", "", 1), "list_tickets has next"},
		"one page and more":             {manifest + "    one_page: No.\n", "list_tickets has next"},
		"a type of an argument":         {manifest + strings.Replace(write, "number: { type: integer }", "number: {}", 1), "the argument number of close_ticket has no type"},
		"a type inside an argument":     {manifest + strings.Replace(write, "text: { type: string }", "text: { description: x }", 1), "the argument note.text of close_ticket has no type"},
		"a type of an argument's items": {manifest + strings.Replace(write, "text: { type: string }", "text: { type: array, items: {} }", 1), "the argument note.text[] of close_ticket has no type"},
		"an argument that is read":      {swap(t, manifest, "limit: .limit,", "limit: .limit, number: .arguments.number,"), "list_tickets reads the argument number, which its arguments do not have"},
		"one that is read later":        {swap(t, manifest, ".tickets[] |", ".tickets[] | select(.number != $in.arguments.without) |"), "list_tickets reads the argument without,"},
		"one that is never read":        {manifest + strings.Replace(write, "number: { type: integer }", "number: { type: integer }, reason: { type: string }", 1), "nothing in close_ticket reads its argument reason"},
		"a type of a read's argument":   {swap(t, manifest, "    request: |", "    arguments: { properties: { cursor: { description: x } } }\n    request: |"), "the argument cursor of list_tickets has no type"},
		"a setting that is read":        {swap(t, manifest, ".config.desk", ".config.desc"), "desc of the config is read, and no config has it"},
		"a setting that is sent":        {swap(t, manifest, ".config.api_key", ".config.key"), "key of the config is read, and no config has it"},
		"arguments":                     {manifest + write[:strings.Index(write, "    arguments")] + write[strings.Index(write, "    request"):], "close_ticket writes and has no arguments"},
		"a fixture of a write":          {manifest + write, "no fixture shows close_ticket"},
		"the source of a sunset":        {manifest + "sunsets: [{ date: 2027-01-31, what: Version 1 ends }]\n", "the sunset of 2027-01-31 has no source"},
	} {
		findings := provider.Lint(fstest.MapFS{
			"tickets.yaml": {Data: []byte(c.manifest)}, "tickets.fixtures.yaml": {Data: []byte(fixtures)},
		})
		if !slices.ContainsFunc(findings, func(f provider.Finding) bool { return strings.Contains(f.Message, c.message) }) {
			t.Errorf("%s: want %q in %v", name, c.message, findings)
		}
	}
}

func TestTheLintLooksAtHowGrantsAreKept(t *testing.T) {
	t.Parallel()
	const kept = "refresh: { rotates: false, margin: 5m, lifetime: 1h }"
	manifest, fixtures := file(t, "gmail.yaml"), file(t, "gmail.fixtures.yaml")
	renewal := fixtures[strings.Index(fixtures, "- shows: refresh"):strings.Index(fixtures, "- shows: revoke\n")]
	without := strings.Replace(fixtures, renewal, "", 1)
	for name, c := range map[string]struct{ manifest, fixtures, message string }{
		"no style of the client":    {swap(t, manifest, "client: post, ", ""), fixtures, "token.client is missing"},
		"no format of what is sent": {swap(t, manifest, ", body: form", ""), fixtures, "token.body is missing"},
		"nothing about PKCE":        {swap(t, manifest, "    pkce: S256\n", ""), fixtures, "pkce is missing"},
		"nothing about rotation":    {strings.Replace(manifest, kept, "refresh: { margin: 5m, lifetime: 1h }", 1), fixtures, "refresh.rotates is missing"},
		"no margin":                 {strings.Replace(manifest, kept, "refresh: { rotates: false }", 1), fixtures, "refresh.margin is missing"},
		"a margin without end":      {strings.Replace(manifest, kept, "refresh: { margin: 1h, lifetime: 1h }", 1), fixtures, "shorter than refresh.lifetime"},
		"renewed and not renewed":   {strings.Replace(manifest, kept, "refresh: { margin: 5m, none: Why. }", 1), fixtures, "or none"},
		"not renewed":               {strings.Replace(manifest, kept, "refresh: { none: Why. }", 1), without, ""},
		"no fixture of a renewal":   {manifest, without, "no fixture shows refresh"},
		"a rate limit that is none": {manifest, swap(t, fixtures, "- shows: rate_limit", "- shows: error"), "no fixture shows rate_limit"},
		"an ended token that works": {manifest, swap(t, fixtures, "- shows: revoked_token\n  answer:\n    status: 401\n", "- shows: revoked_token\n  answer:\n    status: 404\n"), "revoked_token"},
		"no missing scope":          {manifest, swap(t, fixtures, "  verdict: missing_scope", "  verdict: rejected"), "no fixture shows a missing scope"},
		"a default too many":        {swap(t, manifest, "        description: Send mail as you\n", "        description: Send mail as you\n        default: true\n"), fixtures, "the scope gmail.send is a default and no read needs it"},
		"a default too few":         {swap(t, manifest, "        default: true\n", ""), fixtures, "search_messages cannot run with the scopes that are asked for by default"},
		"no scopes":                 {strings.Replace(manifest, "    scopes: [gmail.readonly", "    #", 1), fixtures, "search_messages has no scopes"},
	} {
		var all []string
		for _, f := range provider.Lint(fstest.MapFS{
			"gmail.yaml": {Data: []byte(c.manifest)}, "gmail.fixtures.yaml": {Data: []byte(c.fixtures)},
		}) {
			all = append(all, f.Error())
		}
		if got := strings.Join(all, "\n"); c.message == "" && got != "" || !strings.Contains(got, c.message) {
			t.Errorf("%s: want %q, got %s", name, c.message, got)
		}
	}
}

// swap replaces every old in text and fails the test when there is none.
func swap(t *testing.T, text, old, replacement string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("there is no %q", old)
	}
	return strings.ReplaceAll(text, old, replacement)
}

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := catalog.FS.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSunsetsAreToldByTheirDay(t *testing.T) {
	t.Parallel()
	p := decode(t, tickets+`sunsets:
  - { date: 2027-05-22, what: C ends, source: c }
  - { date: 2027-05-21, what: B ends, source: b }
  - { date: 2026-01-01, what: A has ended, source: a }
`)
	now := time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC)
	var got []string
	for _, s := range p.SunsetsBy(now.AddDate(0, 0, 180)) {
		got = append(got, s.Date)
	}
	if strings.Join(got, " ") != "2026-01-01 2027-05-21" {
		t.Errorf("got %v", got)
	}
	if before := p.SunsetsBy(time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC)); len(before) != 0 {
		t.Errorf("before any: %v", before)
	}
}

func TestADefaultWindowFollowsTheAskersDay(t *testing.T) {
	t.Parallel()
	zurich, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 24, 22, 30, 0, 0, time.UTC) // the 25th in Zurich, when summer time ends
	for rule, want := range map[string][2]string{
		"today..+7d":      {"2026-10-25T00:00:00+02:00", "2026-11-01T00:00:00+01:00"},
		"today..tomorrow": {"2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"},
		"yesterday..now":  {"2026-10-24T00:00:00+02:00", "2026-10-25T00:30:00+02:00"},
		"now..+2h":        {"2026-10-25T00:30:00+02:00", "2026-10-25T02:30:00+02:00"},
		"-30d..":          {"2026-09-25T00:00:00+02:00", ""},
		"..-1w":           {"", "2026-10-18T00:00:00+02:00"},
		"-1m..+1m":        {"2026-09-25T00:00:00+02:00", "2026-11-25T00:00:00+01:00"},
	} {
		w := provider.WindowRule{Default: rule}.At(now, zurich)
		text := func(t *time.Time) string {
			if t == nil {
				return ""
			}
			return t.Format(time.RFC3339)
		}
		if got := [2]string{text(w.Start), text(w.End)}; got != want {
			t.Errorf("%s: want %v, got %v", rule, want, got)
		}
	}
	if w := (provider.WindowRule{}).At(now, zurich); w != nil {
		t.Errorf("no rule made %v", w)
	}
}
