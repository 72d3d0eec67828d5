package integration

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/company"
	"github.com/patchbay/patchbay/ent/connectattempt"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/ent/user"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// keep stores a grant, all of it or nothing, and returns the integration's id.
func (s *Service) keep(ctx context.Context, g *grant, row *ent.ConnectAttempt) (string, error) {
	secrets, err := s.openSecrets(row)
	if err != nil {
		return "", err
	}
	integrationID := ""
	err = s.Store.RetryTx(ctx, func(ctx context.Context) error {
		before, err := s.counterpart(ctx, g, row)
		if err != nil {
			return err
		}
		save := credential.Grant{
			UserID: row.UserID, Provider: row.Provider, AuthKind: provider.OAuth2,
			Config: row.Config, Token: g.token, ClientID: g.wire.Client.ID, Scopes: g.scopes, Secrets: secrets,
		}
		if save.OtherAccount, err = g.fits(before, row.AcceptOtherAccount); err != nil {
			return err
		}
		if save.OtherAccount {
			save.OldAccount = before.AccountID
			if save.OldShared, err = s.sharesGrant(ctx, before); err != nil {
				return err
			}
		}
		if err := s.spare(ctx, g); err != nil {
			return err
		}
		integrationID, err = s.keepIntegration(ctx, g, row, before, slices.Sorted(maps.Keys(secrets)))
		if err != nil {
			return err
		}
		save.IntegrationID = integrationID
		if err := s.keepCredential(ctx, save); err != nil {
			return err
		}
		if err := s.keepAttempt(ctx, row, integrationID); err != nil {
			return err
		}
		return s.announce(ctx, g, row, before, integrationID)
	})
	return integrationID, err
}

// counterpart returns the integration that is connected again: the one that was named, or the owner's own with the same
// account. It is nil when there is none. The owner's row is locked first, so that two callbacks for one account at the
// same time make one integration.
func (s *Service) counterpart(ctx context.Context, g *grant, row *ent.ConnectAttempt) (*ent.Integration, error) {
	client := s.Store.Client(ctx)
	if row.IntegrationID != nil {
		before, err := s.locked(ctx, *row.IntegrationID)
		if problem.Is(err, problem.NotFound) {
			return nil, problem.New(problem.NotFound, "The integration that was to be connected again is gone.")
		}
		return before, err
	}
	if g.account.ID == "" {
		return nil, nil //nolint:nilnil // an unknown account has no counterpart
	}
	if err := s.lockOwner(ctx, row); err != nil {
		return nil, err
	}
	owner := integration.UserIDIsNil()
	if row.UserID != nil {
		owner = integration.UserID(*row.UserID)
	}
	before, err := client.Integration.Query().Where(owner, integration.Provider(row.Provider),
		integration.AuthKind(provider.OAuth2), integration.AccountID(g.account.ID)).
		Order(integration.ByID()).First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil //nolint:nilnil // the account is new here
	}
	if err != nil {
		return nil, fmt.Errorf("look for an integration of the same account: %w", err)
	}
	return before, nil
}

func (s *Service) lockOwner(ctx context.Context, row *ent.ConnectAttempt) error {
	if row.UserID != nil {
		return s.lockUser(ctx, *row.UserID)
	}
	return s.lockCompany(ctx, row.CompanyID)
}

// lockCompany keeps others who lock the company out until the transaction ends.
func (s *Service) lockCompany(ctx context.Context, companyID string) error {
	query := s.Store.Client(ctx).Company.Query().Where(company.ID(companyID))
	if s.Store.Locks() {
		query.ForUpdate()
	}
	if _, err := query.OnlyID(ctx); err != nil {
		return fmt.Errorf("lock a company: %w", err)
	}
	return nil
}

// lockUser keeps others from giving integrations to a user, or taking them away, until the transaction ends. Whoever
// locks integrations of a user as well does so afterwards.
func (s *Service) lockUser(ctx context.Context, userID string) error {
	query := s.Store.Client(ctx).User.Query().Where(user.ID(userID))
	if s.Store.Locks() {
		query.ForUpdate()
	}
	_, err := query.OnlyID(ctx)
	if ent.IsNotFound(err) {
		return problem.New(problem.NotFound, "There is no such user.")
	}
	if err != nil {
		return fmt.Errorf("lock a user: %w", err)
	}
	return nil
}

// fits refuses another account than the integration's own, unless it was accepted, and reports whether it is another.
// An account that is not known cannot be shown to be the same.
func (g *grant) fits(before *ent.Integration, accepted bool) (other bool, err error) {
	if before == nil || before.AccountID == nil || *before.AccountID == g.account.ID {
		return false, nil
	}
	if accepted {
		return true, nil
	}
	if g.account.ID == "" {
		return false, problem.New(problem.AccountMismatch,
			"%s did not say which account was chosen, so it cannot be compared with the one that was connected before.",
			g.provider.Title)
	}
	return false, problem.New(problem.AccountMismatch,
		"Another account of %s was chosen than the one that was connected before. Choose the same one, or start the "+
			"connection again with acceptOtherAccount.", g.provider.Title)
}

// keepIntegration writes the integration and returns its id.
func (s *Service) keepIntegration(ctx context.Context, g *grant, row *ent.ConnectAttempt, before *ent.Integration,
	secrets []string,
) (string, error) {
	now := s.Now()
	client := s.Store.Client(ctx)
	account, name := optional(g.account.ID), optional(g.account.Name)
	if before != nil {
		update := client.Integration.UpdateOneID(before.ID).SetAuthKind(provider.OAuth2).SetScopes(g.scopes).
			SetNillableAccountID(account).SetNillableAccountName(name).SetConfig(row.Config).
			SetSecretNames(secrets).SetConnectedAt(now).SetUpdatedAt(now).SetFailedProbes(0).AddRevision(1)
		if row.Name != nil {
			update.SetName(*row.Name)
		}
		if account == nil {
			update.ClearAccountID().ClearAccountName()
		}
		if err := update.Exec(ctx); err != nil {
			return "", fmt.Errorf("connect an integration again: %w", err)
		}
		return before.ID, nil
	}
	title := g.provider.Title
	if row.Name != nil {
		title = *row.Name
	}
	state := g.finding().State(now)
	created, err := client.Integration.Create().SetID(s.NewID(id.Integration)).SetNillableUserID(row.UserID).
		SetProvider(row.Provider).SetAuthKind(provider.OAuth2).SetName(clipBytes(title, maxName)).SetScopes(g.scopes).
		SetNillableAccountID(account).SetNillableAccountName(name).SetConfig(row.Config).
		SetSecretNames(secrets).SetConnectedAt(now).SetCreatedAt(now).SetUpdatedAt(now).
		SetHealthStatus(string(state.Status)).SetHealthReason(string(state.Reason)).
		SetNillableHealthMessage(optional(state.Message)).SetHealthAction(string(state.Action)).
		SetNillableHealthCheckedAt(state.CheckedAt).SetNillableStaleAt(s.Health.StaleAt(row.Provider, state)).
		SetNillableNextProbeAt(s.Health.FirstProbe(row.Provider, state)).Save(ctx)
	if err != nil {
		return "", notCreated(err)
	}
	return created.ID, nil
}

// keepCredential stores the tokens, and with the integration when they end.
func (s *Service) keepCredential(ctx context.Context, save credential.Grant) error {
	expires, err := s.Credentials.Save(ctx, save)
	if err != nil {
		return err
	}
	update := s.Store.Client(ctx).Integration.UpdateOneID(save.IntegrationID).SetNillableTokenExpiresAt(expires)
	if expires == nil {
		update.ClearTokenExpiresAt()
	}
	if err := update.Exec(ctx); err != nil {
		return fmt.Errorf("note when the access ends: %w", err)
	}
	return nil
}

func (s *Service) keepAttempt(ctx context.Context, row *ent.ConnectAttempt, integrationID string) error {
	n, err := s.Store.Client(ctx).ConnectAttempt.Update().
		Where(connectattempt.ID(row.ID), connectattempt.StatusEQ(string(Pending))).
		SetStatus(string(Succeeded)).SetIntegrationID(integrationID).ClearVerifier().ClearSecrets().Save(ctx)
	if err != nil {
		return fmt.Errorf("close an attempt: %w", err)
	}
	if n == 0 { // pruned, or deleted with its user, while the provider was asked
		return errState
	}
	if err := s.Store.Notify(ctx, attempts, row.ID); err != nil {
		return fmt.Errorf("tell of an attempt: %w", err)
	}
	return nil
}

// announce writes the audit event and the health of what was connected.
func (s *Service) announce(
	ctx context.Context, g *grant, row *ent.ConnectAttempt, before *ent.Integration, integrationID string,
) error {
	kind := audit.Connected
	if before != nil && before.ConnectedAt != nil {
		kind = audit.Reconnected
	}
	if err := s.record(ctx, audit.Event{
		Type: kind, UserID: row.UserID, IntegrationID: &integrationID, Details: g.details(),
	}); err != nil {
		return err
	}
	if before != nil {
		_, err := s.Health.Report(ctx, integrationID, g.finding())
		return err
	}
	created, err := s.Get(ctx, integrationID)
	if err != nil {
		return err
	}
	return s.Health.Created(ctx, created)
}

// details are what the trail keeps of a grant.
func (g *grant) details() column.Object {
	details := column.Object{"provider": g.provider.Name, "scopes": g.scopes}
	if len(g.missing) > 0 {
		details["missingScopes"] = g.missing
	}
	return details
}

// finding is what connecting has proved: an account that answered proves the credential.
func (g *grant) finding() health.Finding {
	switch {
	case g.lacking:
		return health.Finding{Reason: health.ScopesMissing}
	case g.account.ID != "":
		return health.Finding{Reason: health.OK}
	}
	return health.Finding{Reason: health.NotYetChecked}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
