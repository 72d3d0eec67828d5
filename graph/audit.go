package graph

import (
	"context"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/graph/page"
)

// AuditEvents resolves Query.auditEvents.
func (r queryResolver) AuditEvents(
	ctx context.Context, first *int32, after *string, last *int32, before *string, filter *model.AuditEventFilter,
) (*model.AuditEventConnection, error) {
	request, err := page.Parse(events, first, after, last, before)
	if err != nil {
		return nil, err
	}
	list, err := r.read.AuditEvents(filter)
	if err != nil {
		return nil, err
	}
	w := wantedListed(ctx, eventTypes)
	found, err := pageOf[model.AuditEvent, *model.AuditEvent](ctx, list, request, w)
	if err != nil {
		return nil, err
	}
	return found, loading(ctx).aheadOfEvents(ctx, found.Nodes(), w)
}

// User resolves AuditEvent.user.
func (r auditEventResolver) User(ctx context.Context, e *model.AuditEvent) (*model.User, error) {
	if e.UserID == nil {
		return nil, nil //nolint:nilnil // null in the answer
	}
	return loading(ctx).user(ctx, *e.UserID)
}

// Integration resolves AuditEvent.integration.
func (r auditEventResolver) Integration(ctx context.Context, e *model.AuditEvent) (*model.Integration, error) {
	if e.IntegrationID == nil {
		return nil, nil //nolint:nilnil // null in the answer
	}
	return loading(ctx).integration(ctx, *e.IntegrationID)
}
