package provider_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
)

func builtin(t testing.TB, name string) *provider.Provider {
	t.Helper()
	c, err := provider.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := c.Get(name)
	if !ok {
		t.Fatalf("there is no %s", name)
	}
	return p
}

func capability(t testing.TB, p *provider.Provider, name string) *provider.Capability {
	t.Helper()
	for _, c := range p.CapabilitiesFor(nil, nil) {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("%s has no %s", p.Name, name)
	return nil
}

func TestAnswersThatAreNoDataAreTheProvidersFailureInWords(t *testing.T) {
	t.Parallel()
	list := capability(t, builtin(t, "google_calendar"), "list_events")
	for name, c := range map[string]struct{ body, words string }{
		"HTML":               {"<!DOCTYPE html><html><body>Down</body></html>", "a web page"},
		"HTML after a space": {" \n<html>", "a web page"},
		"nothing":            {"", "with nothing"},
		"white space":        {" \n ", "with nothing"},
		"a part":             {`{"items":[{"summary":"x"`, "not JSON"},
		"two values":         {`{"items":[]}{"items":[]}`, "not JSON"},
		"text":               {"OK", "not JSON"},
		"a byte order mark":  {"\ufeff{}", "not JSON"},
		"a list":             {`[1,2,3]`, "not understood"},
		"a number":           {`7`, "not understood"},
		"items of a number":  {`{"items":7}`, "not understood"},
		"items of text":      {`{"items":"none"}`, "not understood"},
		"no items at all":    {`{"hello":"world"}`, "not understood"},
		"endless nesting":    {strings.Repeat(`[`, 100_000), "too deep"},
		"deep nesting":       {strings.Repeat(`{"items":`, 70) + "1" + strings.Repeat(`}`, 70), "too deep"},
		"too much":           {`{"items":["` + strings.Repeat("x", 9<<20) + `"]}`, "more than can be read"},
		"too many values":    {`{"items":[` + strings.Repeat(`[],`, 500_000) + `[]]}`, "more than can be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := list.Map(t.Context(), provider.Input{}, provider.Response{Status: 200, Body: []byte(c.body)})
			if c.words == "" {
				if err != nil || len(page.Results) != 0 {
					t.Errorf("want an empty page, got %v, %v", page, err)
				}
				return
			}
			e := problem.All(err)
			if len(e) != 1 || e[0].Code != problem.ProviderFailed || e[0].Provider != "google_calendar" || e[0].HTTPStatus != 200 {
				t.Fatalf("want one provider failure, got %v", err)
			}
			if !strings.Contains(e[0].Message, c.words) {
				t.Errorf("want %q in %q", c.words, e[0].Message)
			}
		})
	}
}

func TestAnOddFieldFailsNothing(t *testing.T) {
	t.Parallel()
	list := capability(t, builtin(t, "google_calendar"), "list_events")
	body := `{"items":[null, 7, "x", [], {}, {"start":"soon","end":null,"attendees":"many","summary":null},
		{"summary":7,"start":{"dateTime":"not a time"},"end":{"date":"2026-01-01"},"organizer":"me","attendees":[null,1,{"email":null}]},
		{"summary":"\ud800 half","htmlLink":"javascript:alert(1)","start":{"date":"2026-02-30"}},
		{"summary":"One day","start":{"date":"2026-02-28"},"end":{"date":"2026-02-28"}},
		{"summary":"Two days","start":{"date":"2026-02-28"},"end":{"date":"2026-03-02"}}]}`
	page, err := list.Map(t.Context(), provider.Input{}, provider.Response{Status: 200, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range page.Results {
		got = append(got, fmt.Sprintf("%s|%v|%v|%v|%s", r.Title, r.Fields["allDay"], r.Fields["startDate"], r.Fields["endDate"], r.URL))
	}
	want := []string{
		"(no title)|false|<nil>|<nil>|", "(no title)|false|<nil>|<nil>|", "7|false|<nil>|<nil>|", "\ufffd half|false|<nil>|<nil>|",
		"One day|true|2026-02-28|2026-02-28|", "Two days|true|2026-02-28|2026-03-01|",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTimesComeInEveryForm(t *testing.T) {
	t.Parallel()
	text := strings.Replace(strings.Replace(tickets, "result: custom_record", "result: email_message", 1), "content: .text",
		"sent_at: .at, from: .from, to: .to, time_zone: .zone, unread: .unread", 1)
	p := decode(t, text)
	for body, want := range map[string]any{
		`{"at":"2026-11-22T10:00:00+01:00"}`:                        "2026-11-22T09:00:00Z",
		`{"at":"2026-11-22T10:00:00.123456Z"}`:                      "2026-11-22T10:00:00.123456Z",
		`{"at":"2026-07-01T10:00:00","zone":"Europe/Zurich"}`:       "2026-07-01T08:00:00Z",
		`{"at":"2026-07-01T10:00:00.0000000","zone":"Nowhere/Far"}`: "2026-07-01T10:00:00Z",
		`{"at":"1795341600000"}`:                                    "2026-11-22T10:00:00Z",
		`{"at":1795341600}`:                                         "2026-11-22T10:00:00Z",
		`{"at":"1795341600.000200"}`:                                "2026-11-22T10:00:00.0002Z",
		`{"at":"yesterday"}`:                                        nil,
		`{"at":true}`:                                               nil,
		`{"at":{}}`:                                                 nil,
		`{"at":null}`:                                               nil,
		`{"at":1e300}`:                                              nil,
		`{"at":"0001-01-01T00:00:00Z"}`:                             nil,
		`{"at":"9999-12-31T23:59:59-01:00"}`:                        nil,
		`{"at":270000000000}`:                                       nil,
		`{"at":99999999999999999999999999}`:                         nil,
	} {
		page, err := p.Capabilities[0].Map(t.Context(), provider.Input{},
			provider.Response{Status: 200, Body: []byte(`{"tickets":[` + body + `]}`)})
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if at, ok := page.Results[0].Fields["sentAt"].(time.Time); ok {
			got = at.UTC().Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%s: want %v, got %v", body, want, got)
		}
	}
}

func TestDataIsWhatTheManifestMaps(t *testing.T) {
	t.Parallel()
	p := decode(t, tickets)
	body := `{"tickets":[{"subject":"Printer","text":"` + strings.Repeat("ä", 200_000) + `","link":"https://x.example/1","id":12345678901234567890}],"next":7}`
	page, err := p.Capabilities[0].Map(t.Context(), provider.Input{}, provider.Response{Status: 200, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	r := page.Results[0]
	if r.Title != "Printer" || r.URL != "https://x.example/1" || page.Next != "7" || len(r.Content) > 257<<10 {
		t.Errorf("got %q %q %q and %d bytes", r.Title, r.URL, page.Next, len(r.Content))
	}
	if text, err := json.Marshal(r.Data["id"]); err != nil || string(text) != "12345678901234567890" {
		t.Errorf("a large number became %s (%v)", text, err)
	}
}

func TestLinesEndInOneWay(t *testing.T) {
	t.Parallel()
	list := capability(t, builtin(t, "google_calendar"), "list_events")
	page, err := list.Map(t.Context(), provider.Input{}, provider.Response{Status: 200, Body: []byte(
		`{"items":[{"id":"1","summary":"x","description":"one\r\ntwo\nthree\rfour"}]}`)})
	if err != nil || len(page.Results) != 1 || page.Results[0].Content != "one\ntwo\nthree\rfour" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestOfAVeryLongListTheFirstThousandAreRead(t *testing.T) {
	t.Parallel()
	body := `{"tickets":[` + strings.TrimSuffix(strings.Repeat(`{"subject":"x"},`, 1500), ",") + `]}`
	page, err := decode(t, tickets).Capabilities[0].Map(t.Context(), provider.Input{},
		provider.Response{Status: 200, Body: []byte(body)})
	if err != nil || len(page.Results) != 1000 {
		t.Errorf("%d results, %v", len(page.Results), err)
	}
}
