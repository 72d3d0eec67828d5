package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// ConnectAttempt is one person's way through a provider's consent page. The state that travels through the browser is
// kept as its SHA-256 and works once.
type ConnectAttempt struct{ ent.Schema }

// Mixin narrows to the viewer's company, and to the user's own when the viewer is one.
func (ConnectAttempt) Mixin() []ent.Mixin { return []ent.Mixin{Tenant{user: "user_id"}} }

// Fields of an attempt.
func (ConnectAttempt) Fields() []ent.Field {
	return []ent.Field{
		identifier(),
		fixed("user_id", "Null for what belongs to the company."),
		field.String("provider").MaxLen(64).NotEmpty().Immutable(),
		reference("integration_id", "The integration that is connected again, and after success the one that was connected."),
		field.String("state_hash").MaxLen(64).Immutable().Sensitive().Comment("Hexadecimal SHA-256 of the state."),
		sealed("verifier", "PKCE code verifier (RFC 7636)."),
		field.String("redirect_url").MaxLen(2048),
		field.Bool("own_page").Immutable().Comment("True when Patchbay's own start and callback pages are used."),
		field.String("browser_hash").MaxLen(64).Optional().Nillable().Sensitive().Comment("SHA-256 of the cookie that the start page set."),
		list("scopes"),
		object("config"),
		sealed("secrets", ""),
		field.String("name").MaxLen(200).Optional().Nillable(),
		field.Bool("accept_other_account").Default(false),
		field.String("client_id").MaxLen(255),
		field.String("status").MaxLen(16).Comment("PENDING, SUCCEEDED or FAILED; EXPIRED is PENDING past expires_at."),
		field.String("failure_code").MaxLen(32).Optional().Nillable(),
		field.String("failure_message").MaxLen(500).Optional().Nillable(),
		field.Time("created_at").Immutable(),
		field.Time("expires_at").Immutable(),
		field.Time("taken_at").Optional().Nillable().Comment("When the state was used; it works once."),
	}
}

// Indexes of attempts.
func (ConnectAttempt) Indexes() []ent.Index {
	return []ent.Index{index.Fields("state_hash").Unique(), index.Fields("expires_at"), index.Fields("company_id", "id")}
}

// Hooks of attempts: the user and the integration must be ones that the viewer may see.
func (ConnectAttempt) Hooks() []ent.Hook {
	return []ent.Hook{linked("user_id", "users"), linked("integration_id", "integrations")}
}
