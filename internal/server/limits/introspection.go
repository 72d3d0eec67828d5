package limits

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Introspection returns the extension that opens the schema's description to the callers that allowed accepts, and to
// nobody else.
func Introspection(allowed func(context.Context) bool) graphql.HandlerExtension {
	return introspection(allowed)
}

type introspection func(context.Context) bool

var _ graphql.OperationContextMutator = introspection(nil)

// ExtensionName returns the name that gqlgen knows the extension by.
func (introspection) ExtensionName() string { return "Introspection" }

// Validate accepts every schema.
func (introspection) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext sets whether this operation may introspect.
func (i introspection) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	op.DisableIntrospection = !i(ctx)
	return nil
}
