package credential

import (
	"entgo.io/ent/schema/field"

	"github.com/patchbay/patchbay/ent/migrate"
)

// Column is a column that holds sealed values.
type Column struct{ Table, Name string }

// String returns table.column.
func (c Column) String() string { return c.Table + "." + c.Name }

// Columns returns every column that holds sealed values, read from the schema, so that a new one cannot be forgotten:
// bytes are kept for nothing else.
func Columns() []Column {
	var all []Column
	for _, table := range migrate.Tables {
		for _, c := range table.Columns {
			if c.Type == field.TypeBytes {
				all = append(all, Column{table.Name, c.Name})
			}
		}
	}
	return all
}
