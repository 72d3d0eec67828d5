package sandbox

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
)

// mint begins every token that the sandbox grants for a vendor of the catalog, so that none passes for a typed-in key.
const mint = "sandbox."

// carrier is a place in a request where a provider's credential travels.
type carrier struct {
	kind string
	// header or query names the place; basic is HTTP Basic, with name and password in one text.
	header, query string
	basic         bool
	form          *regexp.Regexp // its group is the secret
}

const secretMark = "MARK0of0the0SECRET"

// carriersOf asks the manifest where it puts each kind of credential, by having it send a mark.
func carriersOf(p *provider.Provider, settings func(kind string) map[string]any) []carrier {
	var out []carrier
	for _, kind := range p.AuthKinds() {
		if kind == provider.None {
			continue
		}
		for _, mark := range []string{secretMark, "name:" + secretMark} { // the second where one text is a name and a password
			if found := carriersFor(p, kind, settings(kind), mark); len(found) > 0 {
				out = append(out, found...)
				break
			}
		}
	}
	return out
}

// carriersFor finds where one kind of credential goes; nil when the manifest does not take this text for one.
func carriersFor(p *provider.Provider, kind string, config map[string]any, mark string) []carrier {
	secrets := map[string]seal.Secret{}
	for _, name := range secretNames(p.ConfigSchema(kind)) {
		secrets[name] = seal.NewSecret(mark)
		delete(config, name)
	}
	body := strings.NewReader("{}")
	req, err := http.NewRequest(http.MethodPost, "https://api.example.com/", body) //nolint:noctx // it is never sent
	if err != nil {
		return nil
	}
	c := provider.Credential{
		Kind: kind, Secrets: secrets, Config: config, SigningKey: seal.NewSecret("none"), Now: time.Unix(1, 0),
	}
	if kind == provider.OAuth2 {
		c.Access = seal.NewSecret(mark)
	}
	if p.Authenticate(req, c) != nil {
		return nil
	}
	return marked(kind, req)
}

// marked finds the mark in a request.
func marked(kind string, req *http.Request) []carrier {
	var out []carrier
	add := func(c carrier, value string) {
		if before, after, ok := strings.Cut(value, secretMark); ok {
			c.kind = kind
			c.form = regexp.MustCompile("^(?s)" + loosely(before) + "(.+)" + loosely(after) + "$")
			out = append(out, c)
		}
	}
	if name, password, ok := req.BasicAuth(); ok {
		add(carrier{basic: true}, name+":"+password)
	}
	for name, values := range req.Header {
		add(carrier{header: name}, values[0])
	}
	for name, values := range req.URL.Query() {
		add(carrier{query: name}, values[0])
	}
	return out
}

// loosely matches what stands around a secret: settings of one integration differ from those of another, so only the
// marks and words that are no settings are compared.
func loosely(text string) string {
	if i := strings.LastIndexAny(text, ":/"); i >= 0 {
		return "(?:.*)" + regexp.QuoteMeta(text[i:])
	}
	return regexp.QuoteMeta(text)
}

// secret returns what a request carries here, "" when it carries nothing.
func (c carrier) secret(r *http.Request) string {
	value := ""
	switch {
	case c.basic:
		raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Basic ")
		text, err := base64.StdEncoding.DecodeString(raw)
		if !ok || err != nil {
			return ""
		}
		value = string(text)
	case c.header != "":
		value = r.Header.Get(c.header)
	default:
		value = r.URL.Query().Get(c.query)
	}
	m := c.form.FindStringSubmatch(value)
	if m == nil {
		return ""
	}
	return strings.TrimSpace(m[1])
}

// proved returns the grant behind a request's credential, and whether the request may be answered. A token must be one
// that the sandbox granted and that lives; of a key that a person types in any is good until it is revoked, and its
// first use counts as the grant.
func (v *vendor) proved(r *http.Request) (*Grant, bool) {
	open := v.Auth.None != nil // and nothing is shown
	for _, c := range v.carriers() {
		secret := c.secret(r)
		if secret == "" {
			continue
		}
		open = false
		if g, _ := v.sandbox.ledger.bearer(secret); g != nil {
			if g.Group == v.ClientGroup() {
				return g, true
			}
			continue
		}
		typed := c.kind != provider.OAuth2 || v.Auth.OAuth2.Import != ""
		if !typed || strings.Contains(secret, mint) {
			continue
		}
		if g, err := v.sandbox.ledger.key(v.ClientGroup(), c.kind, secret); err == nil && g != nil {
			return g, true
		}
	}
	return nil, open
}

// holder returns the live grant behind a request's credential; nil when there is none.
func (v *vendor) holder(r *http.Request) *Grant {
	for _, c := range v.carriers() {
		if secret := c.secret(r); secret != "" {
			if g := v.sandbox.ledger.owner(secret); g != nil {
				return g
			}
			if g := v.sandbox.ledger.known(keyID(v.ClientGroup(), c.kind, secret)); g != nil {
				return g
			}
		}
	}
	return nil
}

// secretNames lists the writeOnly properties of a config's schema, by their dotted path.
func secretNames(schema map[string]any) []string {
	var out []string
	properties, _ := schema["properties"].(map[string]any)
	for name, p := range properties {
		property, _ := p.(map[string]any)
		if property["writeOnly"] == true {
			out = append(out, name)
		}
		for _, below := range secretNames(property) {
			out = append(out, name+"."+below)
		}
	}
	return out
}

// bareHost is a host without its port.
func bareHost(hostport string) string {
	u := url.URL{Host: hostport}
	return strings.ToLower(u.Hostname())
}
