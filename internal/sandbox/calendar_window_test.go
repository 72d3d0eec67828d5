package sandbox_test

import (
	"slices"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/sandbox"
)

func TestTheWindowBoundsEndsAndStartsBothExclusive(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	// The stand-up on Monday is from 15:30 to 15:45 in Berlin.
	has := func(timeMin, timeMax string) bool {
		items := w.items(tok.Access, "timeMin", timeMin, "timeMax", timeMax, "singleEvents", "true", "q", "stand-up")
		return len(items) > 0
	}
	for _, c := range []struct {
		min, max string
		want     bool
	}{
		{"2026-11-23T15:00:00+01:00", "2026-11-23T16:00:00+01:00", true},
		{"2026-11-23T14:40:00Z", "2026-11-23T14:41:00Z", true},
		{"2026-11-23T15:45:00+01:00", "2026-11-23T18:00:00+01:00", false},
		{"2026-11-23T15:44:59+01:00", "2026-11-23T18:00:00+01:00", true},
		{"2026-11-23T12:00:00+01:00", "2026-11-23T15:30:00+01:00", false},
		{"2026-11-23T12:00:00+01:00", "2026-11-23T15:30:01+01:00", true},
	} {
		if got := has(c.min, c.max); got != c.want {
			t.Errorf("%s to %s: %v", c.min, c.max, got)
		}
	}
	// The release window of Tuesday night reaches into Wednesday.
	wednesday := w.items(tok.Access, "timeMin", "2026-11-25T00:00:00+01:00", "timeMax", "2026-11-25T01:00:00+01:00",
		"singleEvents", "true")
	if got := summaries(wednesday); !slices.Contains(got, "Release window") {
		t.Errorf("after midnight: %v", got)
	}
	for _, e := range w.items(tok.Access, "timeMin", "2026-11-16T00:00:00Z", "timeMax", "2026-12-07T00:00:00Z",
		"singleEvents", "true") {
		from, to := when(t, e)
		if !to.After(sunday.Truncate(24*time.Hour).AddDate(0, 0, -6)) ||
			!from.Before(sunday.Truncate(24*time.Hour).AddDate(0, 0, 15)) {
			t.Errorf("%v from %s to %s is outside", e["summary"], from, to)
		}
	}
}

func TestWhatEventsListDoesNotTake(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	for _, c := range []struct {
		pairs  []string
		reason string
	}{
		{[]string{"timeMin", "2026-11-23T00:00:00"}, "badRequest"},
		{[]string{"timeMax", "2026-11-23"}, "badRequest"},
		{[]string{"timeMin", "2026-11-23T00:00:00 01:00"}, "badRequest"}, // a plus sign that was not escaped
		{[]string{"timeMin", "tomorrow"}, "badRequest"},
		{[]string{"timeMin", "2026-11-24T00:00:00Z", "timeMax", "2026-11-23T00:00:00Z"}, "timeRangeEmpty"},
		{[]string{"orderBy", "startTime"}, "badRequest"},
		{[]string{"orderBy", "summary", "singleEvents", "true"}, "badRequest"},
		{[]string{"maxResults", "0"}, "badRequest"},
		{[]string{"maxResults", "many"}, "badRequest"},
		{[]string{"pageToken", "guess"}, "badRequest"},
		{[]string{"timeZone", "Middle/Earth"}, "badRequest"},
		{[]string{"fields", "items("}, "badRequest"},
	} {
		if status, doc := w.events(tok.Access, c.pairs...); status != 400 || reason(doc) != c.reason {
			t.Errorf("%v: %d %v", c.pairs, status, doc)
		}
	}
	for _, path := range []string{"/calendars/nobody@example.com/events", "/calendars/grace@example.com/events",
		"/calendars/primary/events/nothing", "/users/me/calendarList/nothing", "/elsewhere"} {
		if status, doc := w.call(tok.Access, calendarBase+path); status != 404 || reason(doc) != "notFound" {
			t.Errorf("%s: %d %v", path, status, doc)
		}
	}
}

func TestEventsArePagedInOrder(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	window := []string{"timeMin", "2026-11-16T00:00:00Z", "timeMax", "2026-11-30T00:00:00Z", "singleEvents", "true",
		"orderBy", "startTime"}
	all := w.items(tok.Access, window...)
	var paged []map[string]any
	token := ""
	for page := 0; page == 0 || token != ""; page++ {
		_, doc := w.events(tok.Access, append(slices.Clone(window), "maxResults", "7", "pageToken", token)...)
		for _, e := range doc["items"].([]any) {
			paged = append(paged, e.(map[string]any))
		}
		token, _ = doc["nextPageToken"].(string)
	}
	if len(all) < 20 || !slices.Equal(summaries(all), summaries(paged)) {
		t.Errorf("%d events at once, %d by pages", len(all), len(paged))
	}
	if !slices.IsSortedFunc(all, func(a, b map[string]any) int {
		x, _ := when(t, a)
		y, _ := when(t, b)
		return x.Compare(y)
	}) {
		t.Error("not in the order of beginnings")
	}
	_, doc := w.events(tok.Access, append(slices.Clone(window), "maxResults", "7")...)
	if status, _ := w.events(tok.Access, "q", "budget", "pageToken", doc["nextPageToken"].(string)); status != 400 {
		t.Errorf("a page token of another query gave %d", status)
	}
}

func TestSearchLooksAtTextPlaceAndPeople(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	for q, want := range map[string]string{
		"BUDGET": "Budget review", "noether": "Design review", "okafor": "Customer call: Northwind",
		"ken.tanaka@tokyo.example.com": "Tokyo office call", "sarah numbers": "Budget review", "hamburg": "Team off-site",
	} {
		got := summaries(w.items(tok.Access, "timeMin", "2026-11-16T00:00:00Z", "timeMax", "2026-11-30T00:00:00Z",
			"singleEvents", "true", "q", q))
		if !slices.Contains(got, want) {
			t.Errorf("%q found %v", q, got)
		}
	}
	if got := w.items(tok.Access, "singleEvents", "true", "q", "zebra"); len(got) != 0 {
		t.Errorf("found %v", summaries(got))
	}
}
