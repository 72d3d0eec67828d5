package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/patchbay/patchbay/internal/id"
)

// UsageCounter counts one integration's queries on one day (UTC).
type UsageCounter struct{ ent.Schema }

// Mixin narrows to the viewer's company, and to the user's own integrations when the viewer is one.
func (UsageCounter) Mixin() []ent.Mixin { return []ent.Mixin{Tenant{user: throughIntegration}} }

// Fields of a counter.
func (UsageCounter) Fields() []ent.Field {
	return []ent.Field{
		identifier(),
		field.String("integration_id").MaxLen(id.MaxLen).Immutable(),
		field.String("day").MaxLen(10).Immutable().Comment("YYYY-MM-DD, UTC."),
		field.Int64("queries").Default(0),
	}
}

// Edges of a counter.
func (UsageCounter) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("integration", Integration.Type).Ref("usage").Field("integration_id").Unique().Required().Immutable(),
	}
}

// Indexes of counters.
func (UsageCounter) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("company_id", "integration_id", "day").Unique(),
		index.Fields("integration_id"),
	}
}

// Hooks of counters: the integration must be one that the viewer may see.
func (UsageCounter) Hooks() []ent.Hook { return []ent.Hook{linked("integration_id", "integrations")} }
