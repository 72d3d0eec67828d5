package read

import (
	"context"

	"github.com/patchbay/patchbay/graph/model"
)

// changes leaves out that an integration was removed, which is for the stream alone.
var changes = table[model.IntegrationHealthChange]{
	name:  "health_changes",
	scope: scope{company: "company_id", user: "user_id"},
	columns: []stored[model.IntegrationHealthChange]{
		{"id", nil, func(_ *Reader, c *model.IntegrationHealthChange) any { return &c.ID }},
		{"previous_status", fieldsOf("from"), func(_ *Reader, c *model.IntegrationHealthChange) any { return &c.From }},
		{"status", fieldsOf("to"), func(_ *Reader, c *model.IntegrationHealthChange) any { return &c.To }},
		{"reason", fieldsOf("reason"), func(_ *Reader, c *model.IntegrationHealthChange) any { return &c.Reason }},
		{"occurred_at", fieldsOf("occurredAt"), func(_ *Reader, c *model.IntegrationHealthChange) any {
			return &c.OccurredAt
		}},
	},
}

// HealthChanges returns how the health of each of many integrations changed.
func (r *Reader) HealthChanges() *List[model.IntegrationHealthChange] {
	return &List[model.IntegrationHealthChange]{
		table: &changes, reader: r, link: "integration_id",
		where: func(s *statement) { s.add(" AND t.kind = 'CHANGE'") },
	}
}

// ChangesByID reads health changes by their ids.
func (r *Reader) ChangesByID(ctx context.Context, ids []string, fields Fields) ([]*model.IntegrationHealthChange, error) {
	return changes.byID(ctx, r, ids, fields)
}
