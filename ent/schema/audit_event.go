package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// AuditEvent is something that was done. It is written in the transaction of what it records and never changed; its
// ids are plain because it outlives what they name.
type AuditEvent struct{ ent.Schema }

// Mixin narrows to the viewer's company, and to what concerns the user when the viewer is one.
func (AuditEvent) Mixin() []ent.Mixin { return []ent.Mixin{Tenant{user: "user_id", appendOnly: true}} }

// Fields of an audit event.
func (AuditEvent) Fields() []ent.Field {
	return []ent.Field{
		identifier(),
		field.String("event_type").MaxLen(32).Immutable(),
		field.Time("timestamp").Immutable(),
		field.String("actor").MaxLen(64).Immutable(),
		fixed("user_id", "Null for what belongs to the company."),
		fixed("integration_id", ""),
		fixed("personality_id", ""),
		fixed("conversation_id", ""),
		record("details"),
		field.String("capability").MaxLen(100).Optional().Nillable().Immutable(),
		field.Text("query").Optional().Nillable().Immutable(),
		field.Bool("succeeded").Immutable(),
		field.String("error_code").MaxLen(32).Optional().Nillable().Immutable(),
		field.Int64("latency_ms").Optional().Nillable().Immutable(),
		field.Int64("tx").Optional().Immutable().
			Annotations(entsql.DefaultExprs(map[string]string{dialect.Postgres: "((pg_current_xact_id())::text)::bigint"})).
			Comment("Orders the stream: the transaction that wrote it, which PostgreSQL fills in; on SQLite a count."),
	}
}

// Indexes of audit events: each list that pages has its own, ending in the id.
func (AuditEvent) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("company_id", "id"),
		index.Fields("company_id", "timestamp"),
		index.Fields("integration_id", "id"),
		index.Fields("user_id", "id"),
		index.Fields("company_id", "tx", "id"),
	}
}
