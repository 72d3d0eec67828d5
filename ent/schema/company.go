package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// Company is the tenant; everything belongs to one.
type Company struct{ ent.Schema }

// Mixin narrows to the viewer's own company.
func (Company) Mixin() []ent.Mixin { return []ent.Mixin{Tenant{own: "id", user: shared}} }

// Fields of a company.
func (Company) Fields() []ent.Field {
	return []ent.Field{
		identifier(),
		field.String("name").MaxLen(200).NotEmpty(),
		field.Time("created_at").Immutable(),
	}
}
