package graph

import (
	"context"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/integration"
)

// ConnectAttempt resolves Query.connectAttempt.
func (r queryResolver) ConnectAttempt(ctx context.Context, state string) (*model.ConnectAttempt, error) {
	progress, err := r.Deps.Integrations.ConnectAttempt(ctx, state)
	if err != nil {
		return nil, absent(err)
	}
	return r.attemptOf(state, progress)
}

// ConnectAttemptChanged resolves Subscription.connectAttemptChanged. Its goroutine ends with the stream.
func (r subscriptionResolver) ConnectAttemptChanged(
	ctx context.Context, state string,
) (<-chan *model.ConnectAttempt, error) {
	in, err := r.Deps.Integrations.FollowAttempt(ctx, state)
	if err != nil {
		return nil, err
	}
	out := make(chan *model.ConnectAttempt)
	go func() {
		defer close(out)
		for progress := range in {
			attempt, err := r.attemptOf(state, progress)
			if err != nil { // not among the failures that are told
				return
			}
			select {
			case out <- attempt:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

func (g *Graph) attemptOf(state string, progress *integration.Progress) (*model.ConnectAttempt, error) {
	row := progress.Attempt
	out := &model.ConnectAttempt{
		State: state, Status: model.ConnectAttemptStatus(progress.Status), Provider: g.providers.Named(row.Provider),
		IntegrationID: row.IntegrationID, ExpiresAt: row.ExpiresAt,
	}
	if progress.Failure != nil {
		faults, err := split(progress.Failure)
		if err != nil {
			return nil, err
		}
		out.Failure = faults[0]
	}
	return out, nil
}

// Integration resolves ConnectAttempt.integration.
func (r connectAttemptResolver) Integration(ctx context.Context, a *model.ConnectAttempt) (*model.Integration, error) {
	if a.IntegrationID == nil {
		return nil, nil //nolint:nilnil // null in the answer
	}
	return loading(ctx).integration(ctx, *a.IntegrationID)
}

// IntegrationConnect resolves Mutation.integrationConnect.
func (r mutationResolver) IntegrationConnect(
	ctx context.Context, in model.IntegrationConnectInput,
) (*model.IntegrationConnectPayload, error) {
	attempt, err := r.Integrations.Connect(ctx, integration.ConnectInput{
		UserID: in.UserID.Value(), Provider: in.Provider, Scopes: in.Scopes.Value(), RedirectURL: in.RedirectURL.Value(),
		Config: in.Config.Value(), Name: in.Name.Value(), IntegrationID: in.IntegrationID.Value(),
		AcceptOtherAccount: in.AcceptOtherAccount,
	})
	faults, err := split(err)
	out := &model.IntegrationConnectPayload{UserErrors: faults}
	if attempt != nil {
		out.AuthorizationURL, out.ExpiresAt = &attempt.AuthorizationURL, &attempt.ExpiresAt
		out.State = new(attempt.State.Reveal())
	}
	return out, err
}

// IntegrationCallback resolves Mutation.integrationCallback.
func (r mutationResolver) IntegrationCallback(
	ctx context.Context, in model.IntegrationCallbackInput,
) (*model.IntegrationCallbackPayload, error) {
	row, faults, err := r.changed(r.Integrations.Callback(ctx, integration.CallbackInput{
		UserID: in.UserID.Value(), Provider: in.Provider, Code: in.Code.Value(), State: in.State,
		Error: in.Error.Value(), Parameters: in.Parameters.Value(),
	}))
	return &model.IntegrationCallbackPayload{Integration: row, UserErrors: faults}, err
}
