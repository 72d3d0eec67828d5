package read

import (
	"context"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/column"
)

var companies = table[model.Company]{
	name:  "companies",
	scope: scope{company: "id", user: shared},
	columns: []stored[model.Company]{
		{"id", nil, func(_ *Reader, c *model.Company) any { return &c.ID }},
		{"name", nil, func(_ *Reader, c *model.Company) any { return &c.Name }},
		{"created_at", nil, func(_ *Reader, c *model.Company) any { return &c.CreatedAt }},
	},
}

// CompaniesByID reads companies by their ids; the viewer sees its own alone.
func (r *Reader) CompaniesByID(ctx context.Context, ids []string) ([]*model.Company, error) {
	return companies.byID(ctx, r, ids, nil)
}

var keys = table[model.APIKey]{
	name:  "api_keys",
	scope: scope{company: "company_id", user: hidden},
	columns: []stored[model.APIKey]{
		{"id", nil, func(_ *Reader, k *model.APIKey) any { return &k.ID }},
		{"name", nil, func(_ *Reader, k *model.APIKey) any { return &k.Name }},
		{"prefix", nil, func(_ *Reader, k *model.APIKey) any { return &k.Prefix }},
		{"scopes", nil, func(_ *Reader, k *model.APIKey) any { return &scopes{&k.Scopes} }},
		{"created_at", nil, func(_ *Reader, k *model.APIKey) any { return &k.CreatedAt }},
		{"last_used_at", nil, func(_ *Reader, k *model.APIKey) any { return &k.LastUsedAt }},
		{"expires_at", nil, func(_ *Reader, k *model.APIKey) any { return &k.ExpiresAt }},
		{"revoked_at", nil, func(_ *Reader, k *model.APIKey) any { return &k.RevokedAt }},
	},
}

// KeysByID reads API keys by their ids.
func (r *Reader) KeysByID(ctx context.Context, ids []string) ([]*model.APIKey, error) {
	return keys.byID(ctx, r, ids, nil)
}

// scopes reads a list of scopes.
type scopes struct{ into *[]model.Scope }

// Scan implements sql.Scanner.
func (s *scopes) Scan(src any) error {
	var list column.Strings
	if err := list.Scan(src); err != nil {
		return err
	}
	*s.into = make([]model.Scope, len(list))
	for i, scope := range list {
		(*s.into)[i] = model.Scope(scope)
	}
	return nil
}
