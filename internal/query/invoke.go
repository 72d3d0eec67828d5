package query

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/viewer"
)

const (
	maxCapability = 100 // characters
	maxKey        = 255
	// invokedLimit is how many results a read by name answers with, unless an argument called limit says otherwise.
	invokedLimit = 20
)

// InvokeInput is a call of one capability by its name.
type InvokeInput struct {
	IntegrationID string
	Capability    string
	// Arguments must fit the capability's ArgumentsSchema; nil means none.
	Arguments map[string]any
	// UserID, PersonalityID and ConversationID are as in AskInput.
	UserID         *string
	PersonalityID  *string
	ConversationID *string
	// Timeout bounds the provider's answer; from 100 ms to 30 s.
	Timeout time.Duration
	// IdempotencyKey makes a repeated call harmless; see Invoke. Nil for none.
	IdempotencyKey *string
}

// Validate returns every fault that the input shows by itself, joined.
func (in InvokeInput) Validate() error {
	faults := []error{
		checkTerms(in.IntegrationID, in.UserID, in.PersonalityID, in.ConversationID, in.Timeout),
		problem.CheckLength("The name of the capability", in.Capability, 1, maxCapability, "input", "capability"),
	}
	if in.IdempotencyKey != nil && !isKey(*in.IdempotencyKey) {
		faults = append(faults, problem.New(problem.Invalid,
			"An idempotency key has 1 to %d printable characters.", maxKey).At("input", "idempotencyKey"))
	}
	return errors.Join(faults...)
}

func isKey(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= maxKey && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// Invoke calls one capability by its name; what writes runs this way only. It blocks for at most the timeout and the
// time that writing down the outcome takes, and what writes goes on when the caller leaves. Like a question it is
// audited, with the names of the arguments, and counted when it was sent.
//
// With an idempotency key it is done once: for 24 hours a call of the same integration under the same key is answered
// from what is known of the first, by a Result that says Replayed, or by the code that the first failed with. The key
// is refused for other arguments, while the first call is under way, and, with OutcomeUnknown, when nobody can tell
// whether the provider did it. A call that certainly was not done leaves its key free, and so does one that failed and
// may be repeated anyway.
func (s *Service) Invoke(ctx context.Context, in InvokeInput) (*Result, error) {
	began := s.Now()
	if v, _ := viewer.From(ctx); !v.May(viewer.IntegrationsQuery) {
		return nil, problem.New(problem.Forbidden, "This credential may not call integrations: it needs INTEGRATIONS_QUERY.")
	}
	if err := in.Validate(); err != nil {
		return nil, err
	}
	row, err := s.Integrations.Get(ctx, in.IntegrationID, "input", "integrationId")
	if err != nil {
		return nil, err
	}
	a := &asking{Service: s, began: began, row: row, invocation: &in, in: AskInput{
		IntegrationID: in.IntegrationID, UserID: in.UserID, PersonalityID: in.PersonalityID,
		ConversationID: in.ConversationID, Limit: invokedLimit, Timeout: in.Timeout,
	}}
	err = a.invoke(ctx)
	return a.conclude(ctx, err)
}

func (a *asking) invoke(ctx context.Context) error {
	defer func() { a.latency = a.Now().Sub(a.began) }()
	if err := a.admit(ctx); err != nil {
		return err
	}
	if err := a.prepare(ctx); err != nil {
		return err
	}
	if err := a.claim(ctx); err != nil || a.replayed {
		return err
	}
	if a.capability.Effect == provider.Write {
		ctx = context.WithoutCancel(ctx) // half a write helps nobody
	}
	return a.unsettled(a.fetch(ctx))
}

// prepare finds the capability, checks the arguments and renders the first request.
func (a *asking) prepare(ctx context.Context) error {
	all := a.provider.CapabilitiesFor(a.row.Config, nil)
	i := slices.IndexFunc(all, func(c *provider.Capability) bool { return c.Name == a.invocation.Capability })
	if i < 0 {
		names := make([]string, len(all))
		for i, c := range all {
			names[i] = c.Name
		}
		return problem.New(problem.NotFound, "This integration has no such capability; it has %s.",
			strings.Join(names, ", ")).At("input", "capability")
	}
	a.capability = all[i]
	if err := a.granted(); err != nil {
		return err
	}
	if err := a.capability.ValidateArguments(a.invocation.Arguments); err != nil {
		return problem.Below(err, "input")
	}
	where := a.location()
	a.input = a.inputAt(where)
	a.input.Arguments = a.invocation.Arguments
	if n, err := strconv.Atoi(fmt.Sprint(a.invocation.Arguments["limit"])); err == nil {
		a.input.Limit = max(1, min(n, maxLimit))
	}
	a.limit = a.input.Limit
	a.input.Window = a.capability.Window.At(a.began, where)
	a.plan.Arguments = maps.Clone(a.invocation.Arguments)
	if a.plan.Arguments == nil {
		a.plan.Arguments = map[string]any{}
	}
	var err error
	if a.request, err = a.capability.First(ctx, a.input); err != nil {
		return a.sayAt(err)
	}
	a.plan.Request = a.request.Summary()
	return nil
}

// unsettled says of a write that failed and may have been done all the same that it must not simply be repeated.
func (a *asking) unsettled(err error) error {
	if a.capability.MayRepeat() || a.fateOf(err) != unknown {
		return err
	}
	out := &problem.Error{Code: problem.OutcomeUnknown, Provider: a.provider.Name, Err: err}
	happened := a.provider.Title + " could not be asked."
	if e, ok := errors.AsType[*problem.Error](err); ok {
		happened, out.HTTPStatus = e.Message, e.HTTPStatus
	}
	out.Message = fmt.Sprintf("%s Whether it was done all the same is not known: look at %s before you repeat it.",
		happened, a.provider.Title)
	return out
}

// argumentNames are what the trail shows of the arguments: names that the schema has, not whatever a caller made up.
func (a *asking) argumentNames() []string {
	known, _ := a.capability.ArgumentsSchema()["properties"].(map[string]any)
	out := []string{}
	for name := range a.invocation.Arguments {
		if _, ok := known[name]; ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
