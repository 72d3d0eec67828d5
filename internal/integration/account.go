package integration

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/viewer"
)

const (
	accountTime  = 10 * time.Second
	accountBytes = 1 << 20
	giveBackTime = 5 * time.Second
)

// identify asks whose account was joined, with the fresh token. A provider that refuses the token it has just issued
// fails the connection. One that cannot be asked, or keeps the answer to itself, leaves the account unknown: that is no
// reason to lose a consent, except where the account must be compared with an earlier one.
func (s *Service) identify(ctx context.Context, g *grant, config column.Object) error {
	if !g.provider.Account.Possible() {
		return nil
	}
	verdict, who, err := s.askAccount(ctx, g, config)
	switch {
	case verdict == provider.Rejected || verdict == provider.Revoked:
		return &problem.Error{
			Code: problem.ProviderFailed, Provider: g.provider.Name,
			Message: g.provider.Title + " does not accept the access that it has just granted. Start the connection again.",
		}
	case err != nil:
		s.Log.WarnContext(ctx, "the account of a new connection is unknown", "provider", g.provider.Name, "error", err)
		return nil
	}
	g.account = who
	return nil
}

// askAccount sends the manifest's account request. The verdict is empty when there was no answer.
func (s *Service) askAccount(
	ctx context.Context, g *grant, config column.Object,
) (provider.VerdictKind, provider.Identity, error) {
	var nobody provider.Identity
	ctx, cancel := context.WithTimeout(ctx, accountTime)
	defer cancel()
	in := provider.Input{Config: config, Now: s.Now(), Limit: 1}
	request, err := g.provider.Account.NewRequest(ctx, in)
	if err != nil {
		return "", nobody, err
	}
	response, verdict, err := s.Credentials.Send(ctx, g.provider,
		provider.Credential{Kind: provider.OAuth2, Access: g.token.Access, Config: config},
		credential.Use{Config: config, MaxBytes: accountBytes, Timeout: accountTime}, request)
	switch {
	case err != nil:
		return "", nobody, err
	case verdict.Kind != provider.OK:
		return verdict.Kind, nobody, errors.New(verdict.Message)
	}
	who, err := g.provider.Account.Read(ctx, in, response)
	return provider.OK, provider.Identity{ID: clipBytes(who.ID, maxAccount), Name: clipBytes(who.Name, maxAccount)}, err
}

// learnAccount asks whose key it is that a probe has just proved, where that is not known yet: nobody consented to it, so
// nobody was asked. It does its best; the next probe tries again.
func (s *Service) learnAccount(ctx context.Context, p *provider.Provider, row *ent.Integration) {
	if row.AuthKind == provider.OAuth2 || row.AccountID != nil || !p.Account.Possible() {
		return
	}
	in := provider.Input{Config: row.Config, Now: s.Now(), Limit: 1}
	request, err := p.Account.NewRequest(ctx, in)
	if err != nil {
		return
	}
	use := credential.Use{
		IntegrationID: row.ID, Revision: row.Revision, Config: row.Config, MaxBytes: accountBytes, Timeout: accountTime,
		Aside: true,
	}
	response, verdict, err := s.Credentials.Do(ctx, use, request)
	if err != nil || verdict.Kind != provider.OK {
		return
	}
	who, err := p.Account.Read(ctx, in, response)
	if err != nil {
		return
	}
	err = s.Store.Client(ctx).Integration.Update().Where(integration.ID(row.ID), integration.AccountIDIsNil(),
		integration.Revision(row.Revision)). // with settings that were changed meanwhile came another key
		SetAccountID(clipBytes(who.ID, maxAccount)).SetAccountName(clipBytes(who.Name, maxAccount)).Exec(ctx)
	if err != nil {
		s.Log.WarnContext(ctx, "the account of a key was not kept", "integration_id", row.ID, "error", err)
	}
}

// maxAccount is how much is kept of an account's id and name, in bytes.
const maxAccount = 255

// giveBack revokes a token that nobody will use. It does its best: the person can still take the access away at the
// provider. A grant that another integration lives on is left alone.
func (s *Service) giveBack(ctx context.Context, g *grant, config column.Object) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTime)
	defer cancel()
	shared, err := s.sharesAccount(ctx, g.provider, g.account.ID, "")
	if err == nil && !shared {
		err = s.Credentials.GiveBack(ctx, g.provider, config, g.token)
	}
	if err != nil {
		s.Log.WarnContext(ctx, "an unused token was not given back", "provider", g.provider.Name, "error", err)
	}
}

// accessEnded are the reasons for which an integration has to be connected again before it can lose anything.
var accessEnded = []string{
	string(health.CredentialRejected), string(health.CredentialRevoked), string(health.RefreshRejected),
	string(health.TokenExpired),
}

// sharesAccount reports whether another integration, of whichever company, has access to the same account through the
// same OAuth client, and would lose it by a revocation. One whose access has ended does not count: it would keep the
// grant alive, and never give it back.
func (s *Service) sharesAccount(ctx context.Context, p *provider.Provider, accountID, but string) (bool, error) {
	if accountID == "" || p.Auth.OAuth2.Revoke.Ends != oauth.EndsAccount {
		return false, nil
	}
	ctx = viewer.System(ctx)
	return s.Store.Client(ctx).Integration.Query().Where(
		integration.IDNEQ(but), integration.ProviderIn(s.clientGroup(p)...), integration.AccountID(accountID),
		integration.AuthKind(provider.OAuth2), integration.HealthReasonNotIn(accessEnded...)).Exist(ctx)
}

// clientGroup names the providers that share an OAuth client with this one.
func (s *Service) clientGroup(p *provider.Provider) (names []string) {
	for _, other := range s.Catalog.All() {
		if other.Auth.OAuth2 != nil && other.ClientGroup() == p.ClientGroup() {
			names = append(names, other.Name)
		}
	}
	return names
}

// aloneWith keeps others from joining or leaving an account until the transaction ends, where all who have joined it
// live on one grant.
func (s *Service) aloneWith(ctx context.Context, p *provider.Provider, accountID string) error {
	if p.Auth.OAuth2.Revoke.Ends != oauth.EndsAccount {
		return nil
	}
	return s.Store.Alone(ctx, grantOf(p, accountID))
}

// aloneWithAll is aloneWith for what leaves together: in one order, and before any of it leaves, so that two who leave with
// the same accounts, or one who leaves with several and one with one, do not wait for each other.
func (s *Service) aloneWithAll(ctx context.Context, rows []*ent.Integration) error {
	var grants []string
	for _, row := range rows {
		p, ok := s.Catalog.Get(row.Provider)
		if ok && row.AuthKind == provider.OAuth2 && row.AccountID != nil && p.Auth.OAuth2.Revoke.Ends == oauth.EndsAccount {
			grants = append(grants, grantOf(p, *row.AccountID))
		}
	}
	slices.Sort(grants)
	for _, grant := range slices.Compact(grants) {
		if err := s.Store.Alone(ctx, grant); err != nil {
			return err
		}
	}
	return nil
}

func grantOf(p *provider.Provider, accountID string) string {
	return "account " + p.ClientGroup() + " " + accountID
}

// spare keeps a grant that has just been given from being ended by what still waits to be revoked of the same account.
func (s *Service) spare(ctx context.Context, g *grant) error {
	if g.account.ID == "" || g.provider.Auth.OAuth2.Revoke.Ends != oauth.EndsAccount {
		return nil
	}
	if err := s.aloneWith(ctx, g.provider, g.account.ID); err != nil {
		return err
	}
	return s.Credentials.Spare(ctx, s.clientGroup(g.provider), g.account.ID)
}
