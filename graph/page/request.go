package page

import (
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
)

// Sizes of a page.
const (
	DefaultSize = 20
	MaxSize     = 100
)

// Order is how a list runs. It is part of every cursor.
type Order struct {
	// Kind is that of the listed things' ids.
	Kind id.Kind
	// Descending lists the newest first.
	Descending bool
	// ByTime lists by a time and then by id: keys are those of Timed.
	ByTime bool
}

// Request is what one page asks for. It is comparable, so that it can be part of a loader's key.
type Request struct {
	Order Order
	Size  int
	// Backward asks for the end of the list instead of its beginning.
	Backward bool
	// After and Before are ids between which the page lies, both excluded; empty where there is no bound.
	After, Before string
}

// Parse reads the four arguments of a connection. Every error is a problem.BadInput that names the argument.
func Parse(order Order, first *int32, after *string, last *int32, before *string) (Request, error) {
	r := Request{Order: order, Size: DefaultSize}
	switch {
	case first != nil && last != nil:
		return r, problem.New(problem.BadInput, "Give either first or last, not both.").At("last")
	case first != nil:
		r.Size = int(*first)
	case last != nil:
		r.Size, r.Backward = int(*last), true
	}
	if r.Size < 1 || r.Size > MaxSize {
		field := "first"
		if r.Backward {
			field = "last"
		}
		return r, problem.New(problem.BadInput, "%s must be from 1 to %d.", field, MaxSize).At(field)
	}
	var err error
	if r.After, err = parseCursor(order, after, "after"); err != nil {
		return r, err
	}
	r.Before, err = parseCursor(order, before, "before")
	return r, err
}

// Ascending reports whether ids ascend in the direction in which the page is read.
func (r Request) Ascending() bool { return r.Order.Descending == r.Backward }

// Bounds returns the ids between which the page lies, the lower first and both excluded; empty where there is none.
func (r Request) Bounds() (above, below string) {
	if r.Order.Descending {
		return r.Before, r.After
	}
	return r.After, r.Before
}
