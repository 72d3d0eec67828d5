package sandbox

import (
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/patchbay/patchbay/internal/provider"
)

// vendor is a provider that is played from its manifest and its fixtures. What comes from the fixtures is made when it
// is first asked for, since most runs meet few vendors.
type vendor struct {
	*provider.Provider
	sandbox   *Sandbox
	byHand    bool // its API is played by hand, and its fixtures only where that knows nothing
	hosts     []pattern
	fixtures  func() []provider.Fixture
	exchanges func() []*exchange
	carriers  func() []carrier
	families  func() []string // what the fixtures name where a host is a property
	grants    *grants         // nil without OAuth, and where a vendor that is written by hand grants the tokens
}

// vendors makes the catalog's providers. One whose fixtures cannot be read has an API in which nothing is found.
func (s *Sandbox) vendors() []*vendor {
	if s.opts.Catalog == nil {
		return nil
	}
	var out []*vendor
	for _, p := range s.opts.Catalog.All() {
		v := &vendor{Provider: p, sandbox: s}
		v.byHand = slices.ContainsFunc(p.Hosts, func(h string) bool { _, ok := s.hosts[h]; return ok })
		for _, text := range p.Hosts {
			v.hosts = append(v.hosts, hostPattern(text))
		}
		v.fixtures = sync.OnceValue(v.read)
		v.exchanges = sync.OnceValue(func() []*exchange { return exchangesOf(p, v.fixtures()) })
		v.carriers = sync.OnceValue(func() []carrier { return carriersOf(p, v.settings) })
		v.families = sync.OnceValue(v.kin)
		if o := p.Auth.OAuth2; o != nil {
			if _, byHand := s.hosts[hostOf(o.Authorize.URL)]; !byHand {
				v.grants = newGrants(v)
			}
		}
		out = append(out, v)
	}
	return out
}

// read reads the provider's fixtures from the last directory that has some.
func (v *vendor) read() []provider.Fixture {
	for _, dir := range slices.Backward(v.sandbox.opts.Fixtures) {
		if _, err := fs.Stat(dir, v.Name+".fixtures.yaml"); err != nil {
			continue
		}
		fixtures, faults := provider.Fixtures(dir, v.Name)
		for _, f := range faults {
			v.sandbox.opts.Log.Warn("a provider cannot be played from its fixtures", "provider", v.Name, "fault", f.Error())
		}
		return fixtures
	}
	return nil
}

// kin lists the families of the hosts that the fixtures name.
func (v *vendor) kin() []string {
	var out []string
	for _, f := range v.fixtures() {
		_, address, _ := strings.Cut(f.Request, " ")
		if host := hostOf(firstOf(address, f.Request)); host != "" && !slices.Contains(out, family(host)) {
			out = append(out, family(host))
		}
	}
	return out
}

// plays reports whether the vendor answers at a host.
func (v *vendor) plays(host string) bool {
	return v.grants.at(host) || slices.ContainsFunc(v.hosts, func(p pattern) bool { return v.stands(p, host) })
}

// stands reports whether a host of the manifest's can be this one.
func (v *vendor) stands(p pattern, host string) bool {
	_, ok := p.read(host)
	return ok && (!p.open || slices.ContainsFunc(v.families(), func(f string) bool { return inFamily(f, host) }))
}

// names lists the hosts that the vendor plays, a star for what can be any.
func (v *vendor) names() []string {
	out := v.grants.names()
	for _, p := range v.hosts {
		if p.open {
			out = append(out, v.families()...)
		} else {
			out = append(out, propertyMark.ReplaceAllString(p.text, "*"))
		}
	}
	return out
}

// shown returns the answer of the first fixture that shows this and was judged so, and false when there is none.
func (v *vendor) shown(shows string, verdicts ...provider.VerdictKind) (provider.Answer, bool) {
	for _, f := range v.fixtures() {
		if f.Shows == shows && (len(verdicts) == 0 || slices.Contains(verdicts, f.Verdict)) {
			return f.Answer, true
		}
	}
	return provider.Answer{}, false
}
