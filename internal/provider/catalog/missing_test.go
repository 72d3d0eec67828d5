package catalog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
)

// reading is an answer of a fixture and what reads it; read returns how many results come of it.
type reading struct {
	what string
	read func(ctx context.Context, answer provider.Response) (int, error)
	body any
}

// mapped reads an answer that has results.
func mapped(what string, o *provider.Operation, in provider.Input, body any) reading {
	return reading{what, func(ctx context.Context, answer provider.Response) (int, error) {
		page, err := o.Map(ctx, in, answer)
		return len(page.Results) + len(page.Items), err
	}, body}
}

// readings returns every answer of every fixture that a capability maps.
func readings(t testing.TB) []reading {
	t.Helper()
	all, err := provider.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	var out []reading
	for _, p := range all.All() {
		fixtures, findings := provider.Fixtures(catalog.FS, p.Name)
		if len(findings) > 0 {
			t.Fatal(findings)
		}
		for _, f := range fixtures {
			for _, c := range p.CapabilitiesFor(f.Input.Config, nil) {
				if c.Name == f.Shows && f.Refused == "" && succeeded(f.Answer) && f.Answer.Body != nil {
					out = append(out, readingsOf(t, p.Name+": "+f.String(), c, f)...)
				}
			}
		}
	}
	return out
}

func readingsOf(t testing.TB, what string, c *provider.Capability, f provider.Fixture) []reading {
	t.Helper()
	in, sent := f.Input.Build(), 0
	found, err := c.LookUp(t.Context(), in, func(context.Context, *provider.Request) (provider.Response, error) {
		answer := f.Lookup[sent].Answer
		sent++
		if !succeeded(answer) {
			return provider.Response{}, provider.ErrNotThere
		}
		return answered(answer.Body), nil
	})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	in.Lookup = found
	out := []reading{mapped(what, &c.Operation, in, plain(t, f.Answer.Body))}
	if len(c.Names) > 0 {
		out = append(out, named(t, what, c, in, f)...)
	}
	if c.Each == nil {
		return out
	}
	page, err := c.Map(t.Context(), in, answered(f.Answer.Body))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for i, one := range f.Each {
		in.Item = page.Items[i]
		out = append(out, mapped(fmt.Sprintf("%s, each[%d]", what, i), c.Each, in, plain(t, one.Answer.Body)))
	}
	return out
}

// named returns what is read for the sake of names: the answer that has ids, and those that tell whose they are.
func named(t testing.TB, what string, c *provider.Capability, in provider.Input, f provider.Fixture) []reading {
	t.Helper()
	out := []reading{{what + ", whom it names", func(ctx context.Context, answer provider.Response) (int, error) {
		_, err := c.Inquiries(ctx, in, []provider.Response{answer}, nil)
		return 0, err
	}, plain(t, f.Answer.Body)}}
	sent := 0
	for _, q := range must(c.Inquiries(t.Context(), in, []provider.Response{answered(f.Answer.Body)}, nil)) {
		for range q.Requests {
			if sent == len(f.Names) {
				break
			}
			out = append(out, reading{fmt.Sprintf("%s, names[%d]", what, sent), func(ctx context.Context, answer provider.Response) (int, error) {
				_, err := q.Read(ctx, in, answer)
				return 0, err
			}, plain(t, f.Names[sent].Answer.Body)})
			sent++
		}
	}
	return out
}

func answered(body any) provider.Response {
	return provider.Response{Status: 200, Body: must(json.Marshal(body))}
}

// plain returns a fixture's body as JSON has it.
func plain(t testing.TB, v any) any {
	t.Helper()
	var out any
	if err := json.Unmarshal(must(json.Marshal(v)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// spoil returns a copy of v in which change has been asked, for every value of an object or list, what becomes of it; at
// is its path. A change that returns false leaves it out.
func spoil(v any, at string, change func(at string, v any) (any, bool)) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if one, ok := change(at+"."+name, v[name]); ok {
				out[name] = spoil(one, at+"."+name, change)
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for i, one := range v {
			here := fmt.Sprintf("%s[%d]", at, i)
			if one, ok := change(here, one); ok {
				out = append(out, spoil(one, here, change))
			}
		}
		return out
	}
	return v
}

// claims are fields without which an answer would be taken for one that says something: that a calendar or a mailbox is
// empty, that somebody is free, or that a webhook which answers in another form found nothing.
var claims = []string{
	"google_calendar: list_events .items", "google_calendar: search_events .items", "google_calendar: free_busy .calendars",
	"microsoft_365: list_events .value", "microsoft_365: search_mail .value", "custom_webhook: get_order_status .results",
}

// dispensable reports whether the answer is still one without the field at a path.
func (r reading) dispensable(at string) bool {
	capability, _, _ := strings.Cut(r.what, " (")
	return !slices.Contains(claims, capability+" "+at)
}

func TestAMissingOrNullFieldNeverFailsAWholeAnswer(t *testing.T) {
	t.Parallel()
	for _, r := range readings(t) {
		whole, err := r.read(t.Context(), answered(r.body))
		if err != nil {
			t.Fatalf("%s: %v", r.what, err)
		}
		var paths []string
		spoil(r.body, "", func(at string, v any) (any, bool) {
			if r.dispensable(at) {
				paths = append(paths, at)
			}
			return v, true
		})
		for _, path := range paths {
			for how, there := range map[string]bool{"null": true, "missing": false} {
				body := spoil(r.body, "", func(at string, v any) (any, bool) {
					if at != path {
						return v, true
					}
					return nil, there
				})
				switch found, err := r.read(t.Context(), answered(body)); {
				case err != nil:
					t.Errorf("%s: %s is %s: %v", r.what, path, how, err)
				case strings.Contains(path, "[") && found < whole-1:
					t.Errorf("%s: %s is %s, and of %d results %d are left", r.what, path, how, whole, found)
				case !strings.Contains(path, "[") && found > whole:
					t.Errorf("%s: %s is %s, and %d results have become %d", r.what, path, how, whole, found)
				}
			}
		}
	}
}

func TestManyMissingOrNullFieldsNeverFailAWholeAnswer(t *testing.T) {
	t.Parallel()
	all := readings(t)
	rapid.Check(t, func(rt *rapid.T) {
		r := rapid.SampledFrom(all).Draw(rt, "answer")
		body := spoil(r.body, "", func(at string, v any) (any, bool) {
			if !r.dispensable(at) {
				return v, true
			}
			switch rapid.IntRange(0, 5).Draw(rt, at) {
			case 0:
				return nil, true
			case 1:
				return nil, false
			}
			return v, true
		})
		if _, err := r.read(t.Context(), answered(body)); err != nil {
			rt.Errorf("%s: %v\n%s", r.what, err, must(json.Marshal(body)))
		}
	})
}
