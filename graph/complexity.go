package graph

import (
	"github.com/patchbay/patchbay/graph/generated"
	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/graph/page"
)

// callsOut is what a mutation costs that makes Patchbay call a provider, so that one document cannot ask for many.
const callsOut = 500

// complexity says what fields cost: a page multiplies what is selected of its things, and calling out has its price.
// Everything else costs one. The limit is the server's.
func complexity() generated.ComplexityRoot {
	var c generated.ComplexityRoot
	c.Query.Users = func(
		child int, first *int32, _ *string, last *int32, _ *string, _ *model.UserFilter, _ *model.UserOrder,
	) int {
		return pages(child, first, last)
	}
	c.Query.Integrations = func(
		child int, first *int32, _ *string, last *int32, _ *string, _ *model.IntegrationFilter,
	) int {
		return pages(child, first, last)
	}
	c.User.Integrations = c.Query.Integrations
	c.Query.AuditEvents = func(child int, first *int32, _ *string, last *int32, _ *string, _ *model.AuditEventFilter) int {
		return pages(child, first, last)
	}
	c.User.AuditEvents, c.Integration.AuditEvents = c.Query.AuditEvents, c.Query.AuditEvents
	c.Query.Personalities = func(child int, first *int32, _ *string, last *int32, _ *string) int {
		return pages(child, first, last)
	}
	c.Query.ExpiringCredentials = func(child int, _ int32, _ bool, first *int32, _ *string) int {
		return pages(child, first, nil)
	}
	c.Integration.HealthHistory = c.Query.Personalities
	c.Query.Nodes = func(child int, ids []string) int { return 1 + child*min(len(ids), maxNodes) }

	m := &c.Mutation
	m.UserDelete = func(child int, _ model.UserDeleteInput) int { return callsOut + child }
	m.IntegrationCreate = func(child int, _ model.IntegrationCreateInput) int { return callsOut + child }
	m.IntegrationUpdate = func(child int, _ model.IntegrationUpdateInput) int { return callsOut + child }
	m.IntegrationCallback = func(child int, _ model.IntegrationCallbackInput) int { return callsOut + child }
	m.IntegrationDisconnect = func(child int, _ model.IntegrationDisconnectInput) int { return callsOut + child }
	m.IntegrationRefresh = func(child int, _ model.IntegrationRefreshInput) int { return callsOut + child }
	m.IntegrationCheckHealth = func(child int, _ model.IntegrationCheckHealthInput) int { return callsOut + child }
	m.IntegrationQuery = func(child int, _ model.IntegrationQueryInput) int { return callsOut + child }
	m.IntegrationInvoke = func(child int, _ model.IntegrationInvokeInput) int { return callsOut + child }
	return c
}

func pages(child int, first, last *int32) int {
	size := int32(page.DefaultSize)
	switch {
	case first != nil:
		size = *first
	case last != nil:
		size = *last
	}
	return 1 + child*int(max(1, min(size, page.MaxSize)))
}
