// Package problem holds the one error type that crosses rooms. Its Message is written for the person who must act; the
// wrapped error is for the log. graph/ has the one table that turns codes into userErrors or errors[].extensions.code.
package problem

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Code tells kinds of problems apart.
type Code string

// Problems that the caller, or the person in front of the screen, can do something about: they become userErrors.
const (
	Invalid                 Code = "INVALID"
	NotFound                Code = "NOT_FOUND"
	Taken                   Code = "TAKEN"
	Disabled                Code = "DISABLED"
	AccessDenied            Code = "ACCESS_DENIED"
	StateMismatch           Code = "STATE_MISMATCH"
	ConsentDenied           Code = "CONSENT_DENIED"
	MissingScopes           Code = "MISSING_SCOPES"
	ReauthorizationRequired Code = "REAUTHORIZATION_REQUIRED"
	AccountMismatch         Code = "ACCOUNT_MISMATCH"
	TooManyAttempts         Code = "TOO_MANY_ATTEMPTS"
	Ambiguous               Code = "AMBIGUOUS"
	NoCapabilityMatched     Code = "NO_CAPABILITY_MATCHED"
	ProviderFailed          Code = "PROVIDER_FAILED"
	ProviderRateLimited     Code = "PROVIDER_RATE_LIMITED"
	ProviderTimeout         Code = "PROVIDER_TIMEOUT"
	TargetRefused           Code = "TARGET_REFUSED"
	// OutcomeUnknown is of a write that was sent and may have been done.
	OutcomeUnknown Code = "OUTCOME_UNKNOWN"
)

// Problems of the request or the system: they become top-level errors.
const (
	Unauthenticated Code = "UNAUTHENTICATED"
	Forbidden       Code = "FORBIDDEN"
	BadInput        Code = "BAD_USER_INPUT"
	TooLarge        Code = "QUERY_TOO_LARGE"
	TooComplex      Code = "QUERY_TOO_COMPLEX"
	Timeout         Code = "TIMEOUT"
	Unavailable     Code = "UNAVAILABLE"
	Internal        Code = "INTERNAL"
)

// Error is a problem with its code. Fields that do not belong to the code stay zero.
type Error struct {
	Code Code
	// Message says what happened and what to do, without internals and without any secret.
	Message string
	// Field is the path in the input, for example ["input", "redirectUrl"]; nil when no one field is at fault.
	Field []string
	// Err is the cause, for the log only.
	Err error

	IntegrationID string   // ReauthorizationRequired
	Scopes        []string // MissingScopes
	Choices       []string // Ambiguous: names of the capabilities that match equally well

	Provider   string        // ProviderFailed, ProviderRateLimited, ProviderTimeout, OutcomeUnknown
	HTTPStatus int           // the same; 0 when there was no answer
	Retryable  bool          // the same
	RetryAfter time.Duration // ProviderRateLimited, 0 when the provider named no time; TooManyAttempts
}

// Error returns the message with its code and cause, for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// At returns a copy of e that points at a field of the input.
func (e *Error) At(field ...string) *Error {
	c := *e
	c.Field = field
	return &c
}

// Because returns a copy of e that carries a cause for the log.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// New returns an Error with a formatted message.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of the first Error in err's tree, Internal for any other error, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// Is reports whether err carries an Error with this code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }

// All returns every Error in err's tree in order, as errors.Join keeps several faults of one input. It returns nil when
// there is none.
func All(err error) []*Error {
	var out []*Error
	var walk func(error)
	walk = func(err error) {
		if e, ok := err.(*Error); ok { //nolint:errorlint // the tree is walked by hand
			out = append(out, e)
			return
		}
		switch u := err.(type) { //nolint:errorlint // the same
		case interface{ Unwrap() []error }:
			for _, child := range u.Unwrap() {
				walk(child)
			}
		case interface{ Unwrap() error }:
			if child := u.Unwrap(); child != nil {
				walk(child)
			}
		}
	}
	if err != nil {
		walk(err)
	}
	return out
}

// Below puts names in front of the fields of every problem in err, as All finds them, and returns them joined; an err
// that holds none is returned as it is. A room that checks a part of an input names fields from that part on.
func Below(err error, names ...string) error {
	var out []error
	for _, e := range All(err) {
		out = append(out, e.At(slices.Concat(names, e.Field)...))
	}
	if out == nil {
		return err
	}
	return errors.Join(out...)
}
