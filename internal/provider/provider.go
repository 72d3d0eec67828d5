package provider

import (
	"slices"
	"time"

	"github.com/patchbay/patchbay/internal/oauth"
)

// Ways to authenticate, spelled as in the GraphQL enum AuthKind.
const (
	OAuth2 = "OAUTH2"
	APIKey = "API_KEY"
	Basic  = "BASIC"
	None   = "NONE"
)

// Provider is one compiled manifest. It is immutable after Load and safe for concurrent use.
type Provider struct {
	// Name is the stable name, for example acme_calendar; it is also the name of the manifest's file.
	Name  string `yaml:"name"`
	Title string `yaml:"title"`
	// Called are further names that people use for the service; see Names.
	Called      []string `yaml:"called"`
	Description string   `yaml:"description"`
	// Categories are spelled as in the GraphQL enum ProviderCategory, in lower case.
	Categories []string `yaml:"categories"`
	// Documentation is the address of the vendor's own documentation.
	Documentation string `yaml:"documentation"`
	// Checked is the date, as YYYY-MM-DD, when these facts were last compared with the Sources.
	Checked string   `yaml:"checked"`
	Sources []string `yaml:"sources"`
	Sunsets []Sunset `yaml:"sunsets"`
	// Hosts are the only hosts that the credential is ever sent to. "{url}" stands for the host of a config property.
	Hosts []string `yaml:"hosts"`
	Auth  Auth     `yaml:"auth"`
	// BaseURL comes before every path; "{shop}" stands for a config property.
	BaseURL string `yaml:"base_url"`
	// Config is the JSON Schema of the settings that all ways to authenticate share; see ConfigSchema.
	Config map[string]any `yaml:"config"`
	// Derive makes further config properties out of the config, for addresses and expressions. Nobody can set them and
	// nobody sees them.
	Derive *Expression `yaml:"derive"`
	// Aliases maps another name of a config property to its real name.
	Aliases map[string]string `yaml:"aliases"`
	// Placeholders names the config properties in which {{NAME}} stands for a secret, filled when a request leaves.
	Placeholders []string `yaml:"placeholders"`
	// Sign is how requests are signed; nil when they are not.
	Sign    *Signature `yaml:"sign"`
	Errors  []Rule     `yaml:"errors"`
	Account Account    `yaml:"account"`
	Probe   Probe      `yaml:"probe"`
	// Capabilities are what the manifest names; CapabilitiesFor adds those that an integration's config names.
	Capabilities []*Capability `yaml:"capabilities"`
	Configured   *Configured   `yaml:"configured"`

	file    string
	line    func(path string) int
	says    func(path string) bool
	schemas map[string]*schema // by auth kind
	derived []string           // names of what Derive makes
}

// Auth says how a person or an administrator lets Patchbay in.
type Auth struct {
	// ClientGroup names the OAuth client that this provider shares with others; empty means one of its own.
	ClientGroup string        `yaml:"client_group"`
	OAuth2      *oauth.Server `yaml:"oauth2"`
	APIKey      *Static       `yaml:"api_key"`
	Basic       *Static       `yaml:"basic"`
	None        *Static       `yaml:"none"`
	// Revoke gives back what OAuth2 grants where there is no endpoint of RFC 7009; nil where there is one, or no way.
	Revoke *Revocation `yaml:"revoke"`
	// Send turns a credential into headers and query parameters. Without it the access token goes out as a bearer
	// token (RFC 6750 section 2.1). Its input is {kind, access, config, path}, where config holds the secrets too, and
	// path, that of the request's address, decides between several of them.
	Send *Expression `yaml:"send"`
}

// Static is a credential that is typed in rather than granted.
type Static struct {
	// Config is JSON Schema that is added to the provider's for this kind.
	Config map[string]any `yaml:"config"`
	// Revoke says what a person must do to end the credential, since nothing can be called.
	Revoke string `yaml:"revoke"`
}

// Probe is a harmless request that proves a credential.
type Probe struct {
	Call `yaml:",inline"`
	// OK must be true of {status, headers, body} of an answer that was judged OK, and may be true of one that was judged
	// MissingScope, which then proves the credential too; nil means that the verdict decides.
	OK *Expression `yaml:"ok"`
	// Every is the time between two probes.
	Every time.Duration `yaml:"every"`
	// None is the reason why nothing can be called; empty when there is a request.
	None string `yaml:"none"`
}

// Account is a request that tells whose credential it is.
type Account struct {
	Call `yaml:",inline"`
	ID   *Expression `yaml:"id"`
	Name *Expression `yaml:"name"`
	// None is the reason why there is no account to ask for; empty when there is a request.
	None string `yaml:"none"`
}

// Call is a request: a fixed path to get, or an expression.
type Call struct {
	Get  string      `yaml:"get"`
	Asks *Expression `yaml:"request"`

	provider *Provider
}

func (c Call) isZero() bool { return c.Get == "" && c.Asks == nil }

// AuthKinds returns the ways to authenticate, the preferred one first.
func (p *Provider) AuthKinds() []string {
	var kinds []string
	if p.Auth.OAuth2 != nil {
		kinds = append(kinds, OAuth2)
	}
	for _, s := range []struct {
		kind   string
		static *Static
	}{{APIKey, p.Auth.APIKey}, {Basic, p.Auth.Basic}, {None, p.Auth.None}} {
		if s.static != nil {
			kinds = append(kinds, s.kind)
		}
	}
	return kinds
}

// ClientGroup returns the name under which the OAuth client is configured: that of the group, or else the provider's.
func (p *Provider) ClientGroup() string {
	if p.Auth.ClientGroup != "" {
		return p.Auth.ClientGroup
	}
	return p.Name
}

// RevokeReason says what a person must do to end a credential of this kind where Patchbay has nothing to call; empty
// where the vendor is called.
func (p *Provider) RevokeReason(kind string) string {
	if kind == OAuth2 && p.Auth.OAuth2 != nil {
		return p.Auth.OAuth2.Revoke.Reason
	}
	if s := p.static(kind); s != nil {
		return s.Revoke
	}
	return ""
}

func (p *Provider) static(kind string) *Static {
	switch kind {
	case APIKey:
		return p.Auth.APIKey
	case Basic:
		return p.Auth.Basic
	case None:
		return p.Auth.None
	}
	return nil
}

// kindConfig returns the JSON Schema that one way to authenticate adds to the provider's; nil when it adds nothing.
func (p *Provider) kindConfig(kind string) map[string]any {
	if kind == OAuth2 && p.Auth.OAuth2 != nil {
		return p.Auth.OAuth2.Config
	}
	if s := p.static(kind); s != nil {
		return s.Config
	}
	return nil
}

// CapabilitiesFor returns what an integration can do: the manifest's capabilities and those of its config, without
// those whose scopes were not granted. Nil grantedScopes mean that the credential knows no scopes, so nothing is left
// out. The result is fresh; what it points to must not be changed.
func (p *Provider) CapabilitiesFor(config map[string]any, grantedScopes []string) []*Capability {
	all := slices.Concat(p.Capabilities, p.configured(config))
	if grantedScopes == nil {
		return all
	}
	return slices.DeleteFunc(all, func(c *Capability) bool { return !c.Granted(grantedScopes) })
}
