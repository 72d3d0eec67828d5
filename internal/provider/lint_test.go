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
