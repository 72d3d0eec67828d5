package graph

import (
	"context"
	"strconv"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
)

// maxFollowed bounds how many integrations one stream names.
const maxFollowed = 100

// IntegrationHealthChanged resolves Subscription.integrationHealthChanged. Its goroutine ends with the stream.
func (r subscriptionResolver) IntegrationHealthChanged(
	ctx context.Context, userID *string, integrationIDs, providers []string, after *string, snapshot bool,
) (<-chan *model.IntegrationHealthEvent, error) {
	if userID != nil {
		if err := id.Check(id.User, *userID, "userId"); err != nil {
			return nil, err
		}
	}
	if len(integrationIDs) > maxFollowed {
		return nil, problem.New(problem.BadInput, "At most %d integrations can be named.", maxFollowed).At("integrationIds")
	}
	for i, one := range integrationIDs {
		if err := id.Check(id.Integration, one, "integrationIds", strconv.Itoa(i)); err != nil {
			return nil, err
		}
	}
	in, err := r.Health.Follow(ctx, health.Filter{
		UserID: userID, IntegrationIDs: integrationIDs, Providers: providers, After: after, Snapshot: snapshot,
	})
	if err != nil {
		return nil, err
	}
	out := make(chan *model.IntegrationHealthEvent)
	go func() {
		defer close(out)
		for e := range in {
			select {
			case out <- healthEventOf(e):
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// Integration resolves IntegrationHealthEvent.integration: as it is now, if the viewer may still see it.
func (r healthEventResolver) Integration(
	ctx context.Context, e *model.IntegrationHealthEvent,
) (*model.Integration, error) {
	if e.IntegrationID == nil || e.Kind == model.StreamEventKindRemoved {
		return nil, nil //nolint:nilnil // null in the answer
	}
	return loading(ctx).integration(ctx, *e.IntegrationID)
}

func healthEventOf(e health.Event) *model.IntegrationHealthEvent {
	out := &model.IntegrationHealthEvent{
		Kind: model.StreamEventKind(e.Kind), Cursor: e.Cursor, PreviousStatus: (*model.HealthStatus)(e.PreviousStatus),
		OccurredAt: e.OccurredAt,
	}
	if e.IntegrationID != "" {
		out.IntegrationID = &e.IntegrationID
	}
	if s := e.Health; s != nil {
		out.Health = &model.IntegrationHealth{
			Status: model.HealthStatus(s.Status), Reason: model.HealthReason(s.Reason),
			NextAction: model.HealthAction(s.Action), CheckedAt: s.CheckedAt, LastSuccessfulQueryAt: s.LastSucceededAt,
			TokenExpiresAt: s.TokenExpiresAt,
			StaleAt:        s.StaleAt,
		}
		if s.Message != "" {
			out.Health.Message = &s.Message
		}
	}
	return out
}
