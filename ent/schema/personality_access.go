package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/patchbay/patchbay/internal/id"
)

// PersonalityAccess is an explicit rule: whether one personality may use one integration. Without a rule it may.
type PersonalityAccess struct{ ent.Schema }

// Mixin narrows to the viewer's company, and to the user's own integrations when the viewer is one.
func (PersonalityAccess) Mixin() []ent.Mixin { return []ent.Mixin{Tenant{user: throughIntegration}} }

// Fields of a rule.
func (PersonalityAccess) Fields() []ent.Field {
	return []ent.Field{
		identifier(),
		field.String("integration_id").MaxLen(id.MaxLen).Immutable(),
		field.String("personality_id").MaxLen(id.MaxLen).Immutable(),
		field.Bool("allowed"),
	}
}

// Edges of a rule.
func (PersonalityAccess) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("integration", Integration.Type).Ref("access").Field("integration_id").Unique().Required().Immutable(),
		edge.To("personality", Personality.Type).Field("personality_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes of rules.
func (PersonalityAccess) Indexes() []ent.Index {
	return []ent.Index{index.Fields("company_id", "integration_id", "personality_id").Unique()}
}

// Hooks of rules: both ends must be rows that the viewer may see.
func (PersonalityAccess) Hooks() []ent.Hook {
	return []ent.Hook{linked("integration_id", "integrations"), linked("personality_id", "personalities")}
}
