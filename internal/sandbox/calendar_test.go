package sandbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/sandbox"
	"github.com/patchbay/patchbay/internal/seal"
)

// events lists events of the primary calendar; parameters come in pairs.
func (w *world) events(access seal.Secret, pairs ...string) (int, map[string]any) {
	w.t.Helper()
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return w.call(access, calendarBase+"/calendars/primary/events?"+q.Encode())
}

func (w *world) items(access seal.Secret, pairs ...string) []map[string]any {
	w.t.Helper()
	status, doc := w.events(access, pairs...)
	if status != 200 {
		w.t.Fatalf("%v: %d %v", pairs, status, doc)
	}
	list := doc["items"].([]any)
	out := make([]map[string]any, len(list))
	for i, e := range list {
		out[i] = e.(map[string]any)
	}
	return out
}

func summaries(items []map[string]any) []string {
	var out []string
	for _, e := range items {
		out = append(out, e["summary"].(string))
	}
	return out
}

// when returns the beginning and end of an event.
func when(t *testing.T, e map[string]any) (start, end time.Time) {
	t.Helper()
	read := func(key string) time.Time {
		m := e[key].(map[string]any)
		if d, ok := m["date"].(string); ok {
			at, err := time.ParseInLocation(time.DateOnly, d, berlinZone)
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		at, err := time.Parse(time.RFC3339, m["dateTime"].(string))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	return read("start"), read("end")
}

var berlinZone, _ = time.LoadLocation("Europe/Berlin")

func TestEveryDayHasMeetingsForBothAccounts(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	for _, account := range []string{"ada@example.com", "grace@example.com"} {
		tok := w.connect(account, "calendar.readonly")
		for day := range 21 {
			from := time.Date(2026, 11, 22+day, 0, 0, 0, 0, berlinZone)
			items := w.items(tok.Access, "timeMin", from.Format(time.RFC3339),
				"timeMax", from.AddDate(0, 0, 1).Format(time.RFC3339), "singleEvents", "true", "orderBy", "startTime")
			if !slices.ContainsFunc(items, func(e map[string]any) bool { return e["attendees"] != nil }) {
				t.Errorf("%s meets nobody on %s", account, from.Format(time.DateOnly))
			}
		}
	}
}

func TestAnyClockHasAWorldAroundIt(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2026-12-31T23:30:00-08:00",
		"2038-01-19T03:14:08Z", "2100-03-28T01:00:00+14:00"} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		w := start(t, sandbox.Options{Now: func() time.Time { return now }})
		tok := w.connect("ada@example.com", "calendar.readonly", "gmail.readonly")
		tomorrow := now.AddDate(0, 0, 1)
		if got := w.items(tok.Access, "timeMin", tomorrow.Format(time.RFC3339), "timeMax",
			tomorrow.AddDate(0, 0, 1).Format(time.RFC3339), "singleEvents", "true"); len(got) == 0 {
			t.Errorf("%s: nothing tomorrow", at)
		}
		if got := w.search(tok.Access, "from:sarah budget newer_than:14d"); len(got) != 2 {
			t.Errorf("%s: %d mails about the budget in two weeks", at, len(got))
		}
	}
}

func TestAFixedClockGivesFixedEvents(t *testing.T) {
	t.Parallel()
	monday := []string{"timeMin", "2026-11-23T00:00:00+01:00", "timeMax", "2026-11-24T00:00:00+01:00",
		"singleEvents", "true", "orderBy", "startTime"}
	var first []string
	for range 2 {
		w := start(t, sandbox.Options{})
		got := summaries(w.items(w.connect("ada@example.com", "calendar.readonly").Access, monday...))
		if first == nil {
			first = got
		}
		if !slices.Equal(first, got) {
			t.Errorf("%v, then %v", first, got)
		}
	}
	for _, want := range []string{"Budget review", "Team stand-up", "Customer call: Northwind"} {
		if !slices.Contains(first, want) {
			t.Errorf("no %q among %v", want, first)
		}
	}
}

func TestARecurringEventIsOneUntilItIsExpanded(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	week := []string{"timeMin", "2026-11-23T00:00:00+01:00", "timeMax", "2026-11-30T00:00:00+01:00", "q", "stand-up"}
	folded := w.items(tok.Access, week...)
	if len(folded) != 1 || folded[0]["recurrence"] == nil {
		t.Fatalf("folded: %v", folded)
	}
	single := w.items(tok.Access, append(week, "singleEvents", "true")...)
	if len(single) != 5 {
		t.Fatalf("expanded: %v", summaries(single))
	}
	for _, e := range single {
		if e["recurringEventId"] != folded[0]["id"] || e["recurrence"] != nil {
			t.Errorf("instance %v", e)
		}
		status, one := w.call(tok.Access, calendarBase+"/calendars/primary/events/"+e["id"].(string))
		if status != 200 || one["id"] != e["id"] || fmt.Sprint(one["start"]) != fmt.Sprint(e["start"]) {
			t.Errorf("by id: %d %v", status, one)
		}
	}
	if status, one := w.call(tok.Access, calendarBase+"/calendars/primary/events/standup"); status != 200 ||
		one["recurrence"] == nil {
		t.Errorf("the recurring event by id: %d %v", status, one)
	}
}

func TestTimesAreShownInTheZoneThatWasAskedFor(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	for zone, want := range map[string]string{
		"": "2026-11-23T15:30:00+01:00", "UTC": "2026-11-23T14:30:00Z", "Asia/Tokyo": "2026-11-23T23:30:00+09:00",
	} {
		pairs := []string{"timeMin", "2026-11-23T00:00:00Z", "timeMax", "2026-11-24T00:00:00Z", "singleEvents", "true",
			"q", "stand-up"}
		if zone != "" {
			pairs = append(pairs, "timeZone", zone)
		}
		if got := w.items(tok.Access, pairs...)[0]["start"].(map[string]any); got["dateTime"] != want ||
			got["timeZone"] != "Europe/Berlin" {
			t.Errorf("%q: %v", zone, got)
		}
	}
	// Summer time ended on 25 October: the clock on the wall did not move.
	for day, want := range map[string]string{"2026-10-23": "13:30:00Z", "2026-10-26": "14:30:00Z"} {
		got := w.items(tok.Access, "timeMin", day+"T00:00:00Z", "timeMax", day+"T23:00:00Z", "singleEvents", "true",
			"q", "stand-up", "timeZone", "UTC")[0]["start"].(map[string]any)
		if got["dateTime"] != day+"T"+want {
			t.Errorf("%s: %v", day, got)
		}
	}
}

func TestAnAllDayEventHasDatesAndAnExclusiveEnd(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	items := w.items(tok.Access, "timeMin", "2026-12-18T00:00:00Z", "timeMax", "2026-12-19T00:00:00Z",
		"singleEvents", "true", "q", "off-site")
	if len(items) != 1 {
		t.Fatalf("got %v", summaries(items))
	}
	from, to := items[0]["start"].(map[string]any), items[0]["end"].(map[string]any)
	if from["date"] != "2026-12-18" || to["date"] != "2026-12-20" || from["dateTime"] != nil {
		t.Errorf("from %v to %v", from, to)
	}
}

func TestFieldsCutAnAnswer(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	_, doc := w.call(tok.Access, calendarBase+"/users/me/calendarList?maxResults=1&fields=kind")
	if fmt.Sprint(doc) != "map[kind:calendar#calendarList]" {
		t.Errorf("the probe gave %v", doc)
	}
	_, doc = w.events(tok.Access, "timeMin", "2026-11-23T00:00:00Z", "timeMax", "2026-11-24T00:00:00Z", "q", "stand-up",
		"singleEvents", "true", "fields", "items(summary,start/dateTime,attendees(email)),timeZone")
	item := doc["items"].([]any)[0].(map[string]any)
	if len(doc) != 2 || len(item) != 3 || len(item["start"].(map[string]any)) != 1 ||
		len(item["attendees"].([]any)[0].(map[string]any)) != 1 {
		t.Errorf("got %v", doc)
	}
	for selection, want := range map[string]string{
		"*":                  "map[id:timezone kind:calendar#setting value:Europe/Berlin]",
		"id,id":              "map[id:timezone]",
		"id/deeper,none(of)": "map[id:timezone]",
	} {
		_, doc := w.call(tok.Access, calendarBase+"/users/me/settings/timezone?fields="+url.QueryEscape(selection))
		delete(doc, "etag")
		if fmt.Sprint(doc) != want {
			t.Errorf("%s gave %v", selection, doc)
		}
	}
	_, doc = w.events(tok.Access, "q", "stand-up", "fields", "items(id),items/start(dateTime),items(start/timeZone)")
	if item := doc["items"].([]any)[0].(map[string]any); len(item) != 2 || len(item["start"].(map[string]any)) != 2 {
		t.Errorf("merged: %v", item)
	}
}

func TestFreeBusyMergesWhatKeepsPeopleBusy(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.freebusy")
	body := `{"timeMin":"2026-11-23T00:00:00Z","timeMax":"2026-11-24T00:00:00Z","timeZone":"Europe/Berlin",
		"items":[{"id":"primary"},{"id":"grace@example.com"},{"id":"nobody@example.com"}]}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, calendarBase+"/freeBusy", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+tok.Access.Reveal())
	res, err := w.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var doc struct {
		Calendars map[string]struct {
			Busy   []struct{ Start, End time.Time }
			Errors []struct{ Reason string }
		}
	}
	decode(t, res.Body, &doc)
	for _, id := range []string{"primary", "grace@example.com"} {
		spans := doc.Calendars[id].Busy
		if len(spans) == 0 {
			t.Errorf("%s is free all Monday", id)
		}
		for i, s := range spans {
			if !s.Start.Before(s.End) || i > 0 && !spans[i-1].End.Before(s.Start) {
				t.Errorf("%s: spans %v", id, spans)
			}
		}
	}
	if e := doc.Calendars["nobody@example.com"].Errors; len(e) != 1 || e[0].Reason != "notFound" {
		t.Errorf("a stranger: %v", e)
	}
	// The scope is for times alone.
	if status, doc := w.call(tok.Access, calendarBase+"/users/me/calendarList"); status != 403 ||
		reason(doc) != "insufficientPermissions" {
		t.Errorf("got %d %v", status, doc)
	}
}

func TestTheSharedCalendarIsReachedByItsId(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("grace@example.com", "calendar.readonly")
	_, doc := w.call(tok.Access, calendarBase+"/users/me/calendarList")
	items := doc["items"].([]any)
	if len(items) != 2 || items[0].(map[string]any)["primary"] != true {
		t.Fatalf("calendars %v", items)
	}
	id := items[1].(map[string]any)["id"].(string)
	status, doc := w.call(tok.Access, calendarBase+"/calendars/"+url.PathEscape(id)+
		"/events?singleEvents=true&timeMin=2026-11-26T00:00:00Z&timeMax=2026-11-26T01:00:00Z")
	if list, _ := doc["items"].([]any); status != 200 || len(list) != 1 {
		t.Errorf("%d %v", status, doc)
	}
}
