package graph

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/query"
)

// IntegrationQuery resolves Mutation.integrationQuery.
func (r mutationResolver) IntegrationQuery(
	ctx context.Context, in model.IntegrationQueryInput,
) (*model.IntegrationQueryPayload, error) {
	answer, err := r.Queries.Ask(ctx, query.AskInput{
		IntegrationID: in.IntegrationID, Query: in.Query, UserID: in.UserID.Value(),
		PersonalityID: in.PersonalityID.Value(), ConversationID: in.ConversationID.Value(),
		Timezone: in.Timezone.Value(), Limit: int(in.Limit), Timeout: time.Duration(in.TimeoutMs) * time.Millisecond,
		DryRun: in.DryRun,
	})
	if err != nil {
		faults, failed := split(err)
		if failed == nil {
			failed = r.nameChoices(ctx, in.IntegrationID, err, faults)
		}
		return &model.IntegrationQueryPayload{UserErrors: faults}, failed
	}
	return &model.IntegrationQueryPayload{Result: r.answerOf(answer), UserErrors: []model.UserError{}}, nil
}

// nameChoices fills in the capabilities that an ambiguous question could mean.
func (g *Graph) nameChoices(ctx context.Context, integrationID string, err error, faults []model.UserError) error {
	fault, ok := errors.AsType[*problem.Error](err)
	if !ok || fault.Code != problem.Ambiguous {
		return nil
	}
	row, err := loading(ctx).integration(ctx, integrationID)
	if err != nil || row == nil {
		return err
	}
	for _, shown := range faults {
		if choice, ok := shown.(*model.AmbiguousChoice); ok {
			for _, c := range row.Capabilities() {
				if slices.Contains(fault.Choices, c.Name) {
					choice.Choices = append(choice.Choices, c)
				}
			}
		}
	}
	return nil
}

func (g *Graph) answerOf(r *query.Result) *model.QueryResult {
	out := &model.QueryResult{
		Integration: g.integrationOf(r.Integration), Capability: model.CapabilityOf(r.Capability),
		Plan: &model.QueryPlan{
			Confidence: r.Plan.Confidence, MatchedPhrases: append([]string{}, r.Plan.MatchedPhrases...),
			Arguments: r.Plan.Arguments, Request: r.Plan.Request,
		},
		Results: make([]model.ResultItem, len(r.Items)), Truncated: r.Truncated, LatencyMs: bounded(int64(r.LatencyMs)),
	}
	for i, item := range r.Items {
		out.Results[i] = resultOf(item)
	}
	return out
}
