package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/patchbay/patchbay/internal/id"
)

// Invocation is what is kept of a call by name that carried an idempotency key, until the key ends: no argument, and
// nothing of what the provider answered.
type Invocation struct{ ent.Schema }

// Mixin narrows to the viewer's company, and to the user's own integrations when the viewer is one.
func (Invocation) Mixin() []ent.Mixin { return []ent.Mixin{Tenant{user: throughIntegration}} }

// Fields of an invocation.
func (Invocation) Fields() []ent.Field {
	return []ent.Field{
		identifier(),
		field.String("integration_id").MaxLen(id.MaxLen).Immutable(),
		field.String("key_hash").MaxLen(64).Immutable().Sensitive().Comment("Hexadecimal SHA-256 of the key."),
		field.String("call_hash").MaxLen(64).Immutable().Sensitive().
			Comment("Hexadecimal HMAC-SHA-256, under the key, of the capability, the arguments and the user."),
		field.String("state").MaxLen(16).Comment("running, succeeded, failed or unknown; running for long means unknown."),
		field.String("error_code").MaxLen(32).Optional().Nillable().Comment("Why it failed."),
		field.Time("created_at").Immutable(),
		field.Time("expires_at").Immutable().Comment("When the key ends."),
	}
}

// Edges of an invocation.
func (Invocation) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("integration", Integration.Type).Ref("invocations").Field("integration_id").Unique().Required().
			Immutable(),
	}
}

// Indexes of invocations.
func (Invocation) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("company_id", "integration_id", "key_hash").Unique(),
		index.Fields("integration_id"),
		index.Fields("expires_at"),
	}
}

// Hooks of invocations: the integration must be one that the viewer may see.
func (Invocation) Hooks() []ent.Hook { return []ent.Hook{linked("integration_id", "integrations")} }
