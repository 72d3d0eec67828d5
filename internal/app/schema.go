package app

import (
	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/patchbay/patchbay/graph/generated"
)

type schemaCommand struct{}

// Run prints the schema that this binary serves, with its descriptions.
func (schemaCommand) Run(s streams) error {
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	formatter.NewFormatter(s.Out, formatter.WithIndent("  ")).FormatSchema(schema)
	return nil
}
