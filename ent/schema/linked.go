package schema

import (
	"context"
	"fmt"

	"entgo.io/ent"

	gen "github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/ent/personality"
	"github.com/patchbay/patchbay/ent/user"
)

// linked refuses to write a reference to a row that the viewer may not see: a foreign key alone would accept another
// company's. The refusal reads like that of a row that does not exist.
func linked(column, table string) ent.Hook {
	return func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			if value, set := m.Field(column); set && value != "" {
				seen, err := visible(ctx, m.(interface{ Client() *gen.Client }).Client(), table, value.(string))
				if err != nil {
					return nil, err
				}
				if !seen {
					return nil, errForeign
				}
			}
			return next.Mutate(ctx, m)
		})
	}
}

func visible(ctx context.Context, c *gen.Client, table, id string) (bool, error) {
	switch table {
	case user.Table:
		return c.User.Query().Where(user.ID(id)).Exist(ctx)
	case integration.Table:
		return c.Integration.Query().Where(integration.ID(id)).Exist(ctx)
	case personality.Table:
		return c.Personality.Query().Where(personality.ID(id)).Exist(ctx)
	default:
		return false, fmt.Errorf("ent: no rule for a link to %s", table)
	}
}
