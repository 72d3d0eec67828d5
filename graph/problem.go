package graph

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
)

// shown is how one code looks from outside: the userError that a mutation's payload carries, and the code of a
// top-level error when it comes from a read.
type shown struct {
	payload  func(*problem.Error) model.UserError // nil for what is never a userError
	topLevel problem.Code
}

// Codes of top-level errors that only reads need, besides those of package problem.
const (
	notFound problem.Code = "NOT_FOUND"
	conflict problem.Code = "CONFLICT"
)

// codes is the one table of how problems look. A code that is not in it is a top-level error under its own name.
var codes = map[problem.Code]shown{
	problem.Invalid:                 {inputError, problem.BadInput},
	problem.NotFound:                {inputError, notFound},
	problem.Taken:                   {inputError, conflict},
	problem.Disabled:                {refused, conflict},
	problem.AccessDenied:            {refused, problem.Forbidden},
	problem.StateMismatch:           {refused, conflict},
	problem.ConsentDenied:           {refused, problem.Forbidden},
	problem.AccountMismatch:         {refused, conflict},
	problem.TooManyAttempts:         {refused, problem.Unavailable},
	problem.NoCapabilityMatched:     {refused, problem.BadInput},
	problem.TargetRefused:           {refused, problem.BadInput},
	problem.MissingScopes:           {missingScopes, conflict},
	problem.ReauthorizationRequired: {reauthorizationRequired, conflict},
	problem.Ambiguous:               {ambiguous, problem.BadInput},
	problem.ProviderFailed:          {providerFailure, problem.Unavailable},
	problem.ProviderRateLimited:     {providerFailure, problem.Unavailable},
	problem.ProviderTimeout:         {providerFailure, problem.Timeout},
	problem.OutcomeUnknown:          {providerFailure, problem.Unavailable},
}

func inputError(e *problem.Error) model.UserError {
	return &model.InputError{Code: model.UserErrorCode(e.Code), Message: e.Message, Field: e.Field}
}

func refused(e *problem.Error) model.UserError {
	return &model.OperationRefused{
		Code: model.UserErrorCode(e.Code), Message: e.Message, Field: e.Field, RetryAfterSeconds: seconds(e.RetryAfter),
	}
}

func missingScopes(e *problem.Error) model.UserError {
	return &model.MissingScopes{
		Code: model.UserErrorCode(e.Code), Message: e.Message, Field: e.Field, Scopes: append([]string{}, e.Scopes...),
	}
}

func reauthorizationRequired(e *problem.Error) model.UserError {
	out := &model.ReauthorizationRequired{Code: model.UserErrorCode(e.Code), Message: e.Message, Field: e.Field}
	if e.IntegrationID != "" {
		out.IntegrationID = &e.IntegrationID
	}
	return out
}

// ambiguous leaves the choices to whoever knows the integration that they belong to; see integrationQuery.
func ambiguous(e *problem.Error) model.UserError {
	return &model.AmbiguousChoice{
		Code: model.UserErrorCode(e.Code), Message: e.Message, Field: e.Field, Choices: []model.Choice{},
	}
}

func providerFailure(e *problem.Error) model.UserError {
	out := &model.ProviderFailure{
		Code: model.UserErrorCode(e.Code), Message: e.Message, Field: e.Field,
		Provider: e.Provider, Retryable: e.Retryable,
	}
	if e.HTTPStatus != 0 {
		out.HTTPStatus = new(int32(e.HTTPStatus)) //nolint:gosec // three digits
	}
	out.RetryAfterSeconds = seconds(e.RetryAfter)
	return out
}

// seconds rounds a wait up; nil for none.
func seconds(wait time.Duration) *int32 {
	if wait <= 0 {
		return nil
	}
	return new(int32(min((wait+time.Second-1)/time.Second, math.MaxInt32))) //nolint:gosec // bounded
}

// split tells what the caller can mend, for the payload, from what is an error of the whole field. A payload's list is
// never nil.
func split(err error) ([]model.UserError, error) {
	out := []model.UserError{}
	if err == nil {
		return out, nil
	}
	faults := problem.All(err)
	if len(faults) == 0 {
		return nil, err
	}
	for _, fault := range faults {
		how, ok := codes[fault.Code]
		if !ok || how.payload == nil {
			return nil, err
		}
		out = append(out, how.payload(fault))
	}
	return out, nil
}

// absent answers a look-up: null for what does not exist or may not be seen, and the error for anything else.
func absent(err error) error {
	if problem.Is(err, problem.NotFound) {
		return nil
	}
	return err
}

var (
	internal = problem.New(problem.Internal,
		"Something went wrong on our side. Try again; if it stays, tell the operator the request id.")
	away = problem.New(problem.Unavailable,
		"The database cannot be reached just now. Try again in a moment; what was asked for may have been done.")
	full = problem.New(problem.Unavailable,
		"The server has no room left to write. Nothing was changed, and reading goes on; the operator has to make room.")
	timeout = problem.New(problem.Timeout, "The request took longer than it may. Ask for less at once or try again.")
)

// Present turns an error of the execution into what the caller sees: a message written for them and a code of the
// closed list, and of anything unexpected nothing but INTERNAL. The server logs those once and adds the request's id.
func Present(ctx context.Context, err error) *gqlerror.Error {
	out := &gqlerror.Error{Err: err, Path: graphql.GetPath(ctx)}
	own, isOwn := errors.AsType[*gqlerror.Error](err)
	if isOwn {
		out.Path, out.Locations, out.Rule = own.Path, own.Locations, own.Rule
	}
	fault, isProblem := errors.AsType[*problem.Error](err)
	switch {
	case isProblem:
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		fault = timeout
	case isOwn && own.Err == nil: // gqlgen's own: it read the document, not our data
		out.Message, out.Extensions = own.Message, own.Extensions
		return out
	case store.Full(err):
		fault = full.Because(err)
	case store.Away(err):
		fault = away.Because(err)
	case isTooLarge(err):
		fault = problem.New(problem.BadInput, "An Int has 32 bits: from -2147483648 to 2147483647.")
	default:
		fault = internal
	}
	code := fault.Code
	if how, ok := codes[code]; ok {
		code = how.topLevel
	}
	out.Message, out.Extensions = fault.Message, map[string]any{"code": string(code)}
	field := fault.Field
	if len(field) == 0 && code == problem.BadInput {
		field = argument(ctx, out.Path)
	}
	if len(field) > 0 {
		out.Extensions["field"] = field
	}
	return out
}

// argument returns what of an error's path lies below the field that is resolved: the place in its arguments, where a
// scalar refused what it read.
func argument(ctx context.Context, path ast.Path) []string {
	resolved := graphql.GetFieldContext(ctx)
	if resolved == nil {
		return nil
	}
	var field []string
	for _, step := range path[min(len(resolved.Path()), len(path)):] {
		field = append(field, fmt.Sprint(step))
	}
	return field
}

func isTooLarge(err error) bool {
	_, ok := errors.AsType[*graphql.NumberOverflowError](err)
	return ok
}
