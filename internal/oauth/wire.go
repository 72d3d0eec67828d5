package oauth

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/patchbay/patchbay/internal/seal"
)

// Wire speaks to one server as one client. It never follows a redirect, since its requests carry secrets. Errors are
// always *Error; one that wraps the context's error is Transient, and what was sent by then may have been spent.
type Wire struct {
	Server *Server
	Client Client
	// HTTP sends the requests; its timeout, and ctx's, bound them.
	HTTP *http.Client
	// Now reads the clock, for a Retry-After that is a date.
	Now func() time.Time
}

// Exchange turns an authorization code into a token (RFC 6749 section 4.1.3). The verifier and the redirect URL are
// those of the AuthorizeRequest; a zero value is not sent.
func (w *Wire) Exchange(ctx context.Context, code string, verifier seal.Secret, redirectURL string) (*Token, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}}
	if redirectURL != "" {
		form.Set("redirect_uri", redirectURL)
	}
	if w.Server.PKCE != PKCENone && !verifier.IsZero() {
		form.Set("code_verifier", verifier.Reveal())
	}
	for k, v := range w.Server.Token.ExchangeParams {
		form.Set(k, v)
	}
	return w.token(ctx, form, nowhere)
}

// Refresh turns a refresh token into a new access token (RFC 6749 section 6), and spends it where tokens rotate.
func (w *Wire) Refresh(ctx context.Context, refreshToken seal.Secret) (*Token, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken.Reveal()}}
	return w.token(ctx, form, atTheTop)
}

// Mint asks for a new access token with the client's own proof (RFC 6749 section 4.4), for these scopes by short name.
func (w *Wire) Mint(ctx context.Context, scopes []string) (*Token, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(scopes) > 0 {
		form.Set("scope", strings.Join(w.Server.spelled(scopes), w.Server.separator()))
	}
	return w.token(ctx, form, atTheTop)
}

// Revoke gives a token back (RFC 7009). A token that the server no longer knows counts as given back. It fails with
// Misconfigured when the server has no endpoint for this.
func (w *Wire) Revoke(ctx context.Context, token seal.Secret) error {
	if w.Server.Revoke.URL == "" {
		return &Error{Kind: Misconfigured, Err: errNoRevocation}
	}
	form := url.Values{"token": {token.Reveal()}}
	if w.Server.Token.Body != BodyJSON {
		hint := w.Server.Revoke.Send
		if hint == "" {
			hint = SendRefresh
		}
		form.Set("token_type_hint", string(hint))
	}
	a, err := w.post(ctx, w.Server.Revoke.URL, form)
	if err != nil {
		return err
	}
	if a.status >= 200 && a.status < 300 && a.code == "" && !a.failed {
		return nil
	}
	if a.status == http.StatusBadRequest && a.code == "invalid_token" {
		return nil
	}
	return w.failure(a)
}
