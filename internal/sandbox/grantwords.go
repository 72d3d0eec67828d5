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

// sign adds what the manifest says that the person comes back with, and the signature over all of it.
func (g *grants) sign(r *http.Request, back url.Values) {
	rule := g.oauth.Authorize.Signed
	in, _ := g.consent.host.read(bareHost(r.Host))
	for name, value := range rule.Match {
		back.Set(name, propertyMark.ReplaceAllStringFunc(value, func(m string) string { return in[m[1:len(m)-1]] }))
	}
	back.Set("timestamp", strconv.FormatInt(g.vendor.sandbox.opts.Now().Unix(), 10))
	mac := hmac.New(sha256.New, []byte(g.vendor.sandbox.Client(g.vendor.ClientGroup()).Secret.Reveal()))
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
	shape, _ := g.vendor.shown(provider.ShowsToken, "", provider.OK)
	if renewed, ok := g.vendor.shown(provider.ShowsRefresh, "", provider.OK); ok && gt == oauth2.Refreshing {
		shape = renewed
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
		token["scope"] = strings.Join(scopes, g.server().separator)
	case []any:
		token["scope"] = scopes
	}
	writeFixture(w, provider.Answer{Status: shape.Status, Headers: shape.Headers}, body)
}

// refuse words an error of the token endpoint: that of a renewal as the fixture does, others by RFC 6749 section 5.2.
func (g *grants) refuse(w http.ResponseWriter, gt oauth2.GrantType, err error) {
	if shown, ok := g.vendor.shown(provider.ShowsRefreshRejected); ok && gt == oauth2.Refreshing &&
		errors.Is(err, oauth2errors.ErrInvalidGrant) {
		writeFixture(w, shown, jsonBody(shown))
		return
	}
	status, code := http.StatusBadRequest, "invalid_request"
	switch {
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

// revoke ends the grant of the token that is given back, in the body or as a bearer token (RFC 7009). A token that is
// not known is no error.
func (g *grants) revoke(w http.ResponseWriter, r *http.Request) {
	g.read(r)
	token := firstOf(r.PostFormValue("token"), bearerToken(r))
	if known := g.vendor.sandbox.ledger.owner(token); known != nil {
		if _, err := g.vendor.sandbox.ledger.revoke(func(o Grant) bool { return o.ID == known.ID }); err != nil {
			g.fail(w, Fault{Kind: ServerError})
			return
		}
	}
	shown, _ := g.vendor.shown(provider.ShowsRevoke, "", provider.OK)
	writeFixture(w, shown, jsonBody(shown))
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
