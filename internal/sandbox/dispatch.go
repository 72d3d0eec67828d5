package sandbox

import (
	"bytes"
	"io"
	"net/http"
	"slices"

	"github.com/patchbay/patchbay/internal/provider"
)

// host returns what answers at a host name: a vendor that is written by hand, or those of the catalog.
func (s *Sandbox) host(name string) (host, bool) {
	if h, ok := s.hosts[name]; ok {
		return h, true
	}
	here := s.at(name)
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

// at returns the catalog's vendors that play a host.
func (s *Sandbox) at(name string) []*vendor {
	return slices.DeleteFunc(slices.Clone(s.world), func(v *vendor) bool { return !v.plays(name) })
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
	best.write(w, a, now)
	return true
}

// fromFixtures answers what a vendor written by hand does not know: as the catalog's fixtures do, or as otherwise does.
func (s *Sandbox) fromFixtures(otherwise http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := bareHost(r.Host)
		if !s.fromVendors(s.at(name), w, r, name) {
			otherwise(w, r)
		}
	}
}

// endsLater reports whether another request of the revocation comes after this one.
func (v *vendor) endsLater(e *exchange) bool {
	all := v.exchanges()
	return slices.ContainsFunc(all[slices.Index(all, e)+1:], func(o *exchange) bool {
		return o.shows == provider.ShowsRevoke && o.group == e.group
	})
}
