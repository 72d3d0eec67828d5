package query

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/usagecounter"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// recordTime is how long writing down the outcome may take, whatever became of the caller.
const recordTime = 10 * time.Second

// conclude writes down what became of the question, all in one transaction, and returns the answer. An answer whose
// record cannot be written is not given: what was asked is in the trail, always. Of a question that failed, the failure
// is returned even when it could not be recorded, which the log then says. A write that was done is answered, and is in
// the trail, even when its integration was disconnected meanwhile; when it cannot be recorded, its outcome is unknown to
// whoever reads that the database failed, so that is what is said. A dry run is no question and leaves nothing.
func (a *asking) conclude(ctx context.Context, failure error) (*Result, error) {
	if a.in.DryRun {
		if failure != nil {
			return nil, failure
		}
		return &Result{Integration: a.row, Capability: a.capability, Plan: a.plan}, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	row := a.row
	err := a.Store.RetryTx(ctx, func(ctx context.Context) error {
		if a.sent && failure == nil { // the integration's row first, as whoever removes it does
			used, err := a.Health.Answered(ctx, a.row)
			if err != nil {
				return err
			}
			row = used
		}
		if err := a.evidence(ctx, failure); err != nil {
			return err
		}
		if a.sent {
			if err := a.count(ctx); err != nil {
				return err
			}
		}
		if err := a.settle(ctx, failure); err != nil {
			return err
		}
		return a.recordEvent(ctx, failure)
	})
	gone := ent.IsNotFound(err) || problem.Is(err, problem.NotFound)
	if gone && failure == nil && a.wrote() { // what was done was done
		err = a.recordEvent(ctx, nil)
	}
	switch {
	case failure != nil && err != nil:
		a.Log.ErrorContext(ctx, "a failed question was not recorded", "integration_id", a.row.ID, "error", err)
		return nil, failure
	case failure != nil:
		return nil, failure
	case err != nil && gone:
		return nil, problem.New(problem.NotFound, "The integration was disconnected while it was asked.").
			At("input", "integrationId").Because(err)
	case err != nil && a.wrote():
		a.Log.ErrorContext(ctx, "a write was not recorded", "integration_id", a.row.ID, "error", err)
		return nil, &problem.Error{
			Code: problem.OutcomeUnknown, Provider: a.provider.Name, Err: err, Message: fmt.Sprintf("%[1]s has answered, but "+
				"that could not be written down here. Look at %[1]s before you repeat it.", a.provider.Title),
		}
	case err != nil:
		return nil, fmt.Errorf("record a question: %w", err)
	}
	if a.replayed {
		return &Result{Replayed: true}, nil
	}
	return &Result{
		Integration: row, Capability: a.capability, Plan: a.plan, Items: a.items, Truncated: a.truncated,
		LatencyMs: int(a.latency.Milliseconds()),
	}, nil
}

func (a *asking) wrote() bool { return a.accepted && a.capability.Effect == provider.Write }

// patient is how long a provider must have had for its silence to say anything about it.
const patient = 5 * time.Second

// evidence counts a question that failed as a probe that failed, where the provider has no probe of its own: nothing
// else would ever show that it is ill.
func (a *asking) evidence(ctx context.Context, failure error) error {
	if !a.sent || failure == nil || a.provider.Probe.Possible() {
		return nil
	}
	if e, ok := errors.AsType[*problem.Error](failure); ok && e.Code == problem.OutcomeUnknown {
		failure = e.Err
	}
	if problem.Is(failure, problem.ProviderTimeout) && a.in.Timeout < patient {
		return nil
	}
	found, ok := integration.FindingOf(failure)
	if !ok {
		return nil
	}
	found.Revision = a.row.Revision
	_, err := a.Health.ProbeFailed(ctx, a.row.ID, found)
	return err
}

func (a *asking) recordEvent(ctx context.Context, failure error) error {
	latency := a.latency.Milliseconds()
	e := audit.Event{
		Type: audit.Query, IntegrationID: &a.row.ID, PersonalityID: a.in.PersonalityID, ConversationID: a.in.ConversationID,
		UserID: a.row.UserID, LatencyMs: &latency,
		Failure: string(problem.CodeOf(failure)), Details: column.Object{"provider": a.row.Provider},
	}
	if a.invocation == nil {
		e.Query = &a.in.Query
	} else {
		e.Type = audit.Invoked
		if a.capability != nil {
			e.Details["arguments"] = a.argumentNames()
		}
		if a.replayed {
			e.Details["replayed"] = true
		}
	}
	if a.asker != nil {
		e.UserID = &a.asker.ID
	}
	if a.capability != nil {
		e.Capability = &a.capability.Name
	}
	if failure == nil && !a.replayed {
		e.Details["results"] = len(a.items)
	}
	if p, ok := errors.AsType[*problem.Error](failure); ok && p.HTTPStatus != 0 {
		e.Details["httpStatus"] = p.HTTPStatus
	}
	_, err := a.Audit.Append(ctx, e)
	return err
}

// count adds one to today's counter, in one statement but for the first of the day.
func (a *asking) count(ctx context.Context) error {
	counters, day := a.Store.Client(ctx).UsageCounter, a.began.UTC().Format(time.DateOnly)
	n, err := counters.Update().Where(usagecounter.IntegrationID(a.row.ID), usagecounter.Day(day)).AddQueries(1).Save(ctx)
	if err == nil && n == 0 {
		err = counters.Create().SetID(a.NewID(id.UsageCounter)).SetIntegrationID(a.row.ID).SetDay(day).SetQueries(1).
			OnConflictColumns(usagecounter.FieldCompanyID, usagecounter.FieldIntegrationID, usagecounter.FieldDay).
			AddQueries(1).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("count a question: %w", err)
	}
	return nil
}
