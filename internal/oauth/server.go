package oauth

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/patchbay/patchbay/internal/seal"
)

// Server is an authorization server, as the `auth.oauth2` section of a manifest describes it. Its URLs may name settings
// of an integration, as {subdomain}; For fills them.
type Server struct {
	// Issuer is how the server names itself in the `iss` parameter of its answers (RFC 9207); empty when that is not known.
	Issuer    string        `yaml:"issuer"`
	Authorize Authorize     `yaml:"authorize"`
	Token     TokenEndpoint `yaml:"token"`
	// PKCE is S256 or none; empty means S256.
	PKCE    PKCE    `yaml:"pkce"`
	Refresh Refresh `yaml:"refresh"`
	Revoke  Revoke  `yaml:"revoke"`
	Scopes  []Scope `yaml:"scopes"`
	// Config is JSON Schema that is added to the provider's for what is connected by authorization; this package has no use
	// for it.
	Config map[string]any `yaml:"config"`
	// Import names the property of Config in which what a person has allowed elsewhere may be pasted; empty for none.
	Import string `yaml:"import"`
}

// Authorize is the page where a person consents.
type Authorize struct {
	URL string `yaml:"url"`
	// Params are added to every authorization URL, for example access_type: offline.
	Params map[string]string `yaml:"params"`
	// ScopeParam is the parameter that carries the scopes; empty means "scope".
	ScopeParam string `yaml:"scope_param"`
	// ScopeSeparator stands between scopes; empty means a space (RFC 6749 section 3.3).
	ScopeSeparator string `yaml:"scope_separator"`
	// Signed says how the server proves that an answer is its own; nil when it does not.
	Signed *Signed `yaml:"signed"`
}

// TokenEndpoint is where codes and refresh tokens become access tokens.
type TokenEndpoint struct {
	URL string `yaml:"url"`
	// Client says where the client's id and secret go; empty means ClientPost.
	Client ClientAuth `yaml:"client"`
	// Body is the encoding of the request; empty means BodyForm.
	Body Body `yaml:"body"`
	// Params are added to every token request, and ExchangeParams to those that spend a code. A number is sent as one where
	// the Body is JSON.
	Params         map[string]any    `yaml:"params"`
	ExchangeParams map[string]string `yaml:"exchange_params"`
	// At leads to the object of the answer in which the token lies, by names joined with dots; empty means the answer
	// itself. It is where a code brings the token to; a renewal may leave it at the top instead.
	At string `yaml:"at"`
	// Error names the field in which a refusal has its code where it has none in "error", as RFC 6749 section 5.2 wants it.
	Error string `yaml:"error"`
}

// ClientAuth is how a client proves who it is (RFC 6749 section 2.3.1).
type ClientAuth string

// The ways to send client_id and client_secret.
const (
	ClientPost  ClientAuth = "post"  // in the body
	ClientBasic ClientAuth = "basic" // in the Authorization header
)

// Body is the encoding of a request to the server.
type Body string

// The encodings that servers take.
const (
	BodyForm Body = "form"
	BodyJSON Body = "json"
)

// PKCE is the code challenge method (RFC 7636). The plain method is not offered.
type PKCE string

// The code challenge methods.
const (
	PKCES256 PKCE = "S256"
	PKCENone PKCE = "none"
)

// Refresh says how this server's tokens are renewed.
type Refresh struct {
	// Rotates is true when each refresh token works once and a refresh answers with the next one.
	Rotates bool `yaml:"rotates"`
	// Grace is how long a refresh token that rotates works after it was spent, for an answer that was lost; 0 means not at
	// all.
	Grace Grace `yaml:"grace"`
	// Margin is how long before expiry a token is renewed; 0 leaves it to the caller.
	Margin time.Duration `yaml:"margin"`
	// Early is EarlyRefused where a token cannot be renewed before it has ended; empty where it can.
	Early Early `yaml:"early"`
	// Mint is MintClientCredentials where a token without a refresh token is replaced by asking for another; empty where
	// it cannot be.
	Mint Mint `yaml:"mint"`
	// Lifetime is that of an access token whose answer has no expires_in; 0 means that such a token does not expire.
	Lifetime time.Duration `yaml:"lifetime"`
	// None is the reason why nothing is ever renewed, for example that tokens do not expire.
	None string `yaml:"none"`
	// Terminal lists error codes that mean, besides invalid_grant, that the grant is dead.
	Terminal []string `yaml:"terminal"`
}

// Revoke says how a token is given back.
type Revoke struct {
	// URL is an RFC 7009 endpoint; empty when the vendor has none.
	URL string `yaml:"url"`
	// Send says which token ends the whole grant; empty means SendRefresh.
	Send Send `yaml:"send"`
	// Ends says how far a revocation reaches; empty means EndsGrant.
	Ends Ends `yaml:"ends"`
	// Reason is why there is nothing to call, written for the person who disconnects.
	Reason string `yaml:"reason"`
}

// Send names one of a grant's two tokens.
type Send string

// The tokens that a revocation can name.
const (
	SendRefresh Send = "refresh_token"
	SendAccess  Send = "access_token"
)

// Ends is how much a revocation ends.
type Ends string

// How far revocations reach.
const (
	EndsGrant   Ends = "grant"   // what one consent gave
	EndsAccount Ends = "account" // all that the account has ever allowed this client, whatever the number of consents
)

// Scope is one permission: a short name of ours and the vendor's spelling.
type Scope struct {
	Name string `yaml:"name"`
	// Value is the vendor's spelling; empty means that it is the Name.
	Value       string `yaml:"value"`
	Description string `yaml:"description"`
	// Default scopes are asked for when the caller names none.
	Default bool `yaml:"default"`
	// Required scopes are always asked for; without them the integration cannot work.
	Required bool `yaml:"required"`
	// Unnamed says of a required scope that the server's answers never name it: it counts as granted with any other.
	Unnamed bool `yaml:"unnamed"`
}

// Client is the application that the vendor knows.
type Client struct {
	ID string
	// Secret is zero for a public client.
	Secret seal.Secret
}

// Validate returns every fault of the description at once, each naming its key, or nil.
func (s *Server) Validate() error {
	var faults []error
	fault := func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf(key+": "+format, args...))
	}
	address := func(key, raw string) {
		raw = mark.ReplaceAllString(raw, "property")
		if u, err := url.Parse(raw); err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !near(u) {
			fault(key, "must be an https URL without user information; http is for localhost and addresses only")
		}
	}
	address("authorize.url", s.Authorize.URL)
	address("token.url", s.Token.URL)
	if s.Revoke.URL != "" {
		address("revoke.url", s.Revoke.URL)
	}
	if rule := s.Authorize.Signed; rule != nil && rule.Parameter == "" {
		fault("authorize.signed", "needs the name of the parameter that holds the signature")
	} else if rule != nil && slices.Contains(slices.Collect(maps.Values(rule.Match)), "") {
		fault("authorize.signed", "match needs a value for each parameter")
	}
	if !slices.Contains([]ClientAuth{"", ClientPost, ClientBasic}, s.Token.Client) {
		fault("token.client", "must be post or basic")
	}
	if !slices.Contains([]Body{"", BodyForm, BodyJSON}, s.Token.Body) {
		fault("token.body", "must be form or json")
	}
	for name, value := range s.Token.Params {
		switch value.(type) {
		case string, bool, int, int64, uint64:
		default:
			fault("token.params", "%s must be text, a whole number, true or false", name)
		}
	}
	if !slices.Contains([]PKCE{"", PKCES256, PKCENone}, s.PKCE) {
		fault("pkce", "must be S256 or none")
	}
	if !slices.Contains([]Send{"", SendRefresh, SendAccess}, s.Revoke.Send) {
		fault("revoke.send", "must be refresh_token or access_token")
	}
	if !slices.Contains([]Ends{"", EndsGrant, EndsAccount}, s.Revoke.Ends) {
		fault("revoke.ends", "must be grant or account")
	}
	if !slices.Contains([]Early{"", EarlyRefused}, s.Refresh.Early) {
		fault("refresh.early", "must be refused, or absent")
	} else if s.Refresh.Early == EarlyRefused && s.Refresh.Margin != 0 {
		fault("refresh.early", "leaves no margin")
	}
	if !slices.Contains([]Mint{"", MintClientCredentials}, s.Refresh.Mint) {
		fault("refresh.mint", "must be client_credentials, or absent")
	}
	if s.Refresh.Grace != 0 && !s.Refresh.Rotates {
		fault("refresh.grace", "is for refresh tokens that rotate")
	}
	if s.Refresh.Margin < 0 || s.Refresh.Lifetime < 0 {
		fault("refresh", "margin and lifetime cannot be negative")
	}
	names, values := map[string]bool{}, map[string]bool{}
	for i, scope := range s.Scopes {
		if scope.Name == "" || names[scope.Name] || values[scope.value()] {
			fault(fmt.Sprintf("scopes[%d]", i), "needs a name and a value that no other scope has")
		}
		if scope.Unnamed && !scope.Required {
			fault(fmt.Sprintf("scopes[%d]", i), "only a required scope can be unnamed: others may not have been asked for")
		}
		names[scope.Name], values[scope.value()] = true, true
	}
	return errors.Join(faults...)
}

// near reports whether u is plain http to this machine or to a bare address, as an operator's own server may be; egress
// still asks for an allowance.
func near(u *url.URL) bool {
	_, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil)
}

// Pick returns the token that a revocation sends: the one that Send names, or the other when there is no such token.
func (r Revoke) Pick(access, refresh seal.Secret) seal.Secret {
	first, second := refresh, access
	if r.Send == SendAccess {
		first, second = access, refresh
	}
	if first.IsZero() {
		return second
	}
	return first
}

func (s Scope) value() string {
	if s.Value == "" {
		return s.Name
	}
	return s.Value
}

func (s *Server) separator() string {
	if s.Authorize.ScopeSeparator == "" {
		return " "
	}
	return s.Authorize.ScopeSeparator
}

// vendorScopes spells short names as the vendor does.
func (s *Server) vendorScopes(names []string) ([]string, error) {
	out := make([]string, 0, len(names))
	for _, name := range names {
		i := slices.IndexFunc(s.Scopes, func(sc Scope) bool { return sc.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("oauth: there is no scope named %q", name)
		}
		out = append(out, s.Scopes[i].value())
	}
	return out, nil
}

// spelled is vendorScopes of what was granted: what has no name of ours has the vendor's spelling already.
func (s *Server) spelled(granted []string) []string {
	out := slices.Clone(granted)
	for i, name := range out {
		if one, err := s.vendorScopes([]string{name}); err == nil {
			out[i] = one[0]
		}
	}
	return out
}

// shortScopes spells the vendor's scopes as our names, each once; one without a name of ours keeps the vendor's
// spelling. Those that answers never name are added. It returns nil when there are none.
func (s *Server) shortScopes(values []string) []string {
	var out []string
	for _, v := range values {
		if i := slices.IndexFunc(s.Scopes, func(sc Scope) bool { return strings.EqualFold(sc.value(), v) }); i >= 0 {
			v = s.Scopes[i].Name
		}
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	for _, scope := range s.Scopes {
		if scope.Unnamed && len(out) > 0 && !slices.Contains(out, scope.Name) {
			out = append(out, scope.Name)
		}
	}
	return out
}
