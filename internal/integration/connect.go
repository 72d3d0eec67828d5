package integration

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/viewer"
)

const (
	// attemptLife is how long a person has for the consent page.
	attemptLife = 10 * time.Minute
	// maxName is the longest name of an integration: in characters as people count, and in bytes as the column does.
	maxName = 200
)

// ConnectInput asks for the way to a provider's consent page.
type ConnectInput struct {
	// UserID is nil for an integration of the company.
	UserID   *string
	Provider string
	// Scopes are short names; empty means the provider's defaults. When an integration is connected again, what it was
	// granted before is asked for besides.
	Scopes []string
	// RedirectURL is where the provider sends the person back; nil means Patchbay's own pages.
	RedirectURL *string
	Config      map[string]any
	Name        *string
	// IntegrationID is the integration to connect again. It belongs to whom it belongs; UserID may then be left out.
	IntegrationID *string
	// AcceptOtherAccount lets another account take the place of the integration's own.
	AcceptOtherAccount bool
}

// Validate returns every fault that the input shows by itself, joined.
func (in ConnectInput) Validate() error {
	var faults []error
	if in.UserID != nil {
		faults = append(faults, id.Check(id.User, *in.UserID, "input", "userId"))
	}
	if in.IntegrationID != nil {
		faults = append(faults, id.Check(id.Integration, *in.IntegrationID, "input", "integrationId"))
	}
	if in.RedirectURL != nil {
		faults = append(faults, checkRedirect(*in.RedirectURL))
	}
	if in.Name != nil {
		faults = append(faults, checkName(*in.Name))
	}
	return errors.Join(faults...)
}

// Attempt is the way to a provider's consent page.
type Attempt struct {
	// AuthorizationURL is where the person's browser goes: the provider's page, or Patchbay's own start page when the
	// caller gave no redirect URL.
	AuthorizationURL string
	// State comes back with the person, and works once.
	State     seal.Secret
	ExpiresAt time.Time
}

// Connect begins to connect a provider. Nothing is sent to the provider; the person's browser goes there.
func (s *Service) Connect(ctx context.Context, in ConnectInput) (*Attempt, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	v, _ := viewer.From(ctx)
	if v.Company == "" {
		return nil, errors.New("integration: a viewer without a company cannot connect")
	}
	p, client, err := s.connectable(in.Provider)
	if err != nil {
		return nil, err
	}
	if err := s.allowRedirect(in.RedirectURL); err != nil {
		return nil, err
	}
	before, owner, err := s.whose(ctx, in)
	if err != nil {
		return nil, err
	}
	scopes, err := askFor(p, in.Scopes, before)
	if err != nil {
		return nil, err
	}
	given, err := s.settingsFor(p, provider.OAuth2, forConsent(p, before), in.Config, nil)
	if err != nil {
		return nil, err
	}
	if err := given.notHere(p); err != nil {
		return nil, err
	}
	if _, err := oauthFor(p, given.public); err != nil {
		return nil, err
	}

	state := newState()
	rowID := s.NewID(id.ConnectAttempt)
	verifier, err := s.newVerifier(p, v.Company, rowID)
	if err != nil {
		return nil, err
	}
	secrets, err := s.sealSecrets(given.secrets, v.Company, rowID)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	var row *ent.ConnectAttempt
	err = s.begin(ctx, owner, func(ctx context.Context) (err error) {
		row, err = s.Store.Client(ctx).ConnectAttempt.Create().SetID(rowID).SetNillableUserID(owner).
			SetProvider(p.Name).SetNillableIntegrationID(in.IntegrationID).
			SetStateHash(hashState(state.Reveal())).SetVerifier(verifier.sealed).
			SetRedirectURL(s.redirectFor(in.RedirectURL)).SetOwnPage(in.RedirectURL == nil).
			SetScopes(scopes).SetConfig(given.public).SetSecrets(secrets).
			SetNillableName(trimmed(in.Name)).SetAcceptOtherAccount(in.AcceptOtherAccount).SetClientID(client.ID).
			SetStatus(string(Pending)).SetCreatedAt(now).SetExpiresAt(now.Add(attemptLife)).Save(ctx)
		if err != nil {
			return fmt.Errorf("begin to connect: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	attempt := &Attempt{State: state, ExpiresAt: row.ExpiresAt}
	if row.OwnPage {
		attempt.AuthorizationURL = s.PublicURL + "/oauth/start/" + state.Reveal()
		return attempt, nil
	}
	attempt.AuthorizationURL, err = s.authorizeURL(p, client, row, state, verifier.plain)
	return attempt, err
}

// connectable returns a provider that is connected by authorization, and the OAuth client to do it with.
func (s *Service) connectable(name string) (*provider.Provider, oauth.Client, error) {
	p, err := s.providerNamed(name)
	if err != nil {
		return nil, oauth.Client{}, err
	}
	if p.Auth.OAuth2 == nil {
		return nil, oauth.Client{}, problem.New(problem.Invalid,
			"%s is not connected by authorization: use integrationCreate.", p.Title).At("input", "provider")
	}
	client, ok := s.Client(p.ClientGroup())
	if !ok || client.ID == "" {
		return nil, oauth.Client{}, problem.New(problem.Invalid,
			"%s cannot be connected here yet: the operator has to configure an OAuth client for %q.", p.Title,
			p.ClientGroup()).At("input", "provider")
	}
	return p, client, nil
}

// whose returns the integration to connect again, if any, and the user that the attempt is bound to.
func (s *Service) whose(ctx context.Context, in ConnectInput) (*ent.Integration, *string, error) {
	if in.IntegrationID == nil {
		owner, err := s.owner(ctx, in.UserID)
		return nil, owner, err
	}
	row, err := s.Get(ctx, *in.IntegrationID, "input", "integrationId")
	if err != nil {
		return nil, nil, err
	}
	if row.Provider != in.Provider {
		return nil, nil, problem.New(problem.Invalid, "This integration is of another provider.").At("input", "integrationId")
	}
	if in.UserID != nil && !equal(in.UserID, row.UserID) {
		return nil, nil, errNoIntegration.At("input", "integrationId")
	}
	return row, row.UserID, nil
}

// forConsent is an integration as a new grant finds it: without its secrets, which go with the credential that the grant
// replaces, and without settings that only another way to authenticate knows.
func forConsent(p *provider.Provider, row *ent.Integration) *ent.Integration {
	if row == nil {
		return nil
	}
	bare := *row
	bare.SecretNames = nil
	if row.AuthKind != provider.OAuth2 {
		known, _ := p.ConfigSchema(provider.OAuth2)["properties"].(map[string]any)
		bare.Config = maps.Clone(row.Config)
		maps.DeleteFunc(bare.Config, func(name string, _ any) bool { return known[name] == nil })
	}
	return &bare
}

// authorizeURL builds the address of the provider's consent page.
func (s *Service) authorizeURL(p *provider.Provider, client oauth.Client, row *ent.ConnectAttempt, state,
	verifier seal.Secret,
) (string, error) {
	server, err := oauthFor(p, row.Config)
	if err != nil {
		return "", err
	}
	address, err := server.AuthorizeURL(client, oauth.AuthorizeRequest{
		State: state.Reveal(), Verifier: verifier, RedirectURL: row.RedirectURL, Scopes: row.Scopes,
	})
	if err != nil {
		return "", fmt.Errorf("build the address of %s's consent page: %w", p.Name, err)
	}
	if s.Visit != nil {
		address = s.Visit(address)
	}
	return address, nil
}

// oauthFor returns the authorization server for a config; a setting that its addresses cannot be made from is a fault of
// the input.
func oauthFor(p *provider.Provider, config map[string]any) (*oauth.Server, error) {
	server, err := p.OAuthFor(config)
	return server, problem.Below(err, "input")
}

func checkName(name string) error {
	if err := problem.CheckLength("The name", name, 1, maxName, "input", "name"); err != nil {
		return err
	}
	if n := len(strings.TrimSpace(name)); n > maxName {
		return problem.New(problem.Invalid, "The name takes %d bytes; at most %d are kept.", n, maxName).At("input", "name")
	}
	return nil
}

// newState returns 32 random bytes as base64url: what RFC 6749 section 10.12 asks for, and more.
func newState() seal.Secret {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return seal.NewSecret(base64.RawURLEncoding.EncodeToString(b[:]))
}

func trimmed(s *string) *string {
	if s == nil {
		return nil
	}
	t := strings.TrimSpace(*s)
	return &t
}
