package sandbox

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	oauth2errors "github.com/go-oauth2/oauth2/v4/errors"
	"github.com/go-oauth2/oauth2/v4/manage"
	"github.com/go-oauth2/oauth2/v4/server"
)

// authServer is one vendor's OAuth 2.0 authorization server. The library does the protocol; what is the vendor's own,
// names and words, comes in as data.
type authServer struct {
	authRules
	sandbox *Sandbox
	lib     *server.Server

	// exchange makes requests to the token endpoint come one after the other, so that a one-time token is used once.
	exchange sync.Mutex
}

// authRules are what is a vendor's own about its authorization server.
type authRules struct {
	vendor string // as shown to people
	issuer string // "" for one that does not name itself
	shape  tokenShape
	scopes []scopeText
	// scopeParam and separator say how a request names its scopes.
	scopeParam, separator string
	lifetime              time.Duration // of an access token
	rotate                bool
	grace                 time.Duration // how long a refresh token works after it was replaced; forever for always
	early                 bool          // whether a token can be renewed while it works
	mints                 bool          // whether the client gets a token for itself (RFC 6749 section 4.4)
	// offers decides whether the exchange of a code that this request asked for gives a refresh token.
	offers func(r *http.Request, group, account string) bool
	// proof takes the client's id and secret out of a request to the token endpoint.
	proof func(r *http.Request) (id, secret string, ok bool)
	// callback adds what this vendor sends back to the client besides a code; nil for one that adds nothing.
	callback func(r *http.Request, back url.Values)
}

// scopeText is a scope and what the consent page says of it.
type scopeText struct{ Value, Text string }

// tokenShape is how a vendor's codes and tokens begin.
type tokenShape struct{ code, access, refresh string }

// Token makes an authorization code. (oauth2.AuthorizeGenerate)
func (t tokenShape) Token(context.Context, *oauth2.GenerateBasic) (string, error) {
	return t.code + randomToken(32), nil
}

// accessTokens makes access and refresh tokens.
type accessTokens struct {
	tokenShape
	rotate bool
}

// Token makes an access token, and a refresh token where the vendor gives one: with a code whose request asked for it,
// and with a refresh when refresh tokens rotate. (oauth2.AccessGenerate)
func (t accessTokens) Token(_ context.Context, b *oauth2.GenerateBasic, _ bool) (access, refresh string, err error) {
	access = t.access + randomToken(48)
	if held := b.TokenInfo.GetRefresh() != ""; held && t.rotate || !held && extension(b.TokenInfo).Get(extRefresh) != "" {
		refresh = t.refresh + randomToken(48)
	}
	return access, refresh, nil
}

func extension(t oauth2.TokenInfo) url.Values {
	if e, ok := t.(oauth2.ExtendableTokenInfo); ok {
		return e.GetExtension()
	}
	return nil
}

func (s *Sandbox) newAuthServer(rules authRules) *authServer {
	a := &authServer{sandbox: s, authRules: rules}
	m := manage.NewManager()
	m.MapTokenStorage(graced{s.ledger, a.grace})
	m.MapClientStorage(s.ledger)
	m.MapAuthorizeGenerate(a.shape)
	m.MapAccessGenerate(accessTokens{a.shape, a.rotate})
	m.SetAuthorizeCodeExp(codeLifetime)
	m.SetAuthorizeCodeTokenCfg(&manage.Config{AccessTokenExp: a.lifetime, IsGenerateRefresh: true})
	m.SetRefreshTokenCfg(&manage.RefreshingConfig{
		AccessTokenExp: a.lifetime, IsGenerateRefresh: true, IsRemoveRefreshing: a.rotate,
	})
	m.SetClientTokenCfg(&manage.Config{AccessTokenExp: a.lifetime})
	// Any redirect URL that checkAuthorize lets through is the client's; the library still compares it at the exchange.
	m.SetValidateURIHandler(func(string, string) error { return nil })
	m.SetExtractExtensionHandler(a.extend)

	a.lib = server.NewServer(&server.Config{
		TokenType:                   "Bearer",
		AllowedResponseTypes:        []oauth2.ResponseType{oauth2.Code},
		AllowedGrantTypes:           []oauth2.GrantType{oauth2.AuthorizationCode, oauth2.Refreshing},
		AllowedCodeChallengeMethods: []oauth2.CodeChallengeMethod{oauth2.CodeChallengeS256, oauth2.CodeChallengePlain},
	}, m)
	if a.mints {
		a.lib.Config.AllowedGrantTypes = append(a.lib.Config.AllowedGrantTypes, oauth2.ClientCredentials)
	}
	a.lib.ClientScopeHandler = func(tgr *oauth2.TokenGenerateRequest) (bool, error) {
		tgr.Scope = strings.ReplaceAll(tgr.Scope, a.separator, " ")
		return !slices.ContainsFunc(strings.Fields(tgr.Scope), func(value string) bool {
			return !slices.ContainsFunc(a.scopes, func(s scopeText) bool { return s.Value == value })
		}), nil
	}
	a.lib.ClientInfoHandler = a.client
	a.lib.RefreshTokenResolveHandler = a.refreshToken
	a.lib.RefreshingScopeHandler = func(tgr *oauth2.TokenGenerateRequest, granted string) (bool, error) {
		return subset(strings.Fields(tgr.Scope), strings.Fields(granted)), nil
	}
	return a
}

// extend gives a new grant its id and notes whether its exchange yields a refresh token.
func (a *authServer) extend(tgr *oauth2.TokenGenerateRequest, t oauth2.ExtendableTokenInfo) {
	ext := t.GetExtension()
	if ext.Get(extGrant) != "" {
		return
	}
	if ext == nil {
		ext = url.Values{}
	}
	ext.Set(extGrant, "grant_"+randomToken(12))
	group, _ := a.sandbox.ledger.clientGroup(tgr.ClientID)
	if tgr.UserID != "" && a.offers(tgr.Request, group, tgr.UserID) {
		ext.Set(extRefresh, "yes")
	}
	t.SetExtension(ext)
}

// client authenticates the client of a request to the token endpoint.
func (a *authServer) client(r *http.Request) (id, secret string, err error) {
	id, secret, ok := a.proof(r)
	if !ok || !a.sandbox.ledger.checkClient(id, secret) {
		return "", "", oauth2errors.ErrInvalidClient
	}
	return id, secret, nil
}

// basicProof and formProof are the ways of RFC 6749 section 2.3.1; eitherProof takes both.
func basicProof(r *http.Request) (id, secret string, ok bool) {
	id, secret, ok = r.BasicAuth()
	id, err1 := url.QueryUnescape(id)
	secret, err2 := url.QueryUnescape(secret)
	return id, secret, ok && errors.Join(err1, err2) == nil
}

func formProof(r *http.Request) (id, secret string, ok bool) {
	return r.PostFormValue("client_id"), r.PostFormValue("client_secret"), true
}

func eitherProof(r *http.Request) (id, secret string, ok bool) {
	if _, _, basic := r.BasicAuth(); basic {
		return basicProof(r)
	}
	return formProof(r)
}

// refreshToken takes the refresh token out of a request; one that was issued to another client is refused here, which
// the library leaves to its caller (RFC 6749 section 6).
func (a *authServer) refreshToken(r *http.Request) (string, error) {
	token := r.PostFormValue("refresh_token")
	if token == "" {
		return "", oauth2errors.ErrInvalidRequest
	}
	id, _, err := a.client(r)
	if err != nil {
		return "", err
	}
	group, _ := a.sandbox.ledger.clientGroup(id)
	g := a.sandbox.ledger.owner(token)
	if g == nil || g.Group != group {
		return "", oauth2errors.ErrInvalidGrant
	}
	if !a.early && a.sandbox.ledger.opens(g.ID) {
		return "", oauth2errors.ErrInvalidRequest
	}
	return token, nil
}

// token serves the token endpoint. Refuse words an error as the vendor does, and grant what was granted.
func (a *authServer) token(
	refuse func(http.ResponseWriter, oauth2.GrantType, error),
	grant func(http.ResponseWriter, oauth2.GrantType, oauth2.TokenInfo),
) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.exchange.Lock()
		defer a.exchange.Unlock()
		gt, tgr, err := a.lib.ValidationTokenRequest(r)
		if err != nil {
			refuse(w, oauth2.GrantType(r.PostFormValue("grant_type")), err)
			return
		}
		info, err := a.lib.GetAccessToken(r.Context(), gt, tgr)
		if err != nil {
			refuse(w, gt, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		grant(w, gt, info)
	}
}

func subset(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}
