package graph

import (
	"context"
	"time"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/query"
)

// IntegrationInvoke resolves Mutation.integrationInvoke.
func (r mutationResolver) IntegrationInvoke(
	ctx context.Context, in model.IntegrationInvokeInput,
) (*model.IntegrationInvokePayload, error) {
	answer, err := r.Queries.Invoke(ctx, query.InvokeInput{
		IntegrationID: in.IntegrationID, Capability: in.Capability, Arguments: in.Arguments.Value(),
		UserID: in.UserID.Value(), PersonalityID: in.PersonalityID.Value(), ConversationID: in.ConversationID.Value(),
		Timeout: time.Duration(in.TimeoutMs) * time.Millisecond, IdempotencyKey: in.IdempotencyKey.Value(),
	})
	if err != nil {
		faults, err := split(err)
		return &model.IntegrationInvokePayload{UserErrors: faults}, err
	}
	out := &model.IntegrationInvokePayload{Replayed: &answer.Replayed, UserErrors: []model.UserError{}}
	if !answer.Replayed {
		out.Result = r.answerOf(answer)
	}
	return out, nil
}
