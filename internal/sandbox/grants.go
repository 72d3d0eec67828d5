package sandbox

import (
	"net/http"
	"slices"
	"sync"
	"time"

	oauth2errors "github.com/go-oauth2/oauth2/v4/errors"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/provider"
)

// forever is the lifetime of an access token that does not expire.
const forever = 10 * 365 * 24 * time.Hour

// grants is the authorization server that a manifest describes. Its answers look like those of the fixtures, with the
// sandbox's own tokens in them. Methods that ask where it is may be called on nil, which is none.
type grants struct {
	vendor *vendor
	oauth  *oauth.Server
	server func() *authServer

	consent, token, revocation *endpoint
}

// newGrants makes the authorization server of a vendor that has one.
func newGrants(v *vendor) *grants {
	o := v.Auth.OAuth2
	g := &grants{
		vendor: v, oauth: o, consent: newEndpoint(o.Authorize.URL), token: newEndpoint(o.Token.URL),
		revocation: newEndpoint(o.Revoke.URL),
	}
	g.server = sync.OnceValue(func() *authServer { return v.sandbox.newAuthServer(g.rules()) })
	return g
}

// rules are what the manifest and the fixture of a token say.
func (g *grants) rules() authRules {
	o := g.oauth
	granted, _ := g.vendor.shown(provider.ShowsToken, "", provider.OK)
	first := g.tokenIn(jsonBody(granted))
	_, renewable := first["refresh_token"].(string)
	rules := authRules{
		vendor: g.vendor.Title, issuer: o.Issuer,
		shape:  tokenShape{code: mint + "code.", access: mint + "access.", refresh: mint + "refresh."},
		scopes: g.vendor.scopes(), scopeParam: firstOf(o.Authorize.ScopeParam, "scope"),
		separator: firstOf(o.Authorize.ScopeSeparator, " "),
		lifetime:  g.lifetime(first), rotate: o.Refresh.Rotates || g.vendor.sandbox.opts.RotateRefreshTokens,
		grace: time.Duration(o.Refresh.Grace), early: o.Refresh.Early != oauth.EarlyRefused,
		mints:  o.Refresh.Mint == oauth.MintClientCredentials,
		offers: func(*http.Request, string, string) bool { return renewable },
		proof:  formProof,
	}
	if o.Refresh.Grace == oauth.GraceAlways {
		rules.grace = forever
	}
	if o.Authorize.Signed != nil {
		rules.callback = g.sign
	}
	if o.Token.Client == oauth.ClientBasic {
		rules.proof = basicProof
	}
	return rules
}

// scopes are those of the manifest, and what the consent page says of them.
func (v *vendor) scopes() []scopeText {
	var out []scopeText
	for _, s := range v.Auth.OAuth2.Scopes {
		value := s.Value
		if value == "" {
			value = s.Name
		}
		out = append(out, scopeText{value, firstOf(s.Description, s.Name)})
	}
	return out
}

// scopesAt adds the scopes of the catalog's providers whose consent page is at a host to those that are known there.
func (s *Sandbox) scopesAt(host string, known []scopeText) []scopeText {
	if s.opts.Catalog == nil {
		return known
	}
	known = slices.Clone(known)
	for _, p := range s.opts.Catalog.All() {
		if p.Auth.OAuth2 == nil || hostOf(p.Auth.OAuth2.Authorize.URL) != host {
			continue
		}
		for _, one := range (&vendor{Provider: p}).scopes() {
			if !slices.ContainsFunc(known, func(k scopeText) bool { return k.Value == one.Value }) {
				known = append(known, one)
			}
		}
	}
	return known
}

func (g *grants) at(host string) bool {
	return g != nil && slices.ContainsFunc([]*endpoint{g.consent, g.token, g.revocation}, func(e *endpoint) bool {
		return e != nil && g.vendor.stands(e.host, host)
	})
}

func (g *grants) names() []string {
	if g == nil {
		return nil
	}
	var out []string
	for _, e := range []*endpoint{g.consent, g.token, g.revocation} {
		if e != nil && !e.host.open {
			out = append(out, propertyMark.ReplaceAllString(e.host.text, "*"))
		}
	}
	return out
}

// consents reports whether the consent page is at a host.
func (g *grants) consents(host string) bool { return g != nil && g.vendor.stands(g.consent.host, host) }

// takes reports whether a request is the authorization server's.
func (g *grants) takes(host, path string) bool {
	return g != nil && (g.consent.matches(host, path) || g.token.matches(host, path) || g.revocation.matches(host, path))
}

// serve answers a request that it takes.
func (g *grants) serve(w http.ResponseWriter, r *http.Request, host string) {
	path := r.URL.EscapedPath()
	post := r.Method == http.MethodPost
	switch {
	case g.consent.matches(host, path) && (post || r.Method == http.MethodGet) && !(post && g.token.matches(host, path)):
		g.server().authorize(w, r)
	case g.token.matches(host, path) && post:
		if !g.read(r) {
			g.refuse(w, "", oauth2errors.ErrInvalidRequest)
			return
		}
		g.server().token(g.refuse, g.grant)(w, r)
	case g.revocation.matches(host, path) && post:
		g.revoke(w, r)
	default:
		writeJSON(w, http.StatusMethodNotAllowed, map[string]any{"error": "method_not_allowed"})
	}
}
