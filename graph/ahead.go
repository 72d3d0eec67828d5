package graph

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/patchbay/patchbay/graph/loader"
	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/graph/page"
	"github.com/patchbay/patchbay/graph/read"
)

// wanted is what a document selects of every thing at one level. A connection can select its things twice, through
// edges and through nodes, so there may be several selection sets.
type wanted struct {
	op    *graphql.OperationContext
	sets  []ast.SelectionSet
	types []string // the type of the things and the interfaces it has, in gqlgen's order
}

// The types whose selections are looked at, as gqlgen names what satisfies a fragment's condition.
var (
	userTypes        = []string{"User", "Node"}
	integrationTypes = []string{"Integration", "Node"}
	eventTypes       = []string{"AuditEvent", "Node"}
	changeTypes      = []string{"IntegrationHealthChange", "Node"}
	personalityTypes = []string{"Personality", "Node"}
)

// wantedHere returns what the document selects of the field that is being resolved.
func wantedHere(ctx context.Context, types []string) wanted {
	return wanted{
		op: graphql.GetOperationContext(ctx), types: types,
		sets: []ast.SelectionSet{graphql.GetFieldContext(ctx).Field.Selections},
	}
}

// wantedListed returns what the document selects of the things on the pages of the connection that is being resolved.
func wantedListed(ctx context.Context, types []string) wanted {
	return wantedHere(ctx, nil).listed(types)
}

// as returns what is selected of the things that are of this type.
func (w wanted) as(types []string) wanted {
	w.types = types
	return w
}

// each calls visit for every field that is selected.
func (w wanted) each(visit func(graphql.CollectedField)) {
	for _, set := range w.sets {
		for _, f := range graphql.CollectFields(w.op, set, w.types) {
			visit(f)
		}
	}
}

// fields returns the names of what is selected, which decide the columns that are read.
func (w wanted) fields() read.Fields {
	out := read.Fields{}
	w.each(func(f graphql.CollectedField) { out = append(out, f.Name) })
	return out
}

// listed returns what is selected of the things on a connection's pages.
func (w wanted) listed(types []string) wanted {
	out := wanted{op: w.op, types: types}
	connection, edge := []string{types[0] + "Connection"}, []string{types[0] + "Edge"}
	for _, set := range w.sets {
		for _, f := range graphql.CollectFields(w.op, set, connection) {
			switch f.Name {
			case "nodes":
				out.sets = append(out.sets, f.Selections)
			case "edges":
				for _, e := range graphql.CollectFields(w.op, f.Selections, edge) {
					if e.Name == "node" {
						out.sets = append(out.sets, e.Selections)
					}
				}
			}
		}
	}
	return out
}

// asked is one nested connection with its arguments, and what is selected of its things.
type asked struct {
	model.Ask
	wanted

	counted bool // totalCount is selected
}

// connections returns the selected connections with this name, those with the same arguments as one. One whose
// arguments are wrong is left to its resolver, which says so.
func connections[F any](w wanted, name string, order page.Order, types []string) []asked {
	var out []asked
	w.each(func(f graphql.CollectedField) {
		if f.Name != name {
			return
		}
		ask, ok := askOf[F](f.ArgumentMap(w.op.Variables), order)
		if !ok {
			return
		}
		here := wanted{op: w.op, sets: []ast.SelectionSet{f.Selections}, types: []string{types[0] + "Connection"}}
		below, counted := here.listed(types), slices.Contains(here.fields(), "totalCount")
		for i := range out {
			if out[i].Ask == ask {
				out[i].sets, out[i].counted = append(out[i].sets, below.sets...), out[i].counted || counted
				return
			}
		}
		out = append(out, asked{ask, below, counted})
	})
	return out
}

// askOf reads the arguments of a connection as gqlgen does for the resolver.
func askOf[F any](args map[string]any, order page.Order) (ask model.Ask, ok bool) {
	ok = true
	number := func(name string) *int32 {
		if args[name] == nil {
			return nil
		}
		n, err := graphql.UnmarshalInt32(args[name])
		ok = ok && err == nil
		return &n
	}
	text := func(name string) *string {
		if args[name] == nil {
			return nil
		}
		s, err := graphql.UnmarshalString(args[name])
		ok = ok && err == nil
		return &s
	}
	request, err := page.Parse(order, number("first"), text("after"), number("last"), text("before"))
	ask.Request, ok = request, ok && err == nil
	if args["filter"] != nil && ok {
		filter := new(F)
		b, err := json.Marshal(args["filter"])
		if err != nil || json.Unmarshal(b, filter) != nil {
			return ask, false
		}
		ask.Filter = encoded(filter)
	}
	return ask, ok
}

// ahead reads the pages that are asked for below these parents, one statement for each set of arguments however many
// parents there are, and hands each parent its page.
func ahead[T any, P page.Row[T]](
	ctx context.Context, n *nested[T, P], parents []string, a asked, put func(parent int, page *page.Connection[P]),
) ([]P, error) {
	pages, err := n.read(ctx, parents, a.Ask, a.fields())
	if err != nil {
		return nil, err
	}
	if a.counted {
		if err := n.counts.Fill(ctx, parents, a.Filter, n.readCounts); err != nil {
			return nil, err
		}
	}
	var all []P
	for i, one := range pages {
		put(i, one)
		all = append(all, one.Nodes()...)
	}
	return all, nil
}

// aheadOfUsers reads what is selected below users.
func (l *loaders) aheadOfUsers(ctx context.Context, users []*model.User, w wanted) error {
	if len(users) == 0 {
		return nil
	}
	ids := keys(users)
	if slices.Contains(w.fields(), "stats") {
		n := &l.userIntegrations
		if err := n.counts.Fill(ctx, ids, "", n.readCounts); err != nil {
			return err
		}
	}
	for _, a := range connections[model.IntegrationFilter](w, "integrations", integrations, integrationTypes) {
		all, err := ahead(ctx, &l.userIntegrations, ids, a, func(i int, page *model.IntegrationConnection) {
			users[i].Integrations.Put(a.Ask, page)
		})
		if err != nil {
			return err
		}
		if err := l.aheadOfIntegrations(ctx, all, a.wanted); err != nil {
			return err
		}
	}
	for _, a := range connections[model.AuditEventFilter](w, "auditEvents", events, eventTypes) {
		all, err := ahead(ctx, &l.userEvents, ids, a, func(i int, page *model.AuditEventConnection) {
			users[i].AuditEvents.Put(a.Ask, page)
		})
		if err != nil {
			return err
		}
		if err := l.aheadOfEvents(ctx, all, a.wanted); err != nil {
			return err
		}
	}
	return nil
}

// aheadOfIntegrations reads what is selected below integrations.
func (l *loaders) aheadOfIntegrations(ctx context.Context, list []*model.Integration, w wanted) error {
	if len(list) == 0 {
		return nil
	}
	ids := keys(list)
	for _, name := range w.fields() {
		var err error
		switch name {
		case "user":
			err = l.users.Fill(ctx, given(list, func(i *model.Integration) *string { return i.UserID }),
				loader.None{}, l.readUsers)
		case "personality":
			err = l.personalities.Fill(ctx, given(list, func(i *model.Integration) *string { return i.PersonalityID }),
				loader.None{}, l.readPersonalities)
		case "stats":
			err = l.usages.Fill(ctx, ids, loader.None{}, l.readUsage)
		case "personalityAccess", "accessFor":
			err = l.access.Fill(ctx, ids, loader.None{}, l.readRules)
		}
		if err != nil {
			return err
		}
	}
	for _, a := range connections[model.AuditEventFilter](w, "auditEvents", events, eventTypes) {
		all, err := ahead(ctx, &l.integrationEvents, ids, a, func(i int, page *model.AuditEventConnection) {
			list[i].AuditEvents.Put(a.Ask, page)
		})
		if err != nil {
			return err
		}
		if err := l.aheadOfEvents(ctx, all, a.wanted); err != nil {
			return err
		}
	}
	for _, a := range connections[loader.None](w, "healthHistory", changes, changeTypes) {
		if _, err := ahead(ctx, &l.healthHistory, ids, a, func(i int, page *model.IntegrationHealthChangeConnection) {
			list[i].HealthHistory.Put(a.Ask, page)
		}); err != nil {
			return err
		}
	}
	return nil
}

// aheadOfEvents reads what is selected below audit events.
func (l *loaders) aheadOfEvents(ctx context.Context, list []*model.AuditEvent, w wanted) error {
	for _, name := range w.fields() {
		var err error
		switch name {
		case "user":
			err = l.users.Fill(ctx, given(list, func(e *model.AuditEvent) *string { return e.UserID }),
				loader.None{}, l.readUsers)
		case "integration":
			err = l.integrations.Fill(ctx, given(list, func(e *model.AuditEvent) *string { return e.IntegrationID }),
				loader.None{}, l.readIntegrations)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func keys[T page.Listed](rows []T) []string {
	out := make([]string, len(rows))
	for i, row := range rows {
		out[i] = row.Key()
	}
	return out
}

// given returns the ids that rows name.
func given[T any](rows []T, id func(T) *string) []string {
	var out []string
	for _, row := range rows {
		if v := id(row); v != nil {
			out = append(out, *v)
		}
	}
	return out
}
