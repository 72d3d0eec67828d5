package graph

import (
	"context"
	"strconv"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/graph/page"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/viewer"
)

// maxNodes bounds one look-up by ids.
const maxNodes = 100

// kind says how things with one prefix are read, and which scope lets a viewer read them: the one that their own root
// field needs.
type kind struct {
	scope viewer.Scope // "" for everybody who has a credential
	read  func(context.Context, *Graph, []string, wanted) ([]node, error)
}

// node is anything that can be read by its id.
type node interface {
	model.Node
	page.Listed
}

var kinds = map[id.Kind]kind{
	id.Company: {"", func(ctx context.Context, g *Graph, ids []string, _ wanted) ([]node, error) {
		return nodes(g.read.CompaniesByID(ctx, ids))
	}},
	id.APIKey: {viewer.Admin, func(ctx context.Context, g *Graph, ids []string, _ wanted) ([]node, error) {
		return nodes(g.read.KeysByID(ctx, ids))
	}},
	id.User: {viewer.UsersRead, func(ctx context.Context, g *Graph, ids []string, w wanted) ([]node, error) {
		w = w.as(userTypes)
		rows, err := g.read.UsersByID(ctx, ids, w.fields())
		if err == nil {
			err = loading(ctx).aheadOfUsers(ctx, rows, w)
		}
		return nodes(rows, err)
	}},
	id.Personality: {viewer.UsersRead, func(ctx context.Context, g *Graph, ids []string, w wanted) ([]node, error) {
		return nodes(g.read.PersonalitiesByID(ctx, ids, w.as(personalityTypes).fields()))
	}},
	id.Integration: {viewer.IntegrationsRead, func(ctx context.Context, g *Graph, ids []string, w wanted) ([]node, error) {
		w = w.as(integrationTypes)
		rows, err := g.read.IntegrationsByID(ctx, ids, w.fields())
		if err == nil {
			err = loading(ctx).aheadOfIntegrations(ctx, rows, w)
		}
		return nodes(rows, err)
	}},
	id.HealthChange: {viewer.IntegrationsRead, func(ctx context.Context, g *Graph, ids []string, w wanted) ([]node, error) {
		return nodes(g.read.ChangesByID(ctx, ids, w.as(changeTypes).fields()))
	}},
	id.AuditEvent: {viewer.AuditRead, func(ctx context.Context, g *Graph, ids []string, w wanted) ([]node, error) {
		return nodes(g.read.EventsByID(ctx, ids, w.as(eventTypes).fields()))
	}},
}

// Node resolves Query.node.
func (r queryResolver) Node(ctx context.Context, nodeID string) (model.Node, error) {
	if _, ok := id.KindOf(nodeID); !ok {
		return nil, malformedID.At("id")
	}
	found, err := r.byID(ctx, []string{nodeID})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// Nodes resolves Query.nodes.
func (r queryResolver) Nodes(ctx context.Context, ids []string) ([]model.Node, error) {
	if len(ids) > maxNodes {
		return nil, problem.New(problem.BadInput, "At most %d objects can be read at once.", maxNodes).At("ids")
	}
	for i, nodeID := range ids {
		if _, ok := id.KindOf(nodeID); !ok {
			return nil, malformedID.At("ids", strconv.Itoa(i))
		}
	}
	return r.byID(ctx, ids)
}

var malformedID = problem.New(problem.BadInput,
	"This is not an id of Patchbay, for example user_01h455vb4pex5vsknk084sn02q.")

// byID returns the object of each id, nil where there is none that the viewer may see: one statement for each kind.
func (g *Graph) byID(ctx context.Context, ids []string) ([]model.Node, error) {
	v, err := asking(ctx)
	if err != nil {
		return nil, err
	}
	byKind := map[id.Kind][]string{}
	for _, one := range ids {
		k, _ := id.KindOf(one)
		byKind[k] = append(byKind[k], one)
	}
	w := wantedHere(ctx, nil)
	found := map[string]node{}
	for k, ids := range byKind {
		how, ok := kinds[k]
		if !ok || how.scope != "" && !v.May(how.scope) {
			continue
		}
		rows, err := how.read(ctx, g, ids, w)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			found[row.Key()] = row
		}
	}
	out := make([]model.Node, len(ids))
	for i, one := range ids {
		if row, ok := found[one]; ok {
			out[i] = row
		}
	}
	return out, nil
}

func nodes[T any, P interface {
	*T
	node
}](rows []*T, err error) ([]node, error) {
	out := make([]node, len(rows))
	for i, row := range rows {
		out[i] = P(row)
	}
	return out, err
}
