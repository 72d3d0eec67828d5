package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// APIKey lets a company's own systems in. Only the SHA-256 of the secret is kept.
type APIKey struct{ ent.Schema }

// Mixin narrows to the viewer's company; users see no keys.
func (APIKey) Mixin() []ent.Mixin { return []ent.Mixin{Tenant{user: hidden}} }

// Fields of an API key.
func (APIKey) Fields() []ent.Field {
	return []ent.Field{
		identifier(),
		field.String("name").MaxLen(200).NotEmpty(),
		field.String("prefix").MaxLen(16).Immutable().Comment("The first characters of the secret, to tell keys apart."),
		field.String("hash").MaxLen(64).Immutable().Sensitive().Comment("Hexadecimal SHA-256 of the secret."),
		list("scopes"),
		field.Time("created_at").Immutable(),
		field.Time("last_used_at").Optional().Nillable(),
		field.Time("expires_at").Optional().Nillable(),
		field.Time("revoked_at").Optional().Nillable(),
	}
}

// Indexes of API keys.
func (APIKey) Indexes() []ent.Index {
	return []ent.Index{index.Fields("hash").Unique(), index.Fields("company_id", "id")}
}
