package oauth

import (
	"cmp"
	"errors"
	"strings"

	"golang.org/x/oauth2"

	"github.com/patchbay/patchbay/internal/seal"
)

// AuthorizeRequest is one person's way to the consent page.
type AuthorizeRequest struct {
	State string
	// Verifier is the PKCE secret; zero only where the server takes no PKCE.
	Verifier    seal.Secret
	RedirectURL string
	// Scopes are short names.
	Scopes []string
}

// NewVerifier returns a fresh PKCE verifier of 32 random octets (RFC 7636 section 4.1).
func NewVerifier() seal.Secret { return seal.NewSecret(oauth2.GenerateVerifier()) }

// AuthorizeURL returns the address of the consent page, with the S256 challenge of r.Verifier unless the server takes
// no PKCE. It fails on an unknown scope and on a missing state or verifier.
func (s *Server) AuthorizeURL(client Client, r AuthorizeRequest) (string, error) {
	if client.ID == "" {
		return "", errors.New("oauth: there is no client id")
	}
	if r.State == "" {
		return "", errors.New("oauth: there is no state")
	}
	scopes, err := s.vendorScopes(r.Scopes)
	if err != nil {
		return "", err
	}
	var options []oauth2.AuthCodeOption
	for k, v := range s.Authorize.Params {
		options = append(options, oauth2.SetAuthURLParam(k, v))
	}
	if len(scopes) > 0 {
		options = append(options, oauth2.SetAuthURLParam(cmp.Or(s.Authorize.ScopeParam, "scope"), strings.Join(scopes, s.separator())))
	}
	if s.PKCE != PKCENone {
		if r.Verifier.IsZero() {
			return "", errors.New("oauth: this server takes PKCE, and there is no verifier")
		}
		options = append(options, oauth2.S256ChallengeOption(r.Verifier.Reveal()))
	}
	config := oauth2.Config{
		ClientID: client.ID, RedirectURL: r.RedirectURL,
		Endpoint: oauth2.Endpoint{AuthURL: s.Authorize.URL},
	}
	return config.AuthCodeURL(r.State, options...), nil
}
