package sandbox

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	oauth2errors "github.com/go-oauth2/oauth2/v4/errors"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/provider"
)

// forever is the lifetime of an access token that does not expire.
const forever = 10 * 365 * 24 * time.Hour

// grants is the authorization server that a manifest describes. Its answers look like those of the fixtures, with the
// sandbox's own tokens in them. Every method but serve and fail may be called on nil, which is none.
type grants struct {
	*authServer
	vendor *vendor
	oauth  *oauth.Server

	consent, token, revocation *endpoint

	granted, renewed provider.Answer // the fixtures of a token and of its renewal
	refused          provider.Answer // of a renewal that is refused
	revoked          provider.Answer
}

// newGrants makes the authorization server of a vendor that has one.
func (s *Sandbox) newGrants(v *vendor) *grants {
	o := v.Auth.OAuth2
	g := &grants{
		vendor: v, oauth: o, consent: newEndpoint(o.Authorize.URL), token: newEndpoint(o.Token.URL),
		revocation: newEndpoint(o.Revoke.URL),
	}
	g.granted, _ = v.shown(provider.ShowsToken, "", provider.OK)
	g.renewed, _ = v.shown(provider.ShowsRefresh, "", provider.OK)
	g.refused, _ = v.shown(provider.ShowsRefreshRejected)
	g.revoked, _ = v.shown(provider.ShowsRevoke, "", provider.OK)
	first := g.tokenIn(jsonBody(g.granted))
	_, renewable := first["refresh_token"].(string)
	rules := authRules{
		vendor: v.Title, issuer: o.Issuer,
		shape:  tokenShape{code: mint + "code.", access: mint + "access.", refresh: mint + "refresh."},
		scopes: v.scopes(), scopeParam: firstOf(o.Authorize.ScopeParam, "scope"), separator: o.Authorize.ScopeSeparator,
		lifetime: g.lifetime(first), rotate: o.Refresh.Rotates || s.opts.RotateRefreshTokens,
		offers: func(*http.Request, string, string) bool { return renewable },
		proof:  formProof,
	}
	if rules.separator == "" {
		rules.separator = " "
	}
	if o.Authorize.Signed != nil {
		rules.callback = g.sign
	}
	if o.Token.Client == oauth.ClientBasic {
		rules.proof = basicProof
	}
	g.authServer = s.newAuthServer(rules)
	return g
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

// sign adds what the manifest says that the person comes back with, and the signature over all of it.
func (g *grants) sign(r *http.Request, back url.Values) {
	rule := g.oauth.Authorize.Signed
	in, _ := g.consent.host.read(bareHost(r.Host))
	for name, value := range rule.Match {
		back.Set(name, propertyMark.ReplaceAllStringFunc(value, func(m string) string { return in[m[1:len(m)-1]] }))
	}
	back.Set("timestamp", strconv.FormatInt(g.sandbox.opts.Now().Unix(), 10))
	mac := hmac.New(sha256.New, []byte(g.sandbox.Client(g.vendor.ClientGroup()).Secret.Reveal()))
	mac.Write([]byte(back.Encode()))
	back.Set(rule.Parameter, hex.EncodeToString(mac.Sum(nil)))
}

// named returns the scopes that an answer names.
func (g *grants) named(scopes []string) []string {
	return slices.DeleteFunc(scopes, func(value string) bool {
		return slices.ContainsFunc(g.oauth.Scopes, func(s oauth.Scope) bool {
			return s.Unnamed && firstOf(s.Value, s.Name) == value
		})
	})
}

// lifetime is how long an access token lives: as the fixture says, unless the sandbox was told otherwise.
func (g *grants) lifetime(first map[string]any) time.Duration {
	seconds, _ := first["expires_in"].(json.Number)
	n, err := seconds.Int64()
	switch {
	case err != nil && g.oauth.Refresh.Lifetime > 0:
		return g.oauth.Refresh.Lifetime
	case err != nil:
		return forever
	case g.vendor.sandbox.lifetimeGiven:
		return g.vendor.sandbox.opts.AccessTokenLifetime
	}
	return time.Duration(n) * time.Second
}

// tokenIn returns the object of an answer in which the token lies.
func (g *grants) tokenIn(body any) map[string]any {
	top, _ := body.(map[string]any)
	token := top
	if g.oauth.Token.At != "" {
		for name := range strings.SplitSeq(g.oauth.Token.At, ".") {
			token, _ = token[name].(map[string]any)
		}
	}
	if token == nil { // a renewal may leave it at the top
		return top
	}
	return token
}

func (g *grants) at(host string) bool {
	return g != nil && slices.ContainsFunc([]*endpoint{g.consent, g.token, g.revocation}, func(e *endpoint) bool {
		return e != nil && g.stands(e, host)
	})
}

// stands reports whether an endpoint's host can be this one.
func (g *grants) stands(e *endpoint, host string) bool {
	_, ok := e.host.read(host)
	return ok && (!e.host.open || slices.ContainsFunc(g.vendor.families, func(f string) bool { return inFamily(f, host) }))
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
func (g *grants) consents(host string) bool { return g != nil && g.stands(g.consent, host) }

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
		g.authorize(w, r)
	case g.token.matches(host, path) && post:
		if !g.read(r) {
			g.refuse(w, "", oauth2errors.ErrInvalidRequest)
			return
		}
		g.authServer.token(g.refuse, g.grant)(w, r)
	case g.revocation.matches(host, path) && post:
		g.revoke(w, r)
	default:
		writeJSON(w, http.StatusMethodNotAllowed, map[string]any{"error": "method_not_allowed"})
	}
}

// read turns the body that the manifest speaks of into a form; another kind of body is refused.
func (g *grants) read(r *http.Request) bool {
	kind := strings.TrimSpace(strings.SplitN(r.Header.Get("Content-Type"), ";", 2)[0])
	if g.oauth.Token.Body != oauth.BodyJSON {
		return kind == "application/x-www-form-urlencoded" && r.ParseForm() == nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || kind != "application/json" {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var values map[string]any
	if json.Unmarshal(body, &values) != nil {
		return false
	}
	form := url.Values{}
	for name, v := range values {
		form.Set(name, fmt.Sprint(v))
	}
	if form.Get("grant_type") == "" && form.Has("code") {
		form.Set("grant_type", string(oauth2.AuthorizationCode))
	}
	r.PostForm, r.Form = form, form
	return true
}

// grant words a token as the fixture does.
func (g *grants) grant(w http.ResponseWriter, gt oauth2.GrantType, info oauth2.TokenInfo) {
	shape := g.granted
	if gt == oauth2.Refreshing && g.renewed.Body != nil {
		shape = g.renewed
	}
	body, _ := jsonBody(shape).(map[string]any)
	if body == nil {
		body = map[string]any{"token_type": "Bearer"}
	}
	token := g.tokenIn(body)
	token["access_token"] = info.GetAccess()
	delete(token, "refresh_token")
	if info.GetRefresh() != "" {
		token["refresh_token"] = info.GetRefresh()
	}
	if _, ok := token["expires_in"]; ok {
		token["expires_in"] = int(info.GetAccessExpiresIn() / time.Second)
	}
	scopes := g.named(strings.Fields(info.GetScope()))
	switch token["scope"].(type) {
	case string:
		token["scope"] = strings.Join(scopes, g.separator)
	case []any:
		token["scope"] = scopes
	}
	writeFixture(w, provider.Answer{Status: shape.Status, Headers: shape.Headers}, body)
}

// refuse words an error of the token endpoint: that of a renewal as the fixture does, others by RFC 6749 section 5.2.
func (g *grants) refuse(w http.ResponseWriter, gt oauth2.GrantType, err error) {
	status, code := http.StatusBadRequest, "invalid_request"
	switch {
	case errors.Is(err, oauth2errors.ErrInvalidGrant) && gt == oauth2.Refreshing && g.refused.Body != nil:
		writeFixture(w, g.refused, jsonBody(g.refused))
		return
	case errors.Is(err, oauth2errors.ErrInvalidGrant), errors.Is(err, oauth2errors.ErrInvalidAuthorizeCode),
		errors.Is(err, oauth2errors.ErrMissingCodeVerifier):
		code = "invalid_grant"
	case errors.Is(err, oauth2errors.ErrInvalidClient):
		status, code = http.StatusUnauthorized, "invalid_client"
	case errors.Is(err, oauth2errors.ErrInvalidScope):
		code = "invalid_scope"
	case errors.Is(err, oauth2errors.ErrUnsupportedGrantType), errors.Is(err, oauth2errors.ErrUnauthorizedClient):
		code = "unsupported_grant_type"
	case errors.Is(err, oauth2errors.ErrInvalidRequest):
	default:
		status, code = http.StatusInternalServerError, "server_error"
	}
	writeJSON(w, status, map[string]any{"error": code, "error_description": "The sandbox refuses this: " + code + "."})
}

// revoke ends the grant of the token that is given back, in the body or as a bearer token (RFC 7009). A token that is not
// known is no error.
func (g *grants) revoke(w http.ResponseWriter, r *http.Request) {
	g.read(r)
	token := firstOf(r.PostFormValue("token"), bearerToken(r))
	if known := g.sandbox.ledger.owner(token); known != nil {
		if _, err := g.sandbox.ledger.revoke(func(o Grant) bool { return o.ID == known.ID }); err != nil {
			g.fail(w, Fault{Kind: ServerError})
			return
		}
	}
	writeFixture(w, g.revoked, jsonBody(g.revoked))
}

// fail words a fault at the authorization server.
func (g *grants) fail(w http.ResponseWriter, f Fault) {
	switch f.Kind {
	case Unauthorized:
		g.refuse(w, "", oauth2errors.ErrInvalidClient)
	case RateLimited, TooManyRequests:
		writeJSON(w, http.StatusTooManyRequests, map[string]any{"error": "rate_limit_exceeded"})
	default:
		writeJSON(w, http.StatusInternalServerError, map[string]any{"error": "server_error"})
	}
}
