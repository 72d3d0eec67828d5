package graph

import (
	"context"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/graph/page"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/user"
)

// User resolves Query.user.
func (r queryResolver) User(ctx context.Context, userID string) (*model.User, error) {
	if err := id.Check(id.User, userID, "id"); err != nil {
		return nil, err
	}
	w := wantedHere(ctx, userTypes)
	rows, err := r.read.UsersByID(ctx, []string{userID}, w.fields())
	if err == nil {
		err = loading(ctx).aheadOfUsers(ctx, rows, w)
	}
	return first(rows, err)
}

// UserByExternalID resolves Query.userByExternalId.
func (r queryResolver) UserByExternalID(ctx context.Context, externalID string) (*model.User, error) {
	w := wantedHere(ctx, userTypes)
	rows, err := r.read.UserByExternalID(ctx, externalID, w.fields())
	if err == nil {
		err = loading(ctx).aheadOfUsers(ctx, rows, w)
	}
	return first(rows, err)
}

// Users resolves Query.users.
func (r queryResolver) Users(
	ctx context.Context, first *int32, after *string, last *int32, before *string,
	filter *model.UserFilter, orderBy *model.UserOrder,
) (*model.UserConnection, error) {
	order := newestUsers
	if orderBy != nil && orderBy.Direction == model.OrderDirectionAsc {
		order = oldestUsers
	}
	request, err := page.Parse(order, first, after, last, before)
	if err != nil {
		return nil, err
	}
	list, err := r.read.Users(filter)
	if err != nil {
		return nil, err
	}
	w := wantedListed(ctx, userTypes)
	users, err := pageOf[model.User, *model.User](ctx, list, request, w)
	if err != nil {
		return nil, err
	}
	return users, loading(ctx).aheadOfUsers(ctx, users.Nodes(), w)
}

// Stats resolves User.stats.
func (r userResolver) Stats(ctx context.Context, u *model.User) (*model.UserStats, error) {
	n, err := loading(ctx).userIntegrations.count(ctx, u.ID, "")
	return &model.UserStats{IntegrationsCount: bounded(int64(n))}, err
}

// Integrations resolves User.integrations.
func (r userResolver) Integrations(
	ctx context.Context, u *model.User, first *int32, after *string, last *int32, before *string,
	filter *model.IntegrationFilter,
) (*model.IntegrationConnection, error) {
	request, err := page.Parse(integrations, first, after, last, before)
	if err != nil {
		return nil, err
	}
	ask := model.Ask{Request: request, Filter: encoded(filter)}
	if ready, ok := u.Integrations.Get(ask); ok {
		return ready, nil
	}
	return loading(ctx).userIntegrations.page(ctx, u.ID, ask)
}

// AuditEvents resolves User.auditEvents.
func (r userResolver) AuditEvents(
	ctx context.Context, u *model.User, first *int32, after *string, last *int32, before *string,
	filter *model.AuditEventFilter,
) (*model.AuditEventConnection, error) {
	request, err := page.Parse(events, first, after, last, before)
	if err != nil {
		return nil, err
	}
	ask := model.Ask{Request: request, Filter: encoded(filter)}
	if ready, ok := u.AuditEvents.Get(ask); ok {
		return ready, nil
	}
	return loading(ctx).userEvents.page(ctx, u.ID, ask)
}

// UserCreate resolves Mutation.userCreate.
func (r mutationResolver) UserCreate(
	ctx context.Context, in model.UserCreateInput,
) (*model.UserCreatePayload, error) {
	row, err := r.Users.Create(ctx, user.CreateInput{ExternalID: in.ExternalID.Value(), Metadata: in.Metadata.Value()})
	faults, err := split(err)
	out := &model.UserCreatePayload{UserErrors: faults}
	if row != nil {
		out.User = model.UserOf(row)
	}
	return out, err
}

// UserUpdate resolves Mutation.userUpdate.
func (r mutationResolver) UserUpdate(
	ctx context.Context, in model.UserUpdateInput,
) (*model.UserUpdatePayload, error) {
	row, err := r.Users.Update(ctx, user.UpdateInput{
		ID: in.ID, SetExternalID: in.ExternalID.IsSet(), ExternalID: in.ExternalID.Value(), Metadata: in.Metadata.Value(),
	})
	faults, err := split(err)
	out := &model.UserUpdatePayload{UserErrors: faults}
	if row != nil {
		out.User = model.UserOf(row)
	}
	return out, err
}

// UserDelete resolves Mutation.userDelete.
func (r mutationResolver) UserDelete(
	ctx context.Context, in model.UserDeleteInput,
) (*model.UserDeletePayload, error) {
	ended, err := r.Users.Delete(ctx, in.ID)
	if faults, err := split(err); err != nil || len(faults) > 0 {
		return &model.UserDeletePayload{UserErrors: faults}, err
	}
	out := &model.UserDeletePayload{
		DeletedUserID: &in.ID, Revocations: make([]*model.Revocation, len(ended)), UserErrors: []model.UserError{},
	}
	for i, one := range ended {
		out.Revocations[i] = revocationOf(one)
	}
	return out, nil
}

func revocationOf(r credential.Revocation) *model.Revocation {
	out := &model.Revocation{Outcome: model.RevocationOutcome(r.Outcome)}
	if r.IntegrationID != "" {
		out.IntegrationID = &r.IntegrationID
	}
	if r.Message != "" {
		out.Message = &r.Message
	}
	return out
}
