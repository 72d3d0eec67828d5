package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/schema/field"

	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/seal"
)

var jsonColumn = map[string]string{dialect.Postgres: "jsonb", dialect.SQLite: "json"}

func identifier() ent.Field {
	return field.String("id").MaxLen(id.MaxLen).NotEmpty().Immutable()
}

// reference is a plain id of another row, with no foreign key of its own.
func reference(name, comment string) ent.Field {
	return field.String(name).MaxLen(id.MaxLen).Optional().Nillable().Comment(comment)
}

// fixed is a reference that never changes once the row is written.
func fixed(name, comment string) ent.Field {
	return field.String(name).MaxLen(id.MaxLen).Optional().Nillable().Immutable().Comment(comment)
}

func object(name string) ent.Field {
	return field.Other(name, column.Object{}).SchemaType(jsonColumn).Default(func() column.Object { return column.Object{} })
}

// record is an object that never changes once the row is written.
func record(name string) ent.Field {
	return field.Other(name, column.Object{}).SchemaType(jsonColumn).Immutable().
		Default(func() column.Object { return column.Object{} })
}

func list(name string) ent.Field {
	return field.Other(name, column.Strings{}).SchemaType(jsonColumn).Default(func() column.Strings { return column.Strings{} })
}

// sealed is a ciphertext that opens only in its own row and column; internal/credential and internal/integration's
// attempts hold the only code that opens one.
func sealed(name, comment string) ent.Field {
	return field.Bytes(name).GoType(seal.Sealed{}).Optional().Sensitive().Comment(comment)
}
