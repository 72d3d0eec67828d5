package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// CompanySequence counts one company's ordered streams; its id is the company's.
type CompanySequence struct{ ent.Schema }

// Mixin narrows to the viewer's own company.
func (CompanySequence) Mixin() []ent.Mixin { return []ent.Mixin{Tenant{own: "id", user: shared}} }

// Fields of a sequence.
func (CompanySequence) Fields() []ent.Field {
	return []ent.Field{
		identifier(),
		field.Int64("health").Default(0).Comment("The seq of the last health change."),
	}
}
