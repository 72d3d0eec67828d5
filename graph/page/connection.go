package page

import (
	"cmp"
	"context"
	"slices"
)

// Listed is something that a list can hold.
type Listed interface {
	// Key returns its id.
	Key() string
}

// A Source answers what a page by itself does not know about its list. Each call may cost a statement.
type Source interface {
	// Count returns how many things the whole list has.
	Count(ctx context.Context) (int, error)
	// Reaches reports whether the list has a thing with an id of at least from (upwards) or at most from (downwards).
	Reaches(ctx context.Context, from string, upwards bool) (bool, error)
}

// Connection is one page of a list. It is made by New and immutable.
type Connection[T Listed] struct {
	request Request
	rows    []T
	more    bool // the list goes on beyond the page in the direction in which it was read
	source  Source
}

// New makes a page of rows that were read for r: in any order, and one more than the page's size if there are more.
func New[T Listed](r Request, rows []T, source Source) *Connection[T] {
	sign := -1
	if r.Ascending() {
		sign = 1
	}
	slices.SortFunc(rows, func(a, b T) int { return sign * cmp.Compare(a.Key(), b.Key()) })
	c := &Connection[T]{request: r, rows: rows, source: source}
	if len(rows) > r.Size {
		c.rows, c.more = rows[:r.Size], true
	}
	if r.Backward {
		slices.Reverse(c.rows)
	}
	return c
}

// Nodes returns the things on the page.
func (c *Connection[T]) Nodes() []T { return c.rows }

// Edges returns the things on the page with their cursors.
func (c *Connection[T]) Edges() []*Edge[T] {
	edges := make([]Edge[T], len(c.rows))
	out := make([]*Edge[T], len(c.rows))
	for i, row := range c.rows {
		edges[i] = Edge[T]{Node: row, order: &c.request.Order}
		out[i] = &edges[i]
	}
	return out
}

// PageInfo returns where the page stands in its list.
func (c *Connection[T]) PageInfo() *Info {
	info := &Info{request: &c.request, more: c.more, source: c.source}
	if len(c.rows) > 0 {
		info.first, info.last = c.rows[0].Key(), c.rows[len(c.rows)-1].Key()
	}
	return info
}

// TotalCount counts the whole list.
func (c *Connection[T]) TotalCount(ctx context.Context) (int32, error) {
	n, err := c.source.Count(ctx)
	return int32(min(n, 1<<31-1)), err //nolint:gosec // bounded
}

// Edge is a thing on a page with its place in the list.
type Edge[T Listed] struct {
	Node  T
	order *Order
}

// Cursor returns the place.
func (e *Edge[T]) Cursor() string { return e.order.Cursor(e.Node.Key()) }

// Info is where a page stands in its list.
type Info struct {
	request     *Request
	more        bool
	source      Source
	first, last string
}

// HasNextPage reports whether the list goes on behind the page.
func (i *Info) HasNextPage(ctx context.Context) (bool, error) {
	if i.more && !i.request.Backward {
		return true, nil
	}
	return i.reaches(ctx, i.request.Before, !i.request.Order.Descending)
}

// HasPreviousPage reports whether something comes before the page.
func (i *Info) HasPreviousPage(ctx context.Context) (bool, error) {
	if i.more && i.request.Backward {
		return true, nil
	}
	return i.reaches(ctx, i.request.After, i.request.Order.Descending)
}

func (i *Info) reaches(ctx context.Context, from string, upwards bool) (bool, error) {
	if from == "" {
		return false, nil
	}
	return i.source.Reaches(ctx, from, upwards)
}

// StartCursor returns the cursor of the first thing, or nil on an empty page.
func (i *Info) StartCursor() *string { return i.cursor(i.first) }

// EndCursor returns the cursor of the last thing, or nil on an empty page.
func (i *Info) EndCursor() *string { return i.cursor(i.last) }

func (i *Info) cursor(id string) *string {
	if id == "" {
		return nil
	}
	return new(i.request.Order.Cursor(id))
}

// Row is a pointer to a T that a list can hold.
type Row[T any] interface {
	*T
	Listed
}

// Rows returns rows as what a list holds.
func Rows[T any, P Row[T]](rows []*T) []P {
	out := make([]P, len(rows))
	for i, row := range rows {
		out[i] = row
	}
	return out
}
