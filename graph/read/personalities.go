package read

import (
	"context"

	"github.com/patchbay/patchbay/graph/model"
)

var personalities = table[model.Personality]{
	name:  "personalities",
	scope: scope{company: "company_id", user: shared},
	columns: []stored[model.Personality]{
		{"id", nil, func(_ *Reader, p *model.Personality) any { return &p.ID }},
		{"name", fieldsOf("name"), func(_ *Reader, p *model.Personality) any { return &p.Name }},
		{"description", fieldsOf("description"), func(_ *Reader, p *model.Personality) any { return &p.Description }},
		{"created_at", fieldsOf("createdAt"), func(_ *Reader, p *model.Personality) any { return &p.CreatedAt }},
		{"updated_at", fieldsOf("updatedAt"), func(_ *Reader, p *model.Personality) any { return &p.UpdatedAt }},
	},
}

// Personalities returns the company's personalities.
func (r *Reader) Personalities() *List[model.Personality] {
	return &List[model.Personality]{table: &personalities, reader: r}
}

// PersonalitiesByID reads personalities by their ids.
func (r *Reader) PersonalitiesByID(ctx context.Context, ids []string, fields Fields) ([]*model.Personality, error) {
	return personalities.byID(ctx, r, ids, fields)
}

// AccessRules reads the explicit rules of each of many integrations, in the order of integrations, with the
// personalities that they are for, the oldest rule first. It is one statement.
func (r *Reader) AccessRules(ctx context.Context, integrations []string) ([][]*model.PersonalityAccess, error) {
	out := make([][]*model.PersonalityAccess, len(integrations))
	s, err := r.begin(ctx)
	if err != nil {
		return nil, err
	}
	s.add("SELECT p.n, t.allowed, who.id, who.name, who.description, who.created_at, who.updated_at FROM ")
	s.parents(integrations)
	// The tables are joined in this order, for SQLite.
	s.add(" CROSS JOIN personality_accesses AS t CROSS JOIN personalities AS who")

	s.linked = false // the index of rules begins with the company
	s.within(scope{company: "company_id", user: throughIntegration})
	s.add(" AND t.integration_id = p.id AND who.id = t.personality_id"+
		" AND who.company_id = ? ORDER BY t.id", s.viewer.Company)
	err = r.each(ctx, s, func(scan func(...any) error) error {
		var n int
		rule := &model.PersonalityAccess{Personality: &model.Personality{}}
		who := rule.Personality
		err := scan(&n, &rule.Allowed, &who.ID, &who.Name, &who.Description, &who.CreatedAt, &who.UpdatedAt)
		if err == nil {
			out[n] = append(out[n], rule)
		}
		return err
	})
	return out, err
}
