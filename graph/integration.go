package graph

import (
	"context"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/graph/page"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
)

// Integration resolves Query.integration.
func (r queryResolver) Integration(ctx context.Context, integrationID string) (*model.Integration, error) {
	if err := id.Check(id.Integration, integrationID, "id"); err != nil {
		return nil, err
	}
	w := wantedHere(ctx, integrationTypes)
	rows, err := r.read.IntegrationsByID(ctx, []string{integrationID}, w.fields())
	if err == nil {
		err = loading(ctx).aheadOfIntegrations(ctx, rows, w)
	}
	return first(rows, err)
}

// Integrations resolves Query.integrations.
func (r queryResolver) Integrations(
	ctx context.Context, first *int32, after *string, last *int32, before *string, filter *model.IntegrationFilter,
) (*model.IntegrationConnection, error) {
	request, err := page.Parse(integrations, first, after, last, before)
	if err != nil {
		return nil, err
	}
	w := wantedListed(ctx, integrationTypes)
	list, err := pageOf[model.Integration, *model.Integration](ctx, r.read.Integrations(filter), request, w)
	if err != nil {
		return nil, err
	}
	return list, loading(ctx).aheadOfIntegrations(ctx, list.Nodes(), w)
}

// User resolves Integration.user.
func (r integrationResolver) User(ctx context.Context, i *model.Integration) (*model.User, error) {
	if i.UserID == nil {
		return nil, nil //nolint:nilnil // null in the answer
	}
	return loading(ctx).user(ctx, *i.UserID)
}

// Personality resolves Integration.personality.
func (r integrationResolver) Personality(ctx context.Context, i *model.Integration) (*model.Personality, error) {
	if i.PersonalityID == nil {
		return nil, nil //nolint:nilnil // null in the answer
	}
	return loading(ctx).personality(ctx, *i.PersonalityID)
}

// Stats resolves Integration.stats.
func (r integrationResolver) Stats(ctx context.Context, i *model.Integration) (*model.IntegrationStats, error) {
	u, err := loading(ctx).usage(ctx, i.ID)
	return &model.IntegrationStats{QueriesToday: bounded(u.Today), QueriesTotal: bounded(u.Total)}, err
}

// HealthHistory resolves Integration.healthHistory.
func (r integrationResolver) HealthHistory(
	ctx context.Context, i *model.Integration, first *int32, after *string, last *int32, before *string,
) (*model.IntegrationHealthChangeConnection, error) {
	request, err := page.Parse(changes, first, after, last, before)
	if err != nil {
		return nil, err
	}
	ask := model.Ask{Request: request}
	if ready, ok := i.HealthHistory.Get(ask); ok {
		return ready, nil
	}
	return loading(ctx).healthHistory.page(ctx, i.ID, ask)
}

// AuditEvents resolves Integration.auditEvents.
func (r integrationResolver) AuditEvents(
	ctx context.Context, i *model.Integration, first *int32, after *string, last *int32, before *string,
	filter *model.AuditEventFilter,
) (*model.AuditEventConnection, error) {
	request, err := page.Parse(events, first, after, last, before)
	if err != nil {
		return nil, err
	}
	ask := model.Ask{Request: request, Filter: encoded(filter)}
	if ready, ok := i.AuditEvents.Get(ask); ok {
		return ready, nil
	}
	return loading(ctx).integrationEvents.page(ctx, i.ID, ask)
}

// IntegrationCreate resolves Mutation.integrationCreate.
func (r mutationResolver) IntegrationCreate(
	ctx context.Context, in model.IntegrationCreateInput,
) (*model.IntegrationCreatePayload, error) {
	made, err := r.Integrations.Create(ctx, integration.CreateInput{
		UserID: in.UserID.Value(), Provider: in.Provider, AuthKind: (*string)(in.AuthKind.Value()), Name: in.Name,
		Config: in.Config.Value(), Secrets: in.Secrets.Value(), Enabled: in.Enabled,
		Visibility: integration.Visibility(in.Visibility), PersonalityID: in.PersonalityID.Value(),
	})
	faults, err := split(err)
	out := &model.IntegrationCreatePayload{UserErrors: faults}
	if made != nil {
		out.Integration = r.integrationOf(made.Integration)
		if !made.SigningSecret.IsZero() {
			out.SigningSecret = new(made.SigningSecret.Reveal())
		}
	}
	return out, err
}

// IntegrationUpdate resolves Mutation.integrationUpdate.
func (r mutationResolver) IntegrationUpdate(
	ctx context.Context, in model.IntegrationUpdateInput,
) (*model.IntegrationUpdatePayload, error) {
	var row *ent.Integration
	err := notNull(map[string]bool{
		"name":       in.Name.IsSet() && in.Name.Value() == nil,
		"enabled":    in.Enabled.IsSet() && in.Enabled.Value() == nil,
		"visibility": in.Visibility.IsSet() && in.Visibility.Value() == nil,
	})
	if err == nil {
		row, err = r.Integrations.Update(ctx, integration.UpdateInput{
			ID: in.ID, Name: in.Name.Value(), Enabled: in.Enabled.Value(),
			Visibility:     (*integration.Visibility)(in.Visibility.Value()),
			SetPersonality: in.PersonalityID.IsSet(), PersonalityID: in.PersonalityID.Value(),
			Config: in.Config.Value(), Secrets: in.Secrets.Value(),
		})
	}
	changed, faults, err := r.changed(row, err)
	return &model.IntegrationUpdatePayload{Integration: changed, UserErrors: faults}, err
}

// IntegrationDisconnect resolves Mutation.integrationDisconnect.
func (r mutationResolver) IntegrationDisconnect(
	ctx context.Context, in model.IntegrationDisconnectInput,
) (*model.IntegrationDisconnectPayload, error) {
	ended, err := r.Integrations.Disconnect(ctx, in.ID)
	if faults, err := split(err); err != nil || len(faults) > 0 {
		return &model.IntegrationDisconnectPayload{UserErrors: faults}, err
	}
	return &model.IntegrationDisconnectPayload{
		DisconnectedIntegrationID: &in.ID, Revocation: revocationOf(ended), UserErrors: []model.UserError{},
	}, nil
}

// IntegrationRefresh resolves Mutation.integrationRefresh.
func (r mutationResolver) IntegrationRefresh(
	ctx context.Context, in model.IntegrationRefreshInput,
) (*model.IntegrationRefreshPayload, error) {
	row, faults, err := r.changed(r.Integrations.Refresh(ctx, in.ID))
	return &model.IntegrationRefreshPayload{Integration: row, UserErrors: faults}, err
}

// IntegrationCheckHealth resolves Mutation.integrationCheckHealth.
func (r mutationResolver) IntegrationCheckHealth(
	ctx context.Context, in model.IntegrationCheckHealthInput,
) (*model.IntegrationCheckHealthPayload, error) {
	row, faults, err := r.changed(r.Integrations.CheckHealth(ctx, in.ID))
	return &model.IntegrationCheckHealthPayload{Integration: row, UserErrors: faults}, err
}

// changed returns what a payload carries: the integration, or what the caller can mend.
func (g *Graph) changed(row *ent.Integration, err error) (*model.Integration, []model.UserError, error) {
	faults, failed := split(err)
	if err != nil {
		return nil, faults, failed
	}
	return g.integrationOf(row), faults, nil
}

// integrationOf returns what a service has answered with.
func (g *Graph) integrationOf(row *ent.Integration) *model.Integration {
	return model.IntegrationOf(row, g.providers)
}
