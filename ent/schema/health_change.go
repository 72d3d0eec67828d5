package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/patchbay/patchbay/internal/id"
)

// HealthChange is one step of the ordered outbox that the health stream reads. It carries the whole health, so that a
// replay tells what was true then; its ids are plain because it outlives what they name.
type HealthChange struct{ ent.Schema }

// Mixin narrows to the viewer's company, and to the user's own when the viewer is one.
func (HealthChange) Mixin() []ent.Mixin {
	return []ent.Mixin{Tenant{user: "user_id", appendOnly: true}}
}

// Fields of a change.
func (HealthChange) Fields() []ent.Field {
	return []ent.Field{
		identifier(),
		field.Int64("seq").Immutable().Comment("Counts one company's changes without gaps, in the order of their commits."),
		field.String("kind").MaxLen(16).Immutable().Comment("CHANGE or REMOVED."),
		field.String("integration_id").MaxLen(id.MaxLen).Immutable(),
		fixed("user_id", "Null for what belongs to the company."),
		field.String("provider").MaxLen(64).Immutable(),
		field.String("previous_status").MaxLen(16).Optional().Nillable().Immutable().Comment("Null for the first health of an integration."),
		field.String("status").MaxLen(16).Immutable(),
		field.String("reason").MaxLen(32).Immutable(),
		record("health"),
		field.Time("occurred_at").Immutable(),
	}
}

// Indexes of changes.
func (HealthChange) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("company_id", "seq").Unique(),
		index.Fields("integration_id", "id"),
		index.Fields("occurred_at"),
	}
}
