package oauth

import (
	"fmt"
	"time"
)

// Kind is what an error means for the grant.
type Kind string

// The kinds of errors.
const (
	// Rejected is definitive: the code or refresh token is dead, and asking again cannot help.
	Rejected Kind = "rejected"
	// Transient says nothing about the grant: ask again later.
	Transient Kind = "transient"
	// Misconfigured means that the vendor refuses our application or our request; the operator must act, and the grant
	// may be sound.
	Misconfigured Kind = "misconfigured"
)

// Error is why the authorization server gave no token. It holds no token, code or secret, and nothing of the vendor's
// answer except the error code.
type Error struct {
	Kind Kind
	// Code is the answer's `error` (RFC 6749 section 5.2), "" when it had none that is safe to show.
	Code string
	// HTTPStatus is 0 when there was no answer.
	HTTPStatus int
	// RetryAfter is how long the server asks to be left alone, at most MaxRetryAfter; 0 when it named no time.
	RetryAfter time.Duration
	// Err is what went wrong on our side of the wire or with the answer's form; nil when the code says it all.
	Err error
}

// MaxRetryAfter bounds what a server may ask for in Retry-After.
const MaxRetryAfter = time.Hour

// Error describes the failure for the log.
func (e *Error) Error() string {
	s := "the authorization server gave no token (" + string(e.Kind)
	if e.HTTPStatus != 0 {
		s += fmt.Sprintf(", status %d", e.HTTPStatus)
	}
	if e.Code != "" {
		s += ", " + e.Code
	}
	s += ")"
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
