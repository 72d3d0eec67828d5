package credential

import (
	"context"
	"maps"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/viewer"
)

// Grant is what a person or an administrator has given for an integration.
type Grant struct {
	IntegrationID string
	UserID        *string // nil for what belongs to the company
	Provider      string
	AuthKind      string
	// Config is the integration's, without secrets. The addresses of the authorization server are made from it, also when
	// the integration is gone.
	Config map[string]any
	// Token is what the authorization server answered; nil for the other kinds.
	Token *oauth.Token
	// ClientID is the OAuth client that the tokens were issued to.
	ClientID string
	// Scopes are what was granted, by short name.
	Scopes []string
	// Secrets are named values: static keys, passwords, placeholders.
	Secrets    map[string]seal.Secret
	SigningKey seal.Secret
	// OtherAccount says that the tokens stored so far belong to another account at the provider: these are then given
	// back there rather than written over.
	OtherAccount bool
	// OldAccount is the provider's id of that account.
	OldAccount *string
	// OldShared says that another integration lives on the grant of that account, which is then not given back.
	OldShared bool
}

// Save seals a grant and stores it as its integration's credential, in the caller's transaction. It returns when the
// access token ends, nil when it does not. Over an earlier grant of the same client and account an absent refresh token
// keeps the old one (RFC 6749 section 6), and a revocation that still waits is dropped, since it could end the new
// grant as well.
func (s *Service) Save(ctx context.Context, g Grant) (*time.Time, error) {
	ctx = inside(ctx)
	now := s.Now()
	old, err := s.Rows.Of(ctx, g.IntegrationID)
	switch {
	case problem.Is(err, problem.NotFound):
		old = nil
	case err != nil:
		return nil, err
	case g.OtherAccount:
		if _, err := s.stop(ctx, old, Stopping{Account: g.OldAccount, Drop: g.OldShared, Detach: true}); err != nil {
			return nil, err
		}
		old = nil
	}
	v, _ := viewer.From(ctx)
	row := &ent.Credential{
		ID: s.NewID(id.Credential), CompanyID: v.Company, IntegrationID: &g.IntegrationID, UserID: g.UserID,
		Provider: g.Provider, AuthKind: g.AuthKind, State: Active, Generation: 1, CreatedAt: now, UpdatedAt: now,
	}
	if old != nil {
		row.ID, row.CompanyID = old.ID, old.CompanyID
	}
	if g.ClientID != "" {
		row.ClientID = &g.ClientID
	}
	if row.Secrets, err = s.sealBundle(row, g.Secrets, g.SigningKey); err != nil {
		return nil, err
	}
	if g.Token != nil {
		row.Config = g.Config
		t, err := s.seal(row, g.Token, 0)
		if err != nil {
			return nil, err
		}
		if old != nil && len(t.Refresh) == 0 && s.sameGrant(old, row) {
			t.Refresh = old.RefreshToken
		}
		row.AccessToken, row.RefreshToken, row.TokenType = t.Access, t.Refresh, t.Type
		row.ExpiresAt, row.LifetimeSeconds, row.RefreshedAt = t.ExpiresAt, int64(t.Lifetime/time.Second), &t.At
		if row.RefreshAt = t.RefreshAt; !s.renewable(row) {
			row.RefreshAt = t.ExpiresAt
		}
	}
	row.Scopes = g.Scopes
	if old == nil {
		return row.ExpiresAt, s.Rows.Insert(ctx, row)
	}
	return row.ExpiresAt, s.Rows.Replace(ctx, row)
}

// SaveSecrets changes named secrets of an integration's credential, in the caller's transaction: a zero value removes
// its name, and names that are not mentioned stay.
func (s *Service) SaveSecrets(ctx context.Context, integrationID string, changes map[string]seal.Secret) error {
	ctx = inside(ctx)
	row, err := s.Rows.Of(ctx, integrationID)
	if err != nil {
		return err
	}
	if row.State == Ending {
		return s.ended(row)
	}
	secrets, key, err := s.openBundle(row)
	if err != nil {
		return s.unreadable(ctx, row, health.Present, err)
	}
	if secrets == nil {
		secrets = map[string]seal.Secret{}
	}
	maps.Copy(secrets, changes)
	maps.DeleteFunc(secrets, func(_ string, v seal.Secret) bool { return v.IsZero() })
	if row.Secrets, err = s.sealBundle(row, secrets, key); err != nil {
		return err
	}
	if row.AuthKind == provider.OAuth2 { // tokens have a life of their own, which typed-in secrets neither renew nor end
		return s.Rows.SetSecrets(ctx, row.ID, row.Secrets, s.Now())
	}
	row.State = Active
	return s.Rows.Replace(ctx, row)
}

// SaveConfig notes a change of the integration's config with its credential, in the caller's transaction. An integration
// without a credential has nothing to note it with.
func (s *Service) SaveConfig(ctx context.Context, integrationID string, config map[string]any) error {
	ctx = inside(ctx)
	row, err := s.Rows.Of(ctx, integrationID)
	if problem.Is(err, problem.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Rows.SetConfig(ctx, row.ID, config, s.Now())
}

// seal makes what is stored out of what a server answered. last is the lifetime of the token before.
func (s *Service) seal(row *ent.Credential, tok *oauth.Token, last time.Duration) (Tokens, error) {
	t := Tokens{Type: tok.Type, Scopes: tok.Scopes, At: s.Now()}
	rules := s.rules(row)
	var err error
	if t.Access, err = s.Ring.Seal(tok.Access, place(row, accessColumn)); err != nil {
		return Tokens{}, err
	}
	if t.Refresh, err = s.Ring.Seal(tok.Refresh, place(row, refreshColumn)); err != nil {
		return Tokens{}, err
	}
	t.ExpiresAt, t.Lifetime = expiry(t.At, tok.ExpiresIn, last, rules.Lifetime)
	t.RefreshAt = refreshTime(t.ExpiresAt, t.Lifetime, rules)
	return t, nil
}

// sameGrant reports whether a refresh token of a works where one of b does: for the same client, at the same server.
func (s *Service) sameGrant(a, b *ent.Credential) bool {
	if a.ClientID == nil || b.ClientID == nil || *a.ClientID != *b.ClientID {
		return false
	}
	one, err := s.wire(a)
	if err != nil {
		return false
	}
	two, err := s.wire(b)
	return err == nil && one.Server.Token.URL == two.Server.Token.URL
}
