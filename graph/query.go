package graph

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
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

// resultOf gives a result the type of its kind; a kind without one is a custom record.
func resultOf(r provider.Result) model.ResultItem {
	f := fields(r.Fields)
	title, content, url := optional(r.Title), optional(r.Content), optional(r.URL)
	switch r.Kind {
	case "calendar_event":
		return &model.CalendarEvent{
			Title: title, Content: content, URL: url, StructuredData: r.Data,
			Start: f.time("start"), End: f.time("end"), AllDay: f.yes("allDay"), StartDate: f.text("startDate"),
			EndDate: f.text("endDate"), TimeZone: f.text("timeZone"), Location: f.text("location"),
			Organizer: f.text("organizer"), Attendees: f.texts("attendees"),
		}
	case "email_message":
		return &model.EmailMessage{
			Title: title, Content: content, URL: url, StructuredData: r.Data,
			From: f.text("from"), To: f.texts("to"), SentAt: f.time("sentAt"), Unread: f.maybe("unread"),
		}
	default:
		return &model.CustomRecord{Title: title, Content: content, URL: url, StructuredData: r.Data}
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// fields are those of a result, under the schema's names.
type fields map[string]any

func (f fields) text(name string) *string {
	if s, ok := f[name].(string); ok {
		return &s
	}
	return nil
}

func (f fields) texts(name string) []string {
	s, _ := f[name].([]string)
	return append([]string{}, s...)
}

func (f fields) time(name string) *time.Time {
	if t, ok := f[name].(time.Time); ok {
		return &t
	}
	return nil
}

func (f fields) maybe(name string) *bool {
	if b, ok := f[name].(bool); ok {
		return &b
	}
	return nil
}

func (f fields) yes(name string) bool { return f[name] == true }
