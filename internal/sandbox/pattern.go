package sandbox

import (
	"net/url"
	"regexp"
	"strings"
)

// pattern is an address, or a host, of a manifest in which {property} stands for a setting of an integration.
type pattern struct {
	text string
	re   *regexp.Regexp
	// open is the one property that a host consists of; such a host can be any.
	open bool
}

var (
	propertyMark = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)
	label        = `[A-Za-z0-9-]+`
)

// hostPattern reads a host name. A property inside stands for one label, a property that is the whole name for any
// number of them.
func hostPattern(text string) pattern {
	if m := propertyMark.FindString(text); m == text && m != "" {
		return pattern{text, compile(text, `[A-Za-z0-9.-]+`), true}
	}
	return pattern{text, compile(text, label), false}
}

// pathPattern reads the path of an address, as it is escaped there.
func pathPattern(text string) pattern { return pattern{text, compile(text, `[^/]+`), false} }

// compile matches the text as a whole, with part in the place of each property.
func compile(text, part string) *regexp.Regexp {
	var b strings.Builder
	named, last := map[string]bool{}, 0
	for _, at := range propertyMark.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(regexp.QuoteMeta(text[last:at[0]]))
		if name := text[at[2]:at[3]]; named[name] {
			b.WriteString("(?:" + part + ")")
		} else {
			b.WriteString("(?P<" + name + ">" + part + ")")
			named[name] = true
		}
		last = at[1]
	}
	b.WriteString(regexp.QuoteMeta(text[last:]))
	return regexp.MustCompile("^" + b.String() + "$")
}

// read returns what the properties stand for in s, and false when s has another form.
func (t pattern) read(s string) (map[string]string, bool) {
	m := t.re.FindStringSubmatch(s)
	if m == nil {
		return nil, false
	}
	out := map[string]string{}
	for i, name := range t.re.SubexpNames() {
		if name != "" {
			out[name] = m[i]
		}
	}
	return out, true
}

// endpoint is an address of a manifest with a host and a path of its own.
type endpoint struct{ host, path pattern }

// newEndpoint reads an address; nil when there is none.
func newEndpoint(address string) *endpoint {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		return nil
	}
	host, path, _ := strings.Cut(rest, "/")
	path, _, _ = strings.Cut(path, "?")
	name, _, _ := strings.Cut(host, ":")
	return &endpoint{hostPattern(name), pathPattern("/" + path)}
}

// matches reports whether a request for this host and escaped path is for the endpoint.
func (e *endpoint) matches(host, path string) bool {
	if e == nil {
		return false
	}
	_, named := e.host.read(host)
	_, placed := e.path.read(path)
	return named && placed
}

// family returns the names that are played beside a host which a fixture names: all of its domain, or for a reserved
// name (RFC 2606) that name alone, since many providers' fixtures may use the same.
func family(host string) string {
	parts := strings.Split(host, ".")
	if len(parts) < 3 {
		return host
	}
	above := parts[len(parts)-2:]
	if above[0] == "example" || above[1] == "example" || above[1] == "test" {
		return host
	}
	return "*." + strings.Join(above, ".")
}

// inFamily reports whether a host is the name, or of the domain, that family returned.
func inFamily(family, host string) bool {
	domain, wild := strings.CutPrefix(family, "*")
	return family == host || wild && strings.HasSuffix(host, domain)
}

// hostOf returns the host of an address, in lower case and without its port; "" when there is none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
