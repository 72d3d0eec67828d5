package integration

import (
	"context"
	"errors"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/connectattempt"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/viewer"
)

const (
	// callbackTime is how long finishing a connection may take. It goes on when the caller is gone: the code works once,
	// and how it ended can be asked with ConnectAttempt.
	callbackTime = 25 * time.Second
	// maxCode is the longest code that is sent on, in bytes.
	maxCode = 4096
)

// CallbackInput is what came back from a provider to the caller's redirect URL.
type CallbackInput struct {
	// UserID is whom the caller knows to sit in front of the browser: it must be the attempt's. Nil is right for an
	// integration of the company, and where the viewer is the user.
	UserID   *string
	Provider string
	// Code is nil when the provider sent an error.
	Code  *string
	State string
	// Error is the provider's `error` parameter (RFC 6749 section 4.1.2.1).
	Error *string
	// Parameters are all query parameters, for providers that add some.
	Parameters map[string]any
}

// Validate returns every fault that the input shows by itself, joined.
func (in CallbackInput) Validate() error {
	var faults []error
	if in.UserID != nil {
		faults = append(faults, id.Check(id.User, *in.UserID, "input", "userId"))
	}
	if in.State == "" {
		faults = append(faults, problem.New(problem.Invalid, "The state is missing.").At("input", "state"))
	}
	return errors.Join(append(faults, in.answer().validate())...)
}

func (in CallbackInput) answer() answer {
	var a answer
	if in.Code != nil {
		a.code = *in.Code
	}
	if in.Error != nil {
		a.refusal = *in.Error
	}
	a.issuer, _ = in.Parameters["iss"].(string)
	return a
}

// answer is what a provider said: a code, or why there is none. The issuer is who says so, where it says that.
type answer struct{ code, refusal, issuer string }

func (a answer) validate() error {
	switch {
	case a.refusal != "":
		return nil
	case a.code == "":
		return problem.New(problem.Invalid, "Neither a code nor an error came back.").At("input", "code")
	case len(a.code) > maxCode:
		return problem.New(problem.Invalid, "The code is longer than %d bytes.", maxCode).At("input", "code")
	}
	return nil
}

// Callback finishes a connection that was begun with a redirect URL of the caller's, and returns what is connected. The
// state is spent even when the provider then fails: start again.
//
// A state that is not this user's, this provider's or this company's is a StateMismatch, and is not spent; so is an answer
// that its provider should have signed and did not.
func (s *Service) Callback(ctx context.Context, in CallbackInput) (*ent.Integration, error) {
	if err := errors.Join(outside(ctx), in.Validate()); err != nil {
		return nil, err
	}
	if v, _ := viewer.From(ctx); in.UserID == nil && v.User != "" {
		in.UserID = &v.User
	}
	if err := s.vouchedFor(ctx, in); err != nil {
		return nil, err
	}
	row, err := s.take(ctx, in.State,
		connectattempt.OwnPage(false), connectattempt.Provider(in.Provider), userIs(in.UserID))
	if err != nil {
		return nil, err
	}
	return s.finish(ctx, row, in.answer())
}

// finish turns what the provider said into an integration, or writes down why there is none.
func (s *Service) finish(ctx context.Context, row *ent.ConnectAttempt, said answer) (*ent.Integration, error) {
	working, cancel := context.WithTimeout(context.WithoutCancel(ctx), callbackTime)
	defer cancel()
	connected, err := s.grant(working, row, said)
	if err != nil {
		return nil, s.failed(ctx, row, err)
	}
	return s.Get(working, connected)
}
