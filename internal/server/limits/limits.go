package limits

import (
	"cmp"
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/patchbay/patchbay/internal/problem"
)

// Limits bound one document. A zero field takes its default.
type Limits struct {
	Tokens     int // lexical tokens in the whole document, comments included; default 1,000
	Directives int // uses of directives; default 50
	Fields     int // selected fields, each fragment counted where it is spread; default 500
	Aliases    int // fields that are given another name, counted the same way; default 30
	Depth      int // fields inside fields; introspection is not counted, it has its own limit; default 15
	Cost       int // sum of the costs that the schema gives its fields; default 5,000
}

// WithDefaults returns l with its zero fields filled in.
func (l Limits) WithDefaults() Limits {
	return Limits{
		Tokens:     cmp.Or(l.Tokens, 1000),
		Directives: cmp.Or(l.Directives, 50),
		Fields:     cmp.Or(l.Fields, 500),
		Aliases:    cmp.Or(l.Aliases, 30),
		Depth:      cmp.Or(l.Depth, 15),
		Cost:       cmp.Or(l.Cost, 5000),
	}
}

// Extensions returns what gqlgen's executor must use, in this order, to keep l. They hold no state between requests.
func (l Limits) Extensions() []graphql.HandlerExtension {
	l = l.WithDefaults()
	return []graphql.HandlerExtension{size{l}, &cost{extension.FixedComplexityLimit(l.Cost)}}
}

// size keeps every limit but Cost.
type size struct{ Limits }

var (
	_ graphql.OperationParameterMutator = size{}
	_ graphql.OperationContextMutator   = size{}
)

// ExtensionName returns the name that gqlgen knows the extension by.
func (size) ExtensionName() string { return "Limits" }

// Validate accepts every schema.
func (size) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters refuses a document by its text, before it is parsed.
func (s size) MutateOperationParameters(_ context.Context, params *graphql.RawParams) *gqlerror.Error {
	return s.checkText(params.Query)
}

// MutateOperationContext refuses a valid document by its shape, before it runs.
func (s size) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	return s.checkShape(op)
}

// cost is gqlgen's limit with the code of the contract.
type cost struct{ *extension.ComplexityLimit }

// ExtensionName returns the name that gqlgen knows the extension by.
func (*cost) ExtensionName() string { return "Cost" }

// MutateOperationContext refuses an operation that costs more than it may.
func (c *cost) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if err := c.ComplexityLimit.MutateOperationContext(ctx, op); err == nil {
		return nil
	}
	stats, _ := op.Stats.GetExtension(c.ComplexityLimit.ExtensionName()).(*extension.ComplexityStats)
	return refuse(problem.TooComplex, "This operation costs %d; at most %d is allowed. Ask for smaller pages.",
		stats.Complexity, stats.ComplexityLimit)
}

func refuse(code problem.Code, format string, args ...any) *gqlerror.Error {
	err := gqlerror.Errorf(format, args...)
	err.Extensions = map[string]any{"code": string(code)}
	return err
}
