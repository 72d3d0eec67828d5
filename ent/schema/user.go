package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// User is a person who talks with personalities.
type User struct{ ent.Schema }

// Mixin narrows to the viewer's company, and to the user when the viewer is one.
func (User) Mixin() []ent.Mixin { return []ent.Mixin{Tenant{user: "id"}} }

// Fields of a user.
func (User) Fields() []ent.Field {
	return []ent.Field{
		identifier(),
		field.String("external_id").MaxLen(255).Optional().Nillable().Comment("The person's id in the customer's own system."),
		object("metadata"),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Edges of a user.
func (User) Edges() []ent.Edge {
	return []ent.Edge{edge.To("integrations", Integration.Type).Annotations(entsql.OnDelete(entsql.Cascade))}
}

// Indexes of users. Metadata is searched by containment on PostgreSQL; SQLite scans one company.
func (User) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("company_id", "external_id").Unique(),
		index.Fields("company_id", "id"),
		index.Fields("company_id", "created_at"),
		index.Fields("metadata").Annotations(
			entsql.IndexTypes(map[string]string{dialect.Postgres: "GIN"}),
			entsql.OpClass("jsonb_path_ops"),
		),
	}
}
