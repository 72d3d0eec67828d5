package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Personality is an AI persona that talks with users and uses their integrations.
type Personality struct{ ent.Schema }

// Mixin narrows to the viewer's company.
func (Personality) Mixin() []ent.Mixin { return []ent.Mixin{Tenant{user: shared}} }

// Fields of a personality.
func (Personality) Fields() []ent.Field {
	return []ent.Field{
		identifier(),
		field.String("name").MaxLen(200).NotEmpty(),
		field.Text("description").Default(""),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Indexes of personalities.
func (Personality) Indexes() []ent.Index { return []ent.Index{index.Fields("company_id", "id")} }
