package limits

import (
	"math"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/patchbay/patchbay/internal/problem"
)

// checkShape measures the operation that will run. The document is valid, so fragments exist and form no cycle.
func (l Limits) checkShape(op *graphql.OperationContext) *gqlerror.Error {
	m := measure{fragments: map[string]shape{}}
	s := m.selection(op.Operation.SelectionSet)
	switch {
	case s.depth > l.Depth:
		return refuse(problem.TooComplex, "The operation is nested more than %d levels deep.", l.Depth)
	case s.aliases > l.Aliases:
		return refuse(problem.TooComplex, "The operation uses more than %d aliases.", l.Aliases)
	case s.fields > l.Fields:
		return refuse(problem.TooComplex,
			"The operation selects more than %d fields, counting fragments where they are used.", l.Fields)
	}
	return nil
}

// shape is what one selection adds up to, fragments expanded.
type shape struct{ fields, aliases, depth int }

// with returns the shape of both selections side by side. It saturates instead of overflowing.
func (s shape) with(o shape) shape {
	return shape{fields: add(s.fields, o.fields), aliases: add(s.aliases, o.aliases), depth: max(s.depth, o.depth)}
}

func add(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

// measure remembers what it knows about fragments, so that each is walked once however often it is spread.
type measure struct{ fragments map[string]shape }

func (m measure) selection(set ast.SelectionSet) shape {
	var sum shape
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			sum = sum.with(m.field(sel))
		case *ast.InlineFragment:
			sum = sum.with(m.selection(sel.SelectionSet))
		case *ast.FragmentSpread:
			known, ok := m.fragments[sel.Name]
			if !ok {
				known = m.selection(sel.Definition.SelectionSet)
				m.fragments[sel.Name] = known
			}
			sum = sum.with(known)
		}
	}
	return sum
}

func (m measure) field(f *ast.Field) shape {
	s := m.selection(f.SelectionSet)
	s.fields = add(s.fields, 1)
	if f.Alias != f.Name {
		s.aliases = add(s.aliases, 1)
	}
	if strings.HasPrefix(f.Name, "__") {
		s.depth = 0
	} else {
		s.depth++
	}
	return s
}
