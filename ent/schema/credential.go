package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/patchbay/patchbay/internal/column"
)

// Credential is the sealed secrets and tokens behind one integration. It outlives the integration, in state "ending",
// while its revocation is retried; so integration_id and user_id are plain ids. Only internal/credential opens it.
type Credential struct{ ent.Schema }

// Mixin narrows to the viewer's company, and to the user's own when the viewer is one.
func (Credential) Mixin() []ent.Mixin { return []ent.Mixin{Tenant{user: "user_id"}} }

// Fields of a credential.
func (Credential) Fields() []ent.Field {
	return []ent.Field{
		identifier(),
		reference("integration_id", ""),
		fixed("user_id", "Null for what belongs to the company."),
		field.String("provider").MaxLen(64).NotEmpty().Immutable(),
		field.String("auth_kind").MaxLen(16).NotEmpty(),
		field.String("state").MaxLen(16).Comment("active, expired (needs the person), ending (being revoked)."),
		field.Other("config", column.Object{}).SchemaType(jsonColumn).Optional().Comment("The integration's settings without secrets, for OAuth: its addresses are made from them, also when the integration is gone."),
		field.String("client_id").MaxLen(255).Optional().Nillable().Comment("The OAuth client that the tokens were issued to: another client cannot refresh them."),

		field.String("account_id").MaxLen(255).Optional().Nillable().Comment("The provider's id of the account; known once the credential is ending."),

		sealed("access_token", ""),
		sealed("refresh_token", ""),
		sealed("secrets", "JSON object of named secrets: static keys, passwords, placeholders, the signing key."),

		field.String("token_type").MaxLen(32).Default(""),
		list("scopes"),
		field.Time("expires_at").Optional().Nillable().Comment("When the access token ends; null when it does not."),
		field.Int64("lifetime_seconds").Default(0).Comment("The last lifetime that the provider named; 0 when none was."),
		field.Time("refreshed_at").Optional().Nillable(),
		field.Int64("generation").Default(1).Comment("Grows with every write of tokens and with ending; a write names the generation it replaces."),

		field.String("lease_owner").MaxLen(64).Optional().Nillable(),
		field.Time("lease_until").Optional().Nillable().Comment("On the database's clock."),
		field.Int("failures").Default(0).Comment("Transient failures in a row."),
		field.Time("next_attempt_at").Optional().Nillable().Comment("Not before this: back-off after a failed refresh or revocation."),
		field.Time("refresh_at").Optional().Nillable().Comment("When to refresh ahead of expiry, or after a failure to try again; without a refresh token, when the access ends."),
		field.Time("ending_since").Optional().Nillable(),

		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Indexes of credentials. One integration has one credential; an ending one of a removed integration keeps its id.
func (Credential) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("company_id", "integration_id").Unique(),
		index.Fields("integration_id"),
		index.Fields("state", "next_attempt_at"),
		index.Fields("refresh_at"),
	}
}
