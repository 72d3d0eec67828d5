package sandbox

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/internal/provider"
)

// vendor is a provider that is played from its manifest and its fixtures.
type vendor struct {
	*provider.Provider
	sandbox   *Sandbox
	byHand    bool // its API is played by hand, and its fixtures only where that knows nothing
	fixtures  []provider.Fixture
	exchanges []*exchange
	hosts     []pattern
	families  []string // what the fixtures name where a host is a property
	carriers  []carrier
	grants    *grants // nil without OAuth, and where a vendor that is written by hand grants the tokens
}

// vendors makes the catalog's providers. One whose fixtures cannot be read has an API in which nothing is found.
func (s *Sandbox) vendors() []*vendor {
	if s.opts.Catalog == nil {
		return nil
	}
	var out []*vendor
	for _, p := range s.opts.Catalog.All() {
		v := &vendor{Provider: p, sandbox: s, fixtures: s.fixturesOf(p.Name)}
		v.byHand = slices.ContainsFunc(p.Hosts, func(h string) bool { _, ok := s.hosts[h]; return ok })
		v.exchanges = exchangesOf(p, v.fixtures)
		v.carriers = carriersOf(p, v.settings)
		for _, text := range p.Hosts {
			v.hosts = append(v.hosts, hostPattern(text))
		}
		for _, f := range v.fixtures {
			_, address, _ := strings.Cut(f.Request, " ")
			if host := hostOf(firstOf(address, f.Request)); host != "" {
				v.families = append(v.families, family(host))
			}
		}
		if o := p.Auth.OAuth2; o != nil {
			if _, byHand := s.hosts[hostOf(o.Authorize.URL)]; !byHand {
				v.grants = s.newGrants(v)
			}
		}
		out = append(out, v)
	}
	return out
}

// fixturesOf reads a provider's fixtures from the last directory that has some.
func (s *Sandbox) fixturesOf(name string) []provider.Fixture {
	for _, dir := range slices.Backward(s.opts.Fixtures) {
		if _, err := fs.Stat(dir, name+".fixtures.yaml"); err != nil {
			continue
		}
		fixtures, faults := provider.Fixtures(dir, name)
		for _, f := range faults {
			s.opts.Log.Warn("a provider cannot be played from its fixtures", "provider", name, "fault", f.Error())
		}
		return fixtures
	}
	return nil
}

// plays reports whether the vendor answers at a host.
func (v *vendor) plays(host string) bool {
	if v.grants.at(host) {
		return true
	}
	for _, t := range v.hosts {
		if _, ok := t.read(host); !ok {
			continue
		}
		if !t.open || slices.ContainsFunc(v.families, func(f string) bool { return inFamily(f, host) }) {
			return true
		}
	}
	return false
}

// names lists the hosts that the vendor plays, a star for what can be any.
func (v *vendor) names() []string {
	var out []string
	for _, t := range v.hosts {
		switch name := propertyMark.ReplaceAllString(t.text, "*"); {
		case t.open:
			out = append(out, v.families...)
		default:
			out = append(out, name)
		}
	}
	return append(out, v.grants.names()...)
}

// shown returns the answer of the first fixture that shows this and was judged so, and false when there is none.
func (v *vendor) shown(shows string, verdicts ...provider.VerdictKind) (provider.Answer, bool) {
	for _, f := range v.fixtures {
		if f.Shows == shows && (len(verdicts) == 0 || slices.Contains(verdicts, f.Verdict)) {
			return f.Answer, true
		}
	}
	return provider.Answer{}, false
}

// host returns what answers at a host name: a vendor that is written by hand, or those of the catalog.
func (s *Sandbox) host(name string) (host, bool) {
	if h, ok := s.hosts[name]; ok {
		return h, true
	}
	var here []*vendor
	for _, v := range s.world {
		if v.plays(name) {
			here = append(here, v)
		}
	}
	if len(here) == 0 {
		open := slices.Contains(echoes, name)
		return host{handler: http.HandlerFunc(echo), fail: failPlainly}, open
	}
	return host{
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.answerAs(here, w, r, name) }),
		browser: slices.ContainsFunc(here, func(v *vendor) bool { return v.grants.consents(name) }),
		holder: func(r *http.Request) *Grant {
			for _, v := range here {
				if g := v.holder(r); g != nil {
					return g
				}
			}
			return nil
		},
		fail: func(w http.ResponseWriter, r *http.Request, f Fault) {
			if g := tokensAt(here, name, r); g != nil {
				g.fail(w, f)
				return
			}
			here[0].fail(w, f)
		},
	}, true
}

// answerAs lets one of the vendors at a host answer: the one whose authorization server is asked, or the one that has a
// fixture for the request.
func (s *Sandbox) answerAs(here []*vendor, w http.ResponseWriter, r *http.Request, name string) {
	if g := tokensAt(here, name, r); g != nil {
		g.serve(w, r, name)
		return
	}
	switch {
	case s.fromVendors(here, w, r, name):
	case slices.Contains(echoes, name):
		echo(w, r)
	default:
		here[0].notFound(w)
	}
}

// tokensAt returns the authorization server that a request is for; nil when it is for none.
func tokensAt(here []*vendor, name string, r *http.Request) *grants {
	for _, v := range here {
		if v.grants.takes(name, r.URL.EscapedPath()) {
			return v.grants
		}
	}
	return nil
}

// fromVendors answers a request for an API, and reports whether there is a fixture for it.
func (s *Sandbox) fromVendors(here []*vendor, w http.ResponseWriter, r *http.Request, name string) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	now := s.opts.Now()
	a := asking(r, name, body)
	var best *exchange
	var of *vendor
	top := 0
	for _, v := range here {
		if e, score := v.match(a, now); e != nil && (best == nil || score > top) {
			best, of, top = e, v, score
		}
	}
	if best == nil {
		s.opts.Log.Debug("the sandbox has no fixture for this", "method", r.Method, "host", name, "path", r.URL.Path)
		return false
	}
	grant, ok := of.proved(r)
	if !ok {
		of.fail(w, Fault{Kind: Unauthorized})
		return true
	}
	if best.shows == provider.ShowsRevoke && grant != nil && !of.endsLater(best) {
		if _, err := s.ledger.revoke(func(g Grant) bool { return g.ID == grant.ID }); err != nil {
			of.fail(w, Fault{Kind: ServerError})
			return true
		}
	}
	best.write(w, now)
	return true
}

// fromFixtures answers what a vendor written by hand does not know: as the catalog's fixtures do, or as otherwise does.
func (s *Sandbox) fromFixtures(otherwise http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var here []*vendor
		for _, v := range s.world {
			if v.plays(bareHost(r.Host)) {
				here = append(here, v)
			}
		}
		if !s.fromVendors(here, w, r, bareHost(r.Host)) {
			otherwise(w, r)
		}
	}
}

// endsLater reports whether another request of the revocation comes after this one.
func (v *vendor) endsLater(e *exchange) bool {
	i := slices.Index(v.exchanges, e)
	return slices.ContainsFunc(v.exchanges[i+1:], func(o *exchange) bool {
		return o.shows == provider.ShowsRevoke && o.group == e.group
	})
}

// fail words a fault of the API as the provider's fixtures do.
func (v *vendor) fail(w http.ResponseWriter, f Fault) {
	shows := map[FaultKind]string{
		Unauthorized: provider.ShowsRevokedToken, RateLimited: provider.ShowsRateLimit, TooManyRequests: provider.ShowsRateLimit,
	}
	a, ok := v.shown(shows[f.Kind])
	if !ok {
		failPlainly(w, nil, f)
		return
	}
	if given := w.Header().Get("Retry-After"); given != "" {
		a.Headers = withHeader(a.Headers, "Retry-After", given)
	}
	writeFixture(w, a, jsonBody(a))
}

// failPlainly words a fault where no vendor's words are known.
func failPlainly(w http.ResponseWriter, _ *http.Request, f Fault) {
	status, text := http.StatusInternalServerError, "Something went wrong on our side."
	switch f.Kind {
	case Unauthorized:
		status, text = http.StatusUnauthorized, "The credential is not valid."
	case RateLimited, TooManyRequests:
		status, text = http.StatusTooManyRequests, "There are too many requests."
	}
	writeJSON(w, status, map[string]any{"error": text})
}

// notFound answers as the provider does where there is nothing.
func (v *vendor) notFound(w http.ResponseWriter) {
	for _, f := range v.fixtures {
		if f.Verdict == provider.NotFound {
			writeFixture(w, f.Answer, jsonBody(f.Answer))
			return
		}
	}
	writeJSON(w, http.StatusNotFound, map[string]any{"error": "not_found", "message": "The sandbox has nothing here."})
}

func jsonBody(a provider.Answer) any {
	if a.Body == nil {
		return nil
	}
	return jsonOf(a.Body)
}

func withHeader(headers map[string]string, name, value string) map[string]string {
	out := map[string]string{name: value}
	for k, v := range headers {
		if !strings.EqualFold(k, name) {
			out[k] = v
		}
	}
	return out
}
