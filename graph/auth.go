package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/viewer"
)

var errNoViewer = problem.New(problem.Unauthenticated, "This needs a credential.")

// auth is @auth: the viewer must carry the scope. ADMIN carries every one.
func auth(ctx context.Context, _ any, next graphql.Resolver, requires model.Scope) (any, error) {
	v, err := asking(ctx)
	if err != nil {
		return nil, err
	}
	if !v.May(viewer.Scope(requires)) {
		return nil, problem.New(problem.Forbidden, "This needs a credential with the scope %s.", requires)
	}
	return next(ctx)
}

// asking returns who asks, for fields without @auth.
func asking(ctx context.Context) (viewer.Viewer, error) {
	v, ok := viewer.From(ctx)
	if !ok || v.Company == "" {
		return v, errNoViewer
	}
	return v, nil
}
