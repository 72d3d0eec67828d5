package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Integration is a provider connected for one user, or for the company when user_id is null. Its status is derived
// from its health and not stored beside it.
type Integration struct{ ent.Schema }

// Mixin narrows to the viewer's company, and to the user's own when the viewer is one.
func (Integration) Mixin() []ent.Mixin { return []ent.Mixin{Tenant{user: "user_id"}} }

// Fields of an integration.
func (Integration) Fields() []ent.Field {
	return []ent.Field{
		identifier(),
		fixed("user_id", "Null for what belongs to the company."),
		field.String("provider").MaxLen(64).NotEmpty().Immutable(),
		field.String("auth_kind").MaxLen(16).NotEmpty(),
		field.String("name").MaxLen(200).NotEmpty(),
		field.Bool("enabled").Default(true),
		field.String("visibility").MaxLen(16).Default("PRIVATE"),
		reference("personality_id", "The personality it is reserved for. No foreign key: it stays reserved when the personality is deleted."),
		list("scopes"),
		field.String("account_id").MaxLen(255).Optional().Nillable(),
		field.String("account_name").MaxLen(255).Optional().Nillable(),
		object("config"),
		list("secret_names"),
		field.Int64("revision").Default(1).Comment("Grows when what its requests are sent with is replaced, or is proved dead: what was observed of the one before says nothing about what is there since."),
		field.Time("connected_at").Optional().Nillable(),
		field.Time("last_used_at").Optional().Nillable(),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),

		field.String("health_status").MaxLen(16),
		field.String("health_reason").MaxLen(32),
		field.String("health_message").MaxLen(500).Optional().Nillable(),
		field.String("health_action").MaxLen(16),
		field.Time("health_checked_at").Optional().Nillable(),
		field.Time("last_succeeded_at").Optional().Nillable().Comment("When a question was last answered."),
		field.Time("token_expires_at").Optional().Nillable().Comment("Copy of the credential's, written in the same transaction, so that reading health opens no second row."),
		field.Time("stale_at").Optional().Nillable().Comment("When a healthy state that nothing has proved again turns stale; null for every other."),
		field.Int("failed_probes").Default(0),
		field.Time("probed_at").Optional().Nillable().Comment("When the provider was last asked by a probe that ran by itself."),
		field.Time("next_probe_at").Optional().Nillable().Comment("When the next probe is due; while one runs, when another may take it over. Null when there is nothing to probe."),
	}
}

// Edges of an integration.
func (Integration) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("user", User.Type).Ref("integrations").Field("user_id").Unique().Immutable(),
		edge.To("access", PersonalityAccess.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("usage", UsageCounter.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("invocations", Invocation.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes of integrations.
func (Integration) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("company_id", "id"),
		index.Fields("user_id", "id"),
		index.Fields("company_id", "provider", "id"),
		index.Fields("account_id"), // who shares an account, whatever the company
		index.Fields("next_probe_at"),
		index.Fields("stale_at"),
		index.Fields("probed_at"),
	}
}

// Hooks of integrations: the user it is linked to must be one that the viewer may see.
func (Integration) Hooks() []ent.Hook { return []ent.Hook{linked("user_id", "users")} }
