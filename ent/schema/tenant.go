package schema

import (
	"context"
	"errors"

	"entgo.io/ent"
	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/mixin"

	"github.com/patchbay/patchbay/ent/intercept"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/viewer"
)

// How a table narrows when the viewer is one user: by a column of its own, through the integration it belongs to, not
// at all because the whole company shares it, or by hiding every row.
const (
	shared             = "shared"
	hidden             = "hidden"
	throughIntegration = "through integration"
)

// Tenant keeps every query and write within the viewer's company.
type Tenant struct {
	mixin.Schema
	own        string // the column that holds the company's id, when it is not company_id
	user       string // one of the constants above, or the column that holds the user's id
	appendOnly bool   // rows are never changed, and deleted by the system alone
}

// Fields adds company_id, unless the table's own id is the company's.
func (t Tenant) Fields() []ent.Field {
	if t.own != "" {
		return nil
	}
	return []ent.Field{field.String("company_id").MaxLen(id.MaxLen).NotEmpty().Immutable()}
}

// Interceptors narrow every read, eager loads and traversals included.
func (t Tenant) Interceptors() []ent.Interceptor {
	return []ent.Interceptor{intercept.TraverseFunc(func(ctx context.Context, q intercept.Query) error {
		v, ok := viewer.From(ctx)
		if !ok {
			return errNoViewer
		}
		if within := t.within(v); within != nil {
			q.WhereP(within)
		}
		return nil
	})}
}

// Hooks stamp what is created and narrow what is changed or deleted.
func (t Tenant) Hooks() []ent.Hook {
	return []ent.Hook{func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			v, ok := viewer.From(ctx)
			if !ok {
				return nil, errNoViewer
			}
			var err error
			if m.Op().Is(ent.OpCreate) {
				err = t.stamp(v, m)
			} else {
				err = t.narrow(v, m)
			}
			if err != nil {
				return nil, err
			}
			return next.Mutate(ctx, m)
		})
	}}
}

var (
	errNoViewer = errors.New("ent: no viewer in the context: every query and write needs one")
	errForeign  = problem.New(problem.NotFound, "what this would belong to does not exist")
)

// stamp writes the viewer's company and user into a new row and refuses a row for another.
func (t Tenant) stamp(v viewer.Viewer, m ent.Mutation) error {
	if v.Company != "" {
		if t.own == "" {
			if err := claim(m, "company_id", v.Company); err != nil {
				return err
			}
		} else if got, ok := m.(interface{ ID() (string, bool) }).ID(); !ok || got != v.Company {
			return errForeign
		}
	}
	if v.User == "" {
		return nil
	}
	switch t.user {
	case shared, hidden, "id":
		return problem.New(problem.Forbidden, "a user cannot create this")
	case throughIntegration: // the link to the integration is checked by the table's own hook
		return nil
	default:
		return claim(m, t.user, v.User)
	}
}

func claim(m ent.Mutation, column, want string) error {
	got, set := m.Field(column)
	if set && got != want {
		return errForeign
	}
	return m.SetField(column, want)
}

// narrow adds the viewer's predicate to an update or a delete.
func (t Tenant) narrow(v viewer.Viewer, m ent.Mutation) error {
	deletes := m.Op().Is(ent.OpDelete | ent.OpDeleteOne)
	if t.appendOnly && !(v.System && deletes) {
		return errors.New("ent: " + m.Type() + " is append-only")
	}
	if within := t.within(v); within != nil {
		m.(interface{ WhereP(...func(*sql.Selector)) }).WhereP(within)
	}
	return nil
}

// within returns the predicate of what v may see, or nil when that is everything.
func (t Tenant) within(v viewer.Viewer) func(*sql.Selector) {
	company := t.own
	if company == "" {
		company = "company_id"
	}
	if v.Company == "" {
		if v.System {
			return nil
		}
		return nothing
	}
	return func(s *sql.Selector) {
		s.Where(sql.EQ(s.C(company), v.Company))
		if v.User == "" {
			return
		}
		switch t.user {
		case shared:
		case hidden:
			nothing(s)
		case throughIntegration:
			owned := sql.Dialect(s.Dialect()).Select("id").From(sql.Table("integrations")).
				Where(sql.And(sql.EQ("company_id", v.Company), sql.EQ("user_id", v.User)))
			s.Where(sql.In(s.C("integration_id"), owned))
		default:
			s.Where(sql.EQ(s.C(t.user), v.User))
		}
	}
}

func nothing(s *sql.Selector) { s.Where(sql.False()) }
