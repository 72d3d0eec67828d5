package graph

import (
	"context"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/graph/page"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/personality"
)

// Personality resolves Query.personality.
func (r queryResolver) Personality(ctx context.Context, personalityID string) (*model.Personality, error) {
	if err := id.Check(id.Personality, personalityID, "id"); err != nil {
		return nil, err
	}
	return first(r.read.PersonalitiesByID(ctx, []string{personalityID}, wantedHere(ctx, personalityTypes).fields()))
}

// Personalities resolves Query.personalities.
func (r queryResolver) Personalities(
	ctx context.Context, first *int32, after *string, last *int32, before *string,
) (*model.PersonalityConnection, error) {
	request, err := page.Parse(personalities, first, after, last, before)
	if err != nil {
		return nil, err
	}
	w := wantedListed(ctx, personalityTypes)
	return pageOf[model.Personality, *model.Personality](ctx, r.read.Personalities(), request, w)
}

// PersonalityCreate resolves Mutation.personalityCreate.
func (r mutationResolver) PersonalityCreate(
	ctx context.Context, in model.PersonalityCreateInput,
) (*model.PersonalityCreatePayload, error) {
	create := personality.CreateInput{Name: in.Name}
	if description := in.Description.Value(); description != nil {
		create.Description = *description
	}
	row, err := r.Deps.Personalities.Create(ctx, create)
	faults, err := split(err)
	out := &model.PersonalityCreatePayload{UserErrors: faults}
	if row != nil {
		out.Personality = &model.Personality{
			ID: row.ID, Name: row.Name, Description: row.Description, CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt,
		}
	}
	return out, err
}
