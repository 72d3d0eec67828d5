package graph

import (
	"context"
	"encoding/json"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/patchbay/patchbay/graph/loader"
	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/graph/page"
	"github.com/patchbay/patchbay/graph/read"
)

// nested is a connection below a parent, such as user.integrations. Its pages are read for many parents at once: by a
// look-ahead, or else by a loader. It lives for one response.
type nested[T any, P page.Row[T]] struct {
	list func(filter string) (*read.List[T], error)

	pages  loader.Loader[model.Ask, *page.Connection[P]]
	counts loader.Loader[string, int]
	reach  loader.Loader[end, bool]
}

// end asks whether a list goes on at one of its ends.
type end struct {
	filter  string
	from    string
	upwards bool
}

// page returns the page of one parent.
func (n *nested[T, P]) page(ctx context.Context, parent string, ask model.Ask) (*page.Connection[P], error) {
	return n.pages.Load(ctx, parent, ask,
		func(ctx context.Context, ask model.Ask, parents []string) ([]*page.Connection[P], error) {
			return n.read(ctx, parents, ask, nil)
		})
}

// read reads the page of each parent, in one statement.
func (n *nested[T, P]) read(
	ctx context.Context, parents []string, ask model.Ask, fields read.Fields,
) ([]*page.Connection[P], error) {
	list, err := n.list(ask.Filter)
	if err != nil {
		return nil, err
	}
	rows, err := list.Pages(ctx, parents, ask.Request, fields)
	if err != nil {
		return nil, err
	}
	out := make([]*page.Connection[P], len(parents))
	for i, parent := range parents {
		source := &below[T, P]{nested: n, parent: parent, filter: ask.Filter}
		out[i] = page.New(ask.Request, page.Rows[T, P](rows[i]), source)
	}
	return out, nil
}

// count returns how many things one parent's list has.
func (n *nested[T, P]) count(ctx context.Context, parent, filter string) (int, error) {
	return n.counts.Load(ctx, parent, filter, n.readCounts)
}

func (n *nested[T, P]) readCounts(ctx context.Context, filter string, parents []string) ([]int, error) {
	list, err := n.list(filter)
	if err != nil {
		return nil, err
	}
	return list.Counts(ctx, parents)
}

// below is where a nested page comes from.
type below[T any, P page.Row[T]] struct {
	nested *nested[T, P]
	parent string
	filter string
}

// Count implements page.Source.
func (b *below[T, P]) Count(ctx context.Context) (int, error) {
	return b.nested.count(ctx, b.parent, b.filter)
}

// Reaches implements page.Source.
func (b *below[T, P]) Reaches(ctx context.Context, from string, upwards bool) (bool, error) {
	return b.nested.reach.Load(ctx, b.parent, end{b.filter, from, upwards},
		func(ctx context.Context, e end, parents []string) ([]bool, error) {
			list, err := b.nested.list(e.filter)
			if err != nil {
				return nil, err
			}
			return list.Reaches(ctx, parents, e.from, e.upwards)
		})
}

// encoded returns a filter as a loader's key holds it; "" for none. Filters that mean the same are the same.
func encoded[F any](filter *F) string {
	if filter == nil {
		return ""
	}
	if events, ok := any(filter).(*model.AuditEventFilter); ok {
		inUTC(&events.Since)
		inUTC(&events.Until)
	}
	b, _ := json.Marshal(filter) // a filter came from JSON
	return string(b)
}

// decoded returns the filter that encoded has made.
func decoded[F any](filter string) *F {
	if filter == "" {
		return nil
	}
	out := new(F)
	_ = json.Unmarshal([]byte(filter), out) // encoded has made it
	return out
}

func inUTC(t *graphql.Omittable[*time.Time]) {
	if v := t.Value(); v != nil {
		*t = graphql.OmittableOf(new(v.UTC().Truncate(time.Microsecond)))
	}
}
