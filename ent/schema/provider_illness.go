package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// ProviderIllness says that a provider fails for so many integrations at once that the fault is its own. Every company
// that it concerns has a row while that lasts: it holds their transitions, and makes the telling of it happen once.
type ProviderIllness struct{ ent.Schema }

// Mixin narrows to the viewer's company.
func (ProviderIllness) Mixin() []ent.Mixin { return []ent.Mixin{Tenant{user: shared}} }

// Fields of an illness.
func (ProviderIllness) Fields() []ent.Field {
	return []ent.Field{
		identifier(),
		field.String("provider").MaxLen(64).NotEmpty().Immutable(),
		field.Time("began_at").Immutable(),
	}
}

// Indexes of illnesses.
func (ProviderIllness) Indexes() []ent.Index {
	return []ent.Index{index.Fields("company_id", "provider").Unique()}
}
