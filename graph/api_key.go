package graph

import (
	"context"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/access"
	"github.com/patchbay/patchbay/internal/viewer"
)

// APIKeys resolves Query.apiKeys.
func (r queryResolver) APIKeys(ctx context.Context) ([]*model.APIKey, error) {
	rows, err := r.Access.Keys(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]*model.APIKey, len(rows))
	for i, row := range rows {
		out[i] = apiKeyOf(row)
	}
	return out, nil
}

// APIKeyCreate resolves Mutation.apiKeyCreate.
func (r mutationResolver) APIKeyCreate(
	ctx context.Context, in model.APIKeyCreateInput,
) (*model.APIKeyCreatePayload, error) {
	scopes := make([]viewer.Scope, len(in.Scopes))
	for i, scope := range in.Scopes {
		scopes[i] = viewer.Scope(scope)
	}
	row, secret, err := r.Access.CreateKey(ctx, access.CreateKeyInput{
		Name: in.Name, Scopes: scopes, ExpiresAt: in.ExpiresAt.Value(),
	})
	faults, err := split(err)
	out := &model.APIKeyCreatePayload{UserErrors: faults}
	if row != nil {
		out.APIKey, out.Secret = apiKeyOf(row), new(secret.Reveal())
	}
	return out, err
}

// APIKeyRevoke resolves Mutation.apiKeyRevoke.
func (r mutationResolver) APIKeyRevoke(
	ctx context.Context, in model.APIKeyRevokeInput,
) (*model.APIKeyRevokePayload, error) {
	row, err := r.Access.RevokeKey(ctx, in.ID)
	faults, failed := split(err)
	out := &model.APIKeyRevokePayload{UserErrors: faults}
	if err == nil {
		out.APIKey = apiKeyOf(row)
	}
	return out, failed
}

func apiKeyOf(row *ent.APIKey) *model.APIKey {
	scopes := make([]model.Scope, len(row.Scopes))
	for i, scope := range row.Scopes {
		scopes[i] = model.Scope(scope)
	}
	return &model.APIKey{
		ID: row.ID, Name: row.Name, Prefix: row.Prefix, Scopes: scopes, CreatedAt: row.CreatedAt,
		LastUsedAt: row.LastUsedAt, ExpiresAt: row.ExpiresAt, RevokedAt: row.RevokedAt,
	}
}
