package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/patchbay/patchbay/internal/provider"
)

// exchange is one request that a fixture shows, and its answer.
type exchange struct {
	shows   string
	request asked
	fixed   bool // the host is the manifest's own, and no setting's
	path    []segment
	// page are the parts of the request that ask for this page, nil on the first; next are those that ask for the page
	// after it, nil on the last.
	page, next fields
	// asker names the parts that say how many results the asker wants, and in which zone.
	asker  map[string]bool
	empty  bool // it tells of nothing
	lookup bool // it comes before the request that answers
	writes bool // it changes something
	answer provider.Answer
	body   any // the answer's JSON; nil when it is text
	anchor time.Time
	group  int // exchanges of one fixture have the same
}

// segment is one part of a path.
type segment struct {
	text string // unescaped
	// free matches what can stand here besides, where the text comes from a setting, an argument or another answer; nil
	// where it does not.
	free *regexp.Regexp
	// loose is true of what only looks like an id.
	loose bool
}

// exchangesOf returns what the fixtures of a provider say about its API: requests that are answered and not refused.
func exchangesOf(p *provider.Provider, fixtures []provider.Fixture) []*exchange {
	var out []*exchange
	for i, f := range fixtures {
		if !answered(f) || f.Request == "" && len(f.Each) == 0 {
			continue
		}
		switch f.Shows {
		case provider.ShowsAuthorize, provider.ShowsToken, provider.ShowsRefresh, provider.ShowsRefreshRejected,
			provider.ShowsCredential, provider.ShowsRevokedToken, provider.ShowsRateLimit, provider.ShowsError,
			provider.ShowsProbeBad:
			continue
		}
		for _, e := range exchangesIn(p, f) {
			e.group = i
			out = append(out, e)
		}
	}
	byCall := map[string]map[string]bool{}
	for _, e := range out {
		call := e.request.method + " " + e.request.path + " " + e.request.operation
		if byCall[call] == nil {
			byCall[call] = map[string]bool{}
		}
		maps.Copy(byCall[call], e.asker)
		e.asker = byCall[call]
	}
	return out
}

// exchangesIn returns the exchange of one fixture, with those before and after it that belong to the same question.
func exchangesIn(p *provider.Provider, f provider.Fixture) []*exchange {
	given := append(scalars(f.Input.Config), scalars(defaults(p))...)
	given = append(given, scalars(f.Input.Arguments)...)
	given = append(given, f.Input.Text, f.Input.Page)
	given = append(given, f.Input.Quoted...)
	for _, n := range f.Input.Numbers {
		given = append(given, fmt.Sprint(n))
	}
	for _, one := range f.Input.People {
		given = append(given, one.Name)
	}
	var out []*exchange
	add := func(one provider.Fixture, rendered *provider.Request) {
		e := newExchange(f.Shows, one, rendered, given)
		if e == nil {
			return
		}
		e.anchor = anchorOf(p, f, e.body)
		e.fixed = slices.Contains(p.Hosts, e.request.host)
		given = append(given, scalars(e.body)...)
		out = append(out, e)
	}
	for _, one := range f.Lookup {
		add(one, nil)
	}
	for i, e := range out { // it goes on until it has found what it looks for
		e.lookup = true
		if i > 0 {
			e.page = fields{}
			for k, value := range e.request.fields {
				if out[0].request.fields[k] != value {
					e.page[k] = value
				}
			}
			out[i-1].next = e.page
		}
	}
	rendered := render(p, f, f.Input.Page)
	if add(f, rendered); len(out) == len(f.Lookup) { // it is made of its parts alone, as a revocation can be
		for _, one := range f.Each {
			add(one, nil)
		}
		return out
	}
	main := out[len(out)-1]
	main.empty = len(f.Results) == 0 && len(f.Each) == 0 && shows(p, f, provider.Read)
	main.writes = shows(p, f, provider.Write)
	if f.Input.Page != "" {
		main.page = paging(main.request.fields, render(p, f, ""), f.Input.Page)
	}
	if f.Next != "" {
		if next := render(p, f, f.Next); next != nil {
			main.next = paging(askedBy(next).fields, rendered, f.Next)
		}
	}
	main.asker = map[string]bool{}
	somebodyElse := f
	somebodyElse.Input.Limit, somebodyElse.Input.Timezone = f.Input.Limit+7, "Asia/Kolkata"
	if other := render(p, somebodyElse, f.Input.Page); other != nil {
		for k := range paging(askedBy(other).fields, rendered, "") {
			main.asker[k] = true
		}
	}
	for _, one := range append(slices.Clone(f.Names), f.Each...) {
		if p.Classify(responseOf(one.Answer)).Kind == provider.OK {
			add(one, nil)
		}
	}
	return out
}

// shows reports whether a fixture is of a capability of this effect.
func shows(p *provider.Provider, f provider.Fixture, effect string) bool {
	return slices.ContainsFunc(p.CapabilitiesFor(f.Input.Config, nil), func(c *provider.Capability) bool {
		return c.Name == f.Shows && c.Effect == effect
	})
}

// newExchange reads a request and its answer; rendered is what the engine makes of the fixture, where it can.
func newExchange(shows string, f provider.Fixture, rendered *provider.Request, given []string) *exchange {
	e := &exchange{shows: shows, answer: f.Answer}
	if rendered != nil {
		e.request = askedBy(rendered)
	} else {
		method, address, _ := strings.Cut(f.Request, " ")
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			return nil
		}
		var body []byte
		if f.Body != nil {
			body, _ = json.Marshal(f.Body)
		}
		e.request = newAsked(method, u, "application/json", body)
	}
	for part := range strings.SplitSeq(e.request.path, "/") {
		e.path = append(e.path, newSegment(part, given))
	}
	if f.Answer.Body != nil {
		e.body = jsonOf(f.Answer.Body)
	}
	return e
}

// render returns the request that the engine makes of a fixture, after what it looks up; nil where it makes none.
func render(p *provider.Provider, f provider.Fixture, page string) *provider.Request {
	ctx, in := context.Background(), f.Input.Build()
	for _, c := range p.CapabilitiesFor(f.Input.Config, nil) {
		if c.Name != f.Shows {
			continue
		}
		sent := 0
		found, err := c.LookUp(ctx, in, func(context.Context, *provider.Request) (provider.Response, error) {
			if sent == len(f.Lookup) {
				return provider.Response{}, provider.ErrNotThere
			}
			sent++
			return responseOf(f.Lookup[sent-1].Answer), nil
		})
		if err != nil {
			return nil
		}
		in.Lookup, in.Page = found, page
		if r, err := c.Request(ctx, in); err == nil {
			return r
		}
	}
	return nil
}

func responseOf(a provider.Answer) provider.Response {
	r := provider.Response{Status: a.Status, Header: http.Header{}, Body: []byte(a.Text)}
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	for name, value := range a.Headers {
		r.Header.Set(name, value)
	}
	if a.Body != nil {
		r.Body, _ = json.Marshal(a.Body)
	}
	return r
}

// paging returns the parts of a request that ask for a page: those that the request for the first page has not, or
// where that is not known, those that are the page's token.
func paging(paged fields, first *provider.Request, token string) fields {
	out := fields{}
	if first != nil {
		other := askedBy(first).fields
		for k, v := range paged {
			if other[k] != v {
				out[k] = v
			}
		}
	}
	if len(out) == 0 {
		maps.Copy(out, paged)
		maps.DeleteFunc(out, func(_, v string) bool { return v != token })
	}
	return out
}

// anchorOf returns the day that a fixture speaks of as today: its own, or that of the newest time in its answer. Times
// after the day on which the manifest was written lie in the future. It is zero when the fixture speaks of no time.
func anchorOf(p *provider.Provider, f provider.Fixture, body any) time.Time {
	written, err := time.Parse(time.DateOnly, p.Checked)
	if err != nil {
		written = time.Unix(1<<33, 0)
	}
	limit := written.Add(2*day - time.Second)
	if f.Input.Now != nil {
		limit = f.Input.Now.Add(day)
	}
	last := newest(body, limit)
	if f.Input.Now != nil && (last.IsZero() || f.Input.Now.Sub(last) < 60*day) {
		return *f.Input.Now
	}
	return last
}

// scalars returns every text and number in v, as they would stand in a path.
func scalars(v any) []string {
	switch v := v.(type) {
	case nil, bool:
		return nil
	case string:
		return []string{v}
	case map[string]any:
		var out []string
		for _, one := range v {
			out = append(out, scalars(one)...)
		}
		return out
	case []any:
		var out []string
		for _, one := range v {
			out = append(out, scalars(one)...)
		}
		return out
	}
	return []string{fmt.Sprint(v)}
}

// jsonOf returns what a fixture holds as JSON would read it, numbers as they are written.
func jsonOf(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var out any
	_ = d.Decode(&out) // it has just been encoded
	return out
}
