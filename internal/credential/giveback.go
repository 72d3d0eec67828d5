package credential

import (
	"context"
	"errors"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
)

// GiveBack tells a provider that tokens which were never stored are not needed. config is that of the integration they
// were meant for.
func (s *Service) GiveBack(ctx context.Context, p *provider.Provider, config map[string]any, tok *oauth.Token) error {
	if err := outside(ctx); err != nil {
		return err
	}
	wire, err := s.Wire(p, config)
	if err != nil {
		return err
	}
	return within(ctx, callLimit, func(ctx context.Context) error {
		if p.Auth.Revoke == nil {
			return wire.Revoke(ctx, wire.Server.Revoke.Pick(tok.Access, tok.Refresh))
		}
		_, err := s.tellOf(ctx, p, provider.Credential{Kind: provider.OAuth2, Access: tok.Access, Config: config})
		return err
	})
}

// giveBack ends the grant of an ending row that owner has leased. A token that the provider does not know, or calls dead,
// is given back.
func (s *Service) giveBack(ctx context.Context, row *ent.Credential, owner string) error {
	access, err := s.openAccess(row)
	if err != nil {
		return err
	}
	refresh, err := s.Ring.Open(row.RefreshToken, place(row, refreshColumn))
	if err != nil {
		return err
	}
	wire, err := s.wire(row)
	if err != nil {
		return err
	}
	return within(ctx, callLimit, func(ctx context.Context) error {
		p, ok := s.Provider(row.Provider)
		if !ok || p.Auth.Revoke == nil {
			return wire.Revoke(ctx, wire.Server.Revoke.Pick(access, refresh))
		}
		return s.giveBackWith(ctx, p, row, owner, wire, access, refresh)
	})
}

// giveBackWith sends the provider's own requests with an access token that works: when the one there is has ended or is
// refused, a renewal brings another, or the proof that the grant is dead.
func (s *Service) giveBackWith(ctx context.Context, p *provider.Provider, row *ent.Credential, owner string,
	wire *oauth.Wire, access, refresh seal.Secret,
) error {
	secrets, _, err := s.openBundle(row)
	if err != nil {
		return err
	}
	c := provider.Credential{Kind: row.AuthKind, Access: access, Secrets: secrets, Config: row.Config}
	if s.valid(row, s.Now()) {
		known, err := s.tellOf(ctx, p, c)
		if err != nil || known || refresh.IsZero() {
			return err
		}
	}
	if refresh.IsZero() { // what has ended, and cannot be renewed, is worth nothing any more
		return nil
	}
	tok, err := wire.Refresh(ctx, refresh)
	if e, ok := errors.AsType[*oauth.Error](err); ok && e.Kind == oauth.Rejected {
		return nil
	}
	if err != nil {
		return err
	}
	if tok.Refresh.IsZero() {
		tok.Refresh = refresh
	}
	t, err := s.seal(row, tok, time.Duration(row.LifetimeSeconds)*time.Second)
	if err != nil {
		return err
	}
	// The next attempt needs what the refresh token was spent for. Tokens that were dropped meanwhile stay dropped.
	handOver := func(ctx context.Context) error {
		_, err := s.Rows.HandOver(ctx, row.ID, owner, t)
		return err
	}
	stored := within(ctx, writeLimit, handOver)
	c.Access = tok.Access
	_, err = s.tellOf(ctx, p, c)
	if err != nil && stored != nil { // nothing but these tokens can end the grant
		err = errors.Join(err, s.Insist(ctx, row.ID, handOver))
	}
	return err
}

// revokeTime bounds one of the requests that give a token back.
const revokeTime = 10 * time.Second

// tellOf sends the provider's own requests and reports whether it knew the token. Any other answer than that the token is
// gone is an error, and transient.
func (s *Service) tellOf(ctx context.Context, p *provider.Provider, c provider.Credential) (known bool, err error) {
	status := 0
	v, err := p.Revoke(ctx, c.Config, func(r *provider.Request) (provider.Response, error) {
		answer, _, err := s.Send(ctx, p, c, Use{Config: c.Config, Timeout: revokeTime}, r)
		status = answer.Status
		return answer, err
	})
	switch {
	case err != nil:
		if e, ok := errors.AsType[*problem.Error](err); ok {
			return false, &oauth.Error{Kind: oauth.Transient, RetryAfter: e.RetryAfter, Err: e}
		}
		return false, err
	case v.Kind == provider.OK:
		return true, nil
	case v.Kind == provider.Rejected || v.Kind == provider.Revoked:
		return false, nil
	}
	return false, &oauth.Error{Kind: oauth.Transient, Code: string(v.Kind), HTTPStatus: status, RetryAfter: v.RetryAfter}
}
