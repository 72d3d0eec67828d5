package graph

import (
	"context"

	"github.com/patchbay/patchbay/graph/model"
)

// Viewer resolves Query.viewer.
func (r queryResolver) Viewer(ctx context.Context) (*model.Viewer, error) {
	v, err := asking(ctx)
	if err != nil {
		return nil, err
	}
	company, err := first(r.read.CompaniesByID(ctx, []string{v.Company}))
	if err != nil {
		return nil, err
	}
	if company == nil { // it was removed since the credential was looked up
		return nil, errNoViewer
	}
	out := &model.Viewer{
		Company: company, Scopes: make([]model.Scope, len(v.Scopes)), ExpiresAt: v.ExpiresAt, CallbackURL: r.CallbackURL,
	}
	for i, scope := range v.Scopes {
		out.Scopes[i] = model.Scope(scope)
	}
	if v.User != "" {
		out.User, err = loading(ctx).user(ctx, v.User)
	}
	return out, err
}
