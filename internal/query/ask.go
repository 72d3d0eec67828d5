package query

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

// Bounds of a question.
const (
	maxQuery   = 2000 // characters
	maxLimit   = 100
	minTimeout = 100 * time.Millisecond
	maxTimeout = 30 * time.Second
)

// Service answers questions. It is safe for concurrent use.
type Service struct {
	Store        *store.Store
	Catalog      *provider.Catalog
	Integrations *integration.Service
	Credentials  *credential.Service
	Audit        *audit.Service
	Health       *health.Service
	Log          *slog.Logger
	Now          func() time.Time
	NewID        func(id.Kind) string
}

// AskInput is a question for one integration.
type AskInput struct {
	IntegrationID string
	// Query is plain language.
	Query string
	// UserID is on whose behalf an integration of the company is asked; nil for nobody in particular. An integration of
	// a user serves that user alone.
	UserID         *string
	PersonalityID  *string
	ConversationID *string
	// Timezone is an IANA name. Nil means the integration's config.timezone, then the user's metadata.timezone, then UTC.
	Timezone *string
	// Limit is from 1 to 100; the question may ask for fewer.
	Limit int
	// Timeout bounds the provider's answer, all pages together; from 100 ms to 30 s.
	Timeout time.Duration
	// DryRun plans and sends nothing.
	DryRun bool
}

// conversationID is the form of a conversation's id as far as it is settled: no table holds conversations yet.
var conversationID = regexp.MustCompile(`^conv_[0-9A-Za-z]{1,27}$`)

// Validate returns every fault that the input shows by itself, joined.
func (in AskInput) Validate() error {
	faults := []error{
		checkTerms(in.IntegrationID, in.UserID, in.PersonalityID, in.ConversationID, in.Timeout),
		problem.CheckLength("The question", in.Query, 1, maxQuery, "input", "query"),
	}
	if in.Limit < 1 || in.Limit > maxLimit {
		faults = append(faults, problem.New(problem.Invalid, "The limit is from 1 to %d.", maxLimit).At("input", "limit"))
	}
	if in.Timezone != nil {
		if _, ok := zone(*in.Timezone); !ok {
			faults = append(faults, problem.New(problem.Invalid,
				"This time zone is not known; use an IANA name such as Europe/Zurich.").At("input", "timezone"))
		}
	}
	return errors.Join(faults...)
}

// checkTerms returns the faults of what a question and a call by name have in common, joined.
func checkTerms(integrationID string, user, personality, conversation *string, timeout time.Duration) error {
	faults := []error{id.Check(id.Integration, integrationID, "input", "integrationId")}
	if user != nil {
		faults = append(faults, id.Check(id.User, *user, "input", "userId"))
	}
	if personality != nil {
		faults = append(faults, id.Check(id.Personality, *personality, "input", "personalityId"))
	}
	if conversation != nil && !conversationID.MatchString(*conversation) {
		faults = append(faults, problem.New(problem.Invalid,
			"Expected an id that begins with conv_ and has its full length, which this is not.").At("input", "conversationId"))
	}
	if timeout < minTimeout || timeout > maxTimeout {
		faults = append(faults, problem.New(problem.Invalid, "The timeout is from %d to %d ms.",
			minTimeout.Milliseconds(), maxTimeout.Milliseconds()).At("input", "timeoutMs"))
	}
	return errors.Join(faults...)
}

// Plan is how a question was understood, and the request it became.
type Plan struct {
	// Confidence is how strongly the phrases decided, from 0 to 1; nil when a capability was called by name.
	Confidence     *float64
	MatchedPhrases []string
	// Arguments are what the question says, for example start, end, from, text.
	Arguments map[string]any
	// Request is the method and address of the first request for what was asked, without credentials; where a look-up
	// comes before it and nothing was sent, those of the look-up.
	Request string
}

// Result is an answer. Of a dry run it has the plan alone.
type Result struct {
	// Replayed says that an earlier call with the same idempotency key has done this. Nothing else is set then: what the
	// provider answered is not kept.
	Replayed bool

	Integration *ent.Integration
	Capability  *provider.Capability
	Plan        Plan
	Items       []provider.Result
	// Truncated says that the provider has, or may have, more than Items.
	Truncated bool
	// LatencyMs is the time until the last byte of the provider's answer, ours included.
	LatencyMs int
}

// Ask asks an integration a question. It blocks for at most the timeout and the time that writing down the outcome
// takes. Every question that reaches an integration is audited, whatever became of it; one that was sent is counted. A
// dry run is neither.
func (s *Service) Ask(ctx context.Context, in AskInput) (*Result, error) {
	began := s.Now()
	if v, _ := viewer.From(ctx); !v.May(viewer.IntegrationsQuery) {
		return nil, problem.New(problem.Forbidden, "This credential may not ask integrations: it needs INTEGRATIONS_QUERY.")
	}
	if err := in.Validate(); err != nil {
		return nil, err
	}
	row, err := s.Integrations.Get(ctx, in.IntegrationID, "input", "integrationId")
	if err != nil {
		return nil, err
	}
	a := &asking{Service: s, in: in, began: began, row: row}
	err = a.run(ctx)
	return a.conclude(ctx, err)
}

// asking is one question, or one call by name, under way.
type asking struct {
	*Service
	in         AskInput
	invocation *InvokeInput // nil for a question
	began      time.Time

	row        *ent.Integration
	asker      *ent.User // nil for nobody in particular
	provider   *provider.Provider
	capability *provider.Capability
	input      provider.Input
	limit      int  // how many results are wanted; input.Limit is how many are asked for
	latest     bool // the newest are wanted
	lookBack   bool // they come last, and the question names no beginning
	plan       Plan
	request    *provider.Request

	claimed  *ent.Invocation // what the idempotency key has; nil without one
	replayed bool
	asked    bool // the capability's own request was sent
	accepted bool // and honoured

	sent      bool
	items     []provider.Result
	answers   []provider.Response // in which they were
	truncated bool
	latency   time.Duration
}

func (a *asking) run(ctx context.Context) error {
	defer func() { a.latency = a.Now().Sub(a.began) }()
	if err := a.admit(ctx); err != nil {
		return err
	}
	if err := a.understand(ctx); err != nil || a.in.DryRun {
		return err
	}
	return a.fetch(ctx)
}
