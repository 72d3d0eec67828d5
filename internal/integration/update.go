package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// UpdateInput changes an integration. What is nil is left alone.
type UpdateInput struct {
	ID         string
	Name       *string
	Enabled    *bool
	Visibility *Visibility
	// SetPersonality says that PersonalityID is meant; nil then frees the integration for all personalities.
	SetPersonality bool
	PersonalityID  *string
	// Config is merged key by key, and a nil value removes its key. A key that is given replaces all below it, secrets
	// included.
	Config map[string]any
	// Secrets are merged name by name, and a nil value removes one.
	Secrets map[string]any
}

// Validate returns every fault that the input shows by itself, joined.
func (in UpdateInput) Validate() error {
	faults := []error{id.Check(id.Integration, in.ID, "input", "id")}
	if in.Name != nil {
		faults = append(faults, checkName(*in.Name))
	}
	if in.Visibility != nil {
		faults = append(faults, checkVisibility(*in.Visibility))
	}
	if in.PersonalityID != nil {
		faults = append(faults, id.Check(id.Personality, *in.PersonalityID, "input", "personalityId"))
	}
	return errors.Join(faults...)
}

// Update changes an integration. Taking away a secret that the config asks for leaves the integration INCOMPLETE; other
// changes of settings leave one that needs no authorization, or whose settings were at fault, unproved until it is used or
// checked.
func (s *Service) Update(ctx context.Context, in UpdateInput) (*ent.Integration, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	if err := s.personalityExists(ctx, in.PersonalityID, "input", "personalityId"); err != nil {
		return nil, err
	}
	if err := s.describeAgain(ctx, &in); err != nil {
		return nil, err
	}
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		before, err := s.locked(ctx, in.ID, "input", "id")
		if err != nil {
			return err
		}
		update := s.Store.Client(ctx).Integration.UpdateOneID(in.ID).SetUpdatedAt(s.Now())
		changed := in.apply(update)
		if len(in.Config) > 0 || len(in.Secrets) > 0 {
			names, err := s.changeSettings(ctx, before, update, in)
			if err != nil {
				return err
			}
			changed = append(changed, names...)
		}
		if err := update.Exec(ctx); err != nil {
			return fmt.Errorf("update an integration: %w", err)
		}
		return s.record(ctx, audit.Event{
			Type: audit.Updated, UserID: before.UserID, IntegrationID: &before.ID, PersonalityID: in.PersonalityID,
			Details: column.Object{"kind": "integration", "changed": changed},
		})
	})
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, in.ID, "input", "id")
}

// apply sets what needs no look at the provider, and returns the names of what it set.
func (in UpdateInput) apply(update *ent.IntegrationUpdateOne) []string {
	changed := []string{}
	if in.Name != nil {
		update.SetName(strings.TrimSpace(*in.Name))
		changed = append(changed, "name")
	}
	if in.Enabled != nil {
		update.SetEnabled(*in.Enabled)
		changed = append(changed, "enabled")
	}
	if in.Visibility != nil {
		update.SetVisibility(string(*in.Visibility))
		changed = append(changed, "visibility")
	}
	if in.SetPersonality {
		update.SetNillablePersonalityID(in.PersonalityID)
		if in.PersonalityID == nil {
			update.ClearPersonalityID()
		}
		changed = append(changed, "personalityId")
	}
	return changed
}

// changeSettings merges config and secrets, stores the secrets sealed, reports what that means for the health, and
// returns the names of what was changed.
func (s *Service) changeSettings(
	ctx context.Context, before *ent.Integration, update *ent.IntegrationUpdateOne, in UpdateInput,
) ([]string, error) {
	p, err := s.providerOf(before)
	if err != nil {
		return nil, err
	}
	kind, given, err := s.resettle(p, before, in)
	if err != nil {
		return nil, err
	}
	if kind == provider.OAuth2 {
		if err := given.notHere(p); err != nil {
			return nil, err
		}
		if err := keepsServer(p, before, given.public); err != nil {
			return nil, err
		}
		if err := s.Credentials.SaveConfig(ctx, before.ID, given.public); err != nil {
			return nil, err
		}
	}
	update.SetAuthKind(kind).SetConfig(given.public).SetSecretNames(given.names).AddRevision(1)
	if before.AuthKind != provider.OAuth2 { // another key may be another account's
		update.ClearAccountID().ClearAccountName()
	}
	if changes := given.changes(); len(changes) > 0 {
		if err := s.Credentials.SaveSecrets(ctx, before.ID, changes); err != nil {
			return nil, err
		}
	}
	switch {
	case len(given.missing) > 0:
		_, err = s.Health.Report(ctx, before.ID, health.Finding{
			Reason: health.NotConfigured, Action: health.UpdateConfig,
			Message: clipBytes(
				"The config asks for secrets that are not there: "+strings.Join(given.missing, ", ")+".", maxMessage),
		})
	case before.AuthKind != provider.OAuth2 || before.ConnectedAt != nil && StatusOf(before) == Incomplete:
		_, err = s.Health.Report(ctx, before.ID, health.Finding{Reason: health.NotYetChecked})
	}
	if err != nil {
		return nil, err
	}
	changed := []string{}
	for _, name := range slices.Sorted(maps.Keys(in.Config)) {
		changed = append(changed, "config."+name)
	}
	for _, name := range slices.Sorted(maps.Keys(in.Secrets)) {
		changed = append(changed, "secrets."+name)
	}
	return changed, nil
}

// keepsServer refuses a change of what the addresses of the authorization server are made from, once somebody has given
// consent there: what was granted is worth nothing elsewhere, and is not to be shown there.
func keepsServer(p *provider.Provider, before *ent.Integration, config column.Object) error {
	now, err := oauthFor(p, config)
	if err != nil || before.ConnectedAt == nil {
		return err
	}
	was, err := p.OAuthFor(before.Config)
	if err == nil && was.Token.URL == now.Token.URL && was.Authorize.URL == now.Authorize.URL &&
		was.Revoke.URL == now.Revoke.URL {
		return nil
	}
	field := []string{"input", "config"}
	for _, name := range p.Auth.OAuth2.Properties() {
		if before.Config[name] != config[name] {
			field = append(field, name)
			break
		}
	}
	return problem.New(problem.Invalid,
		"The access was granted with this setting as it was. To change it, connect again with integrationConnect.").At(field...)
}

// resettle applies a change of settings. It may make an integration that needs no authorization use another way to
// authenticate; the faults are those of the present way when none fits.
func (s *Service) resettle(p *provider.Provider, before *ent.Integration, in UpdateInput) (string, settings, error) {
	given, fault := s.settingsFor(p, before.AuthKind, before, in.Config, in.Secrets)
	if fault == nil || before.AuthKind == provider.OAuth2 {
		return before.AuthKind, given, fault
	}
	for _, kind := range p.AuthKinds() {
		if kind == provider.OAuth2 {
			continue
		}
		if given, err := s.settingsFor(p, kind, before, in.Config, in.Secrets); err == nil {
			return kind, given, nil
		}
	}
	return "", settings{}, fault
}

// locked returns the integration and, where the database has row locks, keeps others from changing it until the
// transaction ends, so that two merges lose nothing of each other.
func (s *Service) locked(ctx context.Context, integrationID string, field ...string) (*ent.Integration, error) {
	query := s.Store.Client(ctx).Integration.Query().Where(integration.ID(integrationID))
	if s.Store.Locks() {
		query.ForUpdate()
	}
	row, err := query.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, errNoIntegration.At(field...)
	}
	if err != nil {
		return nil, fmt.Errorf("read an integration: %w", err)
	}
	return row, nil
}
