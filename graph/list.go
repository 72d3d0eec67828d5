package graph

import (
	"context"

	"github.com/patchbay/patchbay/graph/page"
	"github.com/patchbay/patchbay/graph/read"
)

// pageOf reads one page of a root list with the columns that are wanted of its things.
func pageOf[T any, P page.Row[T]](
	ctx context.Context, list *read.List[T], request page.Request, w wanted,
) (*page.Connection[P], error) {
	rows, err := list.Page(ctx, request, w.fields())
	if err != nil {
		return nil, err
	}
	return page.New(request, page.Rows[T, P](rows), root[T]{list}), nil
}

// root is where a page of a root list comes from.
type root[T any] struct{ list *read.List[T] }

// Count implements page.Source.
func (r root[T]) Count(ctx context.Context) (int, error) { return r.list.Count(ctx) }

// Reaches implements page.Source.
func (r root[T]) Reaches(ctx context.Context, from string, upwards bool) (bool, error) {
	return r.list.Reach(ctx, from, upwards)
}

// first returns the only row of a look-up, or nil when there is none.
func first[T any](rows []*T, err error) (*T, error) {
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}
