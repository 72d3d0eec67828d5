package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/viewer"
)

// authorizedUser is how vendors' own tools write down what a person has allowed an application. Other fields than these
// are of no interest here; the client's secret is the operator's to know.
type authorizedUser struct {
	Type         string `json:"type"`
	ClientID     string `json:"client_id"`
	RefreshToken string `json:"refresh_token"`
}

const authorizedUserType = "authorized_user"

// maxRefreshToken is the longest refresh token that is sent on, in bytes.
const maxRefreshToken = 4096

// pasted takes what was pasted in place of a consent out of a config; zero when nothing was, or the provider takes none.
func pasted(p *provider.Provider, kind string, config map[string]any) seal.Secret {
	if kind != provider.OAuth2 || p.Auth.OAuth2 == nil || p.Auth.OAuth2.Import == "" {
		return seal.Secret{}
	}
	text, _ := config[p.Auth.OAuth2.Import].(string)
	delete(config, p.Auth.OAuth2.Import)
	return seal.NewSecret(text)
}

// notHere refuses pasted credentials where a person's consent, or an earlier one, is what counts.
func (c settings) notHere(p *provider.Provider) error {
	if c.pasted.IsZero() {
		return nil
	}
	return problem.New(problem.Invalid, "Only integrationCreate takes this. An integration that is there is connected by "+
		"the consent of a person, with integrationConnect.").At("input", "config", p.Auth.OAuth2.Import)
}

// createRedeemed creates an integration with what was pasted, which may work only once. The database is written to before
// that is spent, and what it was spent for is stored insistently, as that of a renewal is. A process that dies in between
// loses it, and so does a database that stays away for long: then the person needs new credentials.
func (s *Service) createRedeemed(ctx context.Context, made creation) error {
	brought, err := s.redeem(ctx, made.provider, made.given)
	if err != nil {
		return err
	}
	made.brought = brought
	return s.Credentials.Insist(ctx, made.id, func(ctx context.Context) error {
		stored, err := s.Store.Client(ctx).Integration.Query().Where(integration.ID(made.id)).Exist(ctx)
		if err != nil || stored { // by an attempt that nobody confirmed
			return err
		}
		return s.create(ctx, made)
	})
}

// writable returns an error while the database cannot be written, by a write that changes nothing.
func (s *Service) writable(ctx context.Context) error {
	v, _ := viewer.From(ctx)
	ctx = viewer.SystemFor(ctx, v.Company)
	if err := s.Store.Client(ctx).CompanySequence.UpdateOneID(v.Company).AddHealth(0).Exec(ctx); err != nil {
		return fmt.Errorf("write before something is spent: %w", err)
	}
	return nil
}

// redeem proves pasted credentials by spending them on one renewal, and returns what that brings. What was refused is not
// given back at the provider: it is still whoever pasted it who holds it. No error repeats anything of it.
func (s *Service) redeem(ctx context.Context, p *provider.Provider, given settings) (*grant, error) {
	if err := outside(ctx); err != nil {
		return nil, err
	}
	_, client, err := s.connectable(p.Name)
	if err != nil {
		return nil, err
	}
	at := func(e *problem.Error) error { return e.At("input", "config", p.Auth.OAuth2.Import) }
	var user authorizedUser
	switch err := json.Unmarshal([]byte(given.pasted.Reveal()), &user); {
	case err != nil || user.Type != authorizedUserType || user.ClientID == "" || user.RefreshToken == "" ||
		len(user.RefreshToken) > maxRefreshToken:
		return nil, at(problem.New(problem.Invalid, "It must be the JSON of an authorized user as %s's own tools write it: "+
			"an object with type %q, client_id and refresh_token. Leave it empty to connect with integrationConnect.",
			p.Title, authorizedUserType))
	case user.ClientID != client.ID:
		return nil, at(problem.New(problem.Invalid, "These credentials were issued to another OAuth client than the one that "+
			"is configured here, which cannot use them. Leave this empty and connect with integrationConnect."))
	}
	wire, err := s.Credentials.Wire(p, given.public)
	if err != nil {
		return nil, err
	}
	if err := s.writable(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callbackTime)
	defer cancel()
	refresh := seal.NewSecret(user.RefreshToken)
	token, err := wire.Refresh(ctx, refresh)
	if err != nil {
		return nil, at(redeemProblem(p, err))
	}
	if token.Refresh.IsZero() {
		token.Refresh = refresh
	}
	g := &grant{provider: p, wire: wire, token: token}
	usual, err := askFor(p, nil, nil)
	if err != nil {
		return nil, err
	}
	g.compare(usual)
	if err := s.identify(ctx, g, given.public); err != nil {
		if e, ok := errors.AsType[*problem.Error](err); ok {
			return nil, at(e)
		}
		return nil, err
	}
	return g, nil
}

// redeemProblem says why pasted credentials gave no token.
func redeemProblem(p *provider.Provider, err error) *problem.Error {
	e, ok := errors.AsType[*oauth.Error](err)
	out := &problem.Error{Code: problem.ProviderFailed, Provider: p.Name, Err: err}
	switch {
	case ok && e.Kind == oauth.Rejected:
		return problem.New(problem.Invalid, "%s does not accept these credentials: they were withdrawn, have ended, or were "+
			"not copied whole.", p.Title).Because(err)
	case ok && e.Kind == oauth.Misconfigured:
		out.HTTPStatus = e.HTTPStatus
		out.Message = p.Title + " refuses Patchbay's own registration there. The operator has to check the OAuth client."
	default:
		if ok {
			out.HTTPStatus, out.RetryAfter = e.HTTPStatus, e.RetryAfter
		}
		out.Retryable = true
		out.Message = p.Title + " could not say whether these credentials are good. Try again."
	}
	return out
}
