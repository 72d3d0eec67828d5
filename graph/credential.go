package graph

import (
	"context"
	"time"

	"github.com/patchbay/patchbay/graph/loader"
	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/graph/page"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
)

// maxHours is a year: nobody plans further ahead.
const maxHours = 365 * 24

var soonest = page.Order{Kind: id.Credential, ByTime: true}

// ExpiringCredentials resolves Query.expiringCredentials.
func (r queryResolver) ExpiringCredentials(
	ctx context.Context, withinHours int32, includeSelfRenewing bool, first *int32, after *string,
) (*model.ExpiringCredentialConnection, error) {
	if withinHours < 1 || withinHours > maxHours {
		return nil, problem.New(problem.BadInput, "withinHours must be from 1 to %d.", maxHours).At("withinHours")
	}
	request, err := page.Parse(soonest, first, after, nil, nil)
	if err != nil {
		return nil, err
	}
	list := r.read.ExpiringCredentials(r.Now().Add(time.Duration(withinHours)*time.Hour), includeSelfRenewing)
	rows, err := list.Page(ctx, request)
	if err != nil {
		return nil, err
	}
	l := loading(ctx)
	integrations := given(rows, func(c *model.ExpiringCredential) *string { return &c.IntegrationID })
	if err := l.integrations.Fill(ctx, integrations, loader.None{}, l.readIntegrations); err != nil {
		return nil, err
	}
	return page.New(request, rows, list), nil
}

// Integration resolves ExpiringCredential.integration.
func (r expiringResolver) Integration(
	ctx context.Context, c *model.ExpiringCredential,
) (*model.Integration, error) {
	return loading(ctx).integration(ctx, c.IntegrationID)
}
