package provider

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

var (
	propertyMark  = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)
	wholeProperty = regexp.MustCompile(`^\{[a-z][a-z0-9_]*\}$`)
)

// HostsFor returns the only hosts that may be called for an integration with this config, without ports: the
// manifest's, with {property} replaced by that property. Where a host is nothing but a property that holds an address,
// it is the address's host.
func (p *Provider) HostsFor(config map[string]any) []string {
	var out []string
	effective := p.effective(config)
	for _, h := range p.Hosts {
		host, err := fill(h, effective)
		if err != nil {
			continue
		}
		if u, err := url.Parse(host); err == nil && u.Host != "" && wholeProperty.MatchString(h) {
			host = u.Hostname()
		}
		out = append(out, strings.ToLower(host))
	}
	return out
}

// fill replaces {property} by what the config says. A property that is not text is an error.
func fill(template string, config map[string]any) (string, error) {
	var missing string
	out := propertyMark.ReplaceAllStringFunc(template, func(mark string) string {
		s, ok := config[mark[1:len(mark)-1]].(string)
		if !ok || s == "" {
			missing = mark
		}
		return s
	})
	if missing != "" {
		return "", fmt.Errorf("the config has no %s", missing)
	}
	return out, nil
}
