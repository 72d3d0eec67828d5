package graph

import (
	"context"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/problem"
)

// PersonalityAccess resolves Integration.personalityAccess.
func (r integrationResolver) PersonalityAccess(
	ctx context.Context, i *model.Integration,
) ([]*model.PersonalityAccess, error) {
	return loading(ctx).rules(ctx, i.ID)
}

// AccessFor resolves Integration.accessFor.
func (r integrationResolver) AccessFor(
	ctx context.Context, i *model.Integration, personalityID string,
) (*model.AccessDecision, error) {
	if err := id.Check(id.Personality, personalityID, "personalityId"); err != nil {
		return nil, err
	}
	who, err := loading(ctx).personality(ctx, personalityID)
	if err != nil {
		return nil, err
	}
	if who == nil {
		return nil, problem.New(problem.NotFound, "There is no such personality.").At("personalityId")
	}
	read, err := loading(ctx).rules(ctx, i.ID)
	if err != nil {
		return nil, err
	}
	rules := make([]*ent.PersonalityAccess, len(read))
	for n, rule := range read {
		rules[n] = &ent.PersonalityAccess{PersonalityID: rule.Personality.ID, Allowed: rule.Allowed}
	}
	row := &ent.Integration{ID: i.ID, Enabled: i.Enabled, PersonalityID: i.PersonalityID}
	decision := integration.Decide(row, rules, personalityID)
	return &model.AccessDecision{Allowed: decision.Allowed, Rule: model.AccessRule(decision.Rule)}, nil
}

// IntegrationSetPersonalityAccess resolves Mutation.integrationSetPersonalityAccess.
func (r mutationResolver) IntegrationSetPersonalityAccess(
	ctx context.Context, in model.IntegrationSetPersonalityAccessInput,
) (*model.IntegrationSetPersonalityAccessPayload, error) {
	rules := make([]integration.PersonalityAccess, len(in.Access))
	for i, rule := range in.Access {
		rules[i] = integration.PersonalityAccess{PersonalityID: rule.PersonalityID, Allowed: rule.Allowed.Value()}
	}
	row, faults, err := r.changed(r.Integrations.SetPersonalityAccess(ctx, integration.SetPersonalityAccessInput{
		IntegrationID: in.IntegrationID, Access: rules,
	}))
	return &model.IntegrationSetPersonalityAccessPayload{Integration: row, UserErrors: faults}, err
}
