package graph

import (
	"context"
	"slices"

	"github.com/patchbay/patchbay/graph/model"
)

// Providers resolves Query.providers.
func (r queryResolver) Providers(ctx context.Context, category *model.ProviderCategory) ([]*model.Provider, error) {
	if _, err := asking(ctx); err != nil {
		return nil, err
	}
	out := []*model.Provider{}
	for _, p := range r.sorted {
		if category == nil || slices.Contains(p.Categories, *category) {
			out = append(out, p)
		}
	}
	return out, nil
}

// Provider resolves Query.provider.
func (r queryResolver) Provider(ctx context.Context, name string) (*model.Provider, error) {
	if _, err := asking(ctx); err != nil {
		return nil, err
	}
	return r.providers[name], nil
}
