package provider_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
)

func everything(t testing.TB) []*provider.Provider {
	t.Helper()
	c, err := provider.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	return c.All()
}

// answersOf returns every answer in a provider's fixtures.
func answersOf(t testing.TB, p *provider.Provider) []provider.Answer {
	t.Helper()
	fixtures, findings := provider.Fixtures(catalog.FS, p.Name)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	var out []provider.Answer
	for _, f := range fixtures {
		out = append(out, f.Answer)
		for _, one := range append(f.Lookup, f.Each...) {
			out = append(out, one.Answer)
		}
	}
	return out
}

func bodyOf(t testing.TB, a provider.Answer) []byte {
	t.Helper()
	if a.Body == nil {
		return []byte(a.Text)
	}
	body, err := json.Marshal(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(tickets))
	for _, s := range []string{"", "name: [", "a: &a [*a]", "name: x\nauth: { none: {} }", "capabilities: [null]", "? ", "---\n---\n", "\x00",
		"capabilities:\n  - name:\n    phrases: !tag\n0"} {
		f.Add([]byte(s))
	}
	for _, p := range everything(f) {
		text, err := catalog.FS.ReadFile(p.Name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, findings := provider.Decode("tickets.yaml", text)
		if (p == nil) == (len(findings) == 0) {
			t.Errorf("either a provider or findings: %v, %v", p, findings)
		}
	})
}

// FuzzMapping reads any answer as that of any capability.
func FuzzMapping(f *testing.F) {
	for _, s := range []string{
		`{"items":[{"start":{"date":"2026-11-22"},"end":{"date":"2026-11-23"},"attendees":[{"email":"a@b"}]}]}`,
		`{"results":[{"content":1,"structured_data":[]}]}`, `{"calendars":{"a":{"busy":[{"start":1}]}}}`,
		`[]`, `null`, `"`, `{"items":{}}`, `{"results":null}`, `1e999`, `{"internalDate":"270000000000"}`, ``,
	} {
		f.Add([]byte(s))
	}
	var capabilities []*provider.Capability
	for _, p := range everything(f) {
		capabilities = append(capabilities, p.CapabilitiesFor(webhookConfig(), nil)...)
		for _, a := range answersOf(f, p) {
			f.Add(bodyOf(f, a))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answer := provider.Response{Status: 200, Body: body}
		for _, c := range capabilities {
			sane(t, &c.Operation, answer)
			if c.Each != nil {
				sane(t, c.Each, answer)
			}
			if c.Lookup != nil {
				send, _ := answers(string(body), string(body), string(body), string(body), string(body))
				if _, err := c.LookUp(t.Context(), provider.Input{}, send); err != nil && len(problem.All(err)) == 0 {
					t.Errorf("%s: a lookup failed without words: %v", c.Name, err)
				}
			}
		}
	})
}

func sane(t *testing.T, o *provider.Operation, answer provider.Response) {
	t.Helper()
	page, err := o.Map(t.Context(), provider.Input{}, answer)
	if err != nil && !problem.Is(err, problem.ProviderFailed) {
		t.Errorf("want a provider failure, got %v", err)
	}
	for _, r := range page.Results {
		if _, err := json.Marshal(r); err != nil || r.Data == nil || r.Fields == nil {
			t.Errorf("a result is not what it should be: %+v, %v", r, err)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(403, "7", []byte(`{"error":{"errors":[{"reason":"rateLimitExceeded"}],"message":"Retry after 2026-11-22T08:01:30.000Z"}}`))
	f.Add(401, "Sun, 22 Nov 2026 08:01:00 GMT", []byte(`<html>`))
	f.Add(0, "NaN", []byte(`[[[[`))
	f.Add(-1, "1e400", []byte("\xff\xfe"))
	all := everything(f)
	for _, p := range all {
		for _, a := range answersOf(f, p) {
			f.Add(a.Status, a.Headers["Retry-After"], bodyOf(f, a))
		}
	}
	f.Fuzz(func(t *testing.T, status int, retry string, body []byte) {
		for _, p := range all {
			v := p.Classify(provider.Response{Status: status, Header: http.Header{"Retry-After": {retry}}, Body: body})
			if v.Kind == "" || v.RetryAfter < 0 || v.RetryAfter > 24*time.Hour || v.Kind != provider.OK && v.Message == "" {
				t.Errorf("%s: got %+v", p.Name, v)
			}
		}
	})
}
