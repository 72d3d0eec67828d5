package read

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/problem"
)

var users = table[model.User]{
	name:  "users",
	scope: scope{company: "company_id", user: "id"},
	columns: []stored[model.User]{
		{"id", nil, func(_ *Reader, u *model.User) any { return &u.ID }},
		{"external_id", fieldsOf("externalId"), func(_ *Reader, u *model.User) any { return &u.ExternalID }},
		{"metadata", fieldsOf("metadata"), func(_ *Reader, u *model.User) any { return (*column.Object)(&u.Metadata) }},
		{"created_at", fieldsOf("createdAt"), func(_ *Reader, u *model.User) any { return &u.CreatedAt }},
		{"updated_at", fieldsOf("updatedAt"), func(_ *Reader, u *model.User) any { return &u.UpdatedAt }},
	},
}

// Users returns the users that match a filter; nil matches all.
func (r *Reader) Users(f *model.UserFilter) (*List[model.User], error) {
	l := &List[model.User]{table: &users, reader: r}
	if f == nil {
		return l, nil
	}
	metadata, err := conditionsOf(f.Metadata.Value())
	if err != nil {
		return nil, err
	}
	l.where = func(s *statement) {
		if after := f.CreatedAfter.Value(); after != nil {
			s.add(" AND t.created_at > ?", moment(*after))
		}
		if before := f.CreatedBefore.Value(); before != nil {
			s.add(" AND t.created_at < ?", moment(*before))
		}
		for _, c := range metadata {
			c.write(s)
		}
		if name := f.Provider.Value(); name != nil {
			s.add(" AND EXISTS (SELECT 1 FROM integrations AS i WHERE i.user_id = t.id AND i.company_id = ?"+
				" AND i.provider = ? AND i.health_reason <> 'NOT_CONFIGURED' AND i.health_status NOT IN ('DISCONNECTED', 'EXPIRED'))",
				s.viewer.Company, *name)
		}
	}
	return l, nil
}

// UsersByID reads users by their ids.
func (r *Reader) UsersByID(ctx context.Context, ids []string, fields Fields) ([]*model.User, error) {
	return users.byID(ctx, r, ids, fields)
}

// UserByExternalID reads a user by the id it has in the customer's system: one row, or none.
func (r *Reader) UserByExternalID(ctx context.Context, externalID string, fields Fields) ([]*model.User, error) {
	s, err := r.begin(ctx)
	if err != nil {
		return nil, err
	}
	columns := users.needed(fields)
	s.add("SELECT ")
	names(s, columns)
	s.add(" FROM users AS t")
	s.within(users.scope)
	s.add(" AND t.external_id = ?", externalID)
	return users.rows(ctx, r, s, columns)
}

// maxMetadataKeys bounds one look-up by metadata.
const maxMetadataKeys = 10

// metadataIs is one condition on a user's metadata: under key there is exactly value.
type metadataIs struct {
	key   string
	value any
	json  string // {"key": value}
}

func conditionsOf(metadata map[string]any) ([]metadataIs, error) {
	if len(metadata) > maxMetadataKeys {
		return nil, problem.New(problem.BadInput, "At most %d keys can be looked for at once.", maxMetadataKeys).
			At("filter", "metadata")
	}
	var out []metadataIs
	for _, key := range sortedKeys(metadata) {
		value := metadata[key]
		switch v := value.(type) {
		case map[string]any, []any:
			return nil, problem.New(problem.BadInput, "A value to look for is a string, a number, true, false or null.").
				At("filter", "metadata", key)
		case json.Number:
			value = number(v)
		}
		b, err := json.Marshal(map[string]any{key: value})
		if err != nil {
			return nil, problem.New(problem.BadInput, "This is not a JSON value.").At("filter", "metadata", key)
		}
		out = append(out, metadataIs{key: key, value: value, json: string(b)})
	}
	return out, nil
}

// write compares as JSON does, with the key and the value bound. PostgreSQL's containment uses the index.
func (m metadataIs) write(s *statement) {
	if text, ok := m.value.(string); !storable(m.key) || ok && !storable(text) {
		s.nothing = true // JSON would hide it in an escape
	}
	if s.postgres {
		s.add(" AND t.metadata @> ?::jsonb", m.json)
		return
	}
	s.add(" AND EXISTS (SELECT 1 FROM json_each(t.metadata) AS m WHERE m.key = ?", m.key)
	switch v := m.value.(type) {
	case nil:
		s.add(" AND m.type = 'null')")
	case bool:
		s.add(" AND m.type = ?)", map[bool]string{true: "true", false: "false"}[v])
	case string:
		s.add(" AND m.type = 'text' AND m.atom = ?)", v)
	default:
		s.add(" AND m.type IN ('integer', 'real') AND m.atom = ?)", v)
	}
}

// number returns a JSON number as the database compares it.
func number(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, _ := n.Float64()
	return f
}
