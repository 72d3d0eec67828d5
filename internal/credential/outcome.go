package credential

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
)

// failuresToDegrade is how many renewals in a row must fail, without proving anything, before health speaks of it.
const failuresToDegrade = 3

// end is why a credential has ended.
type end struct {
	reason health.Reason
	code   string // the server's word, or ours
	status int
}

// renewed records a renewal, in its transaction: it proves that the grant lives.
func (s *Service) renewed(ctx context.Context, row *ent.Credential, abandoned bool) error {
	details := column.Object{"generation": row.Generation}
	if err := s.record(ctx, row, audit.TokenRefreshed, "", withLease(details, abandoned)); err != nil {
		return err
	}
	return s.tell(row, func(integrationID string) error {
		_, err := s.Health.Proved(ctx, integrationID, health.Present)
		return err
	})
}

// expire ends the generation of row for good and returns the problem for the caller, unless the row has moved on: then
// it returns what is stored now.
func (s *Service) expire(ctx context.Context, row *ent.Credential, owner string, why end) (*ent.Credential, error) {
	var now *ent.Credential
	err := within(ctx, writeLimit, func(ctx context.Context) error {
		return s.Rows.InTx(ctx, func(ctx context.Context) error {
			ended, err := s.Rows.Expire(ctx, row.ID, owner, row.Generation)
			if err != nil {
				return err
			}
			if now, err = s.Rows.Get(ctx, row.ID); err != nil || !ended {
				return err
			}
			details := withLease(column.Object{"reason": string(why.reason)}, owner != "" && s.perhapsLost(row))
			describe(details, why.code, why.status)
			if err := s.record(ctx, row, audit.TokenRefreshFailed, problem.ReauthorizationRequired, details); err != nil {
				return err
			}
			return s.report(ctx, row, health.Finding{Reason: why.reason})
		})
	})
	switch {
	case err != nil:
		return nil, err
	case now.State != Active:
		return nil, s.ended(now)
	}
	return now, nil
}

// refused handles a renewal that gave no token. Only a rejection ends the credential; everything else rests it.
func (s *Service) refused(
	ctx context.Context, row *ent.Credential, owner string, cause error,
) (*ent.Credential, error) {
	e, ok := errors.AsType[*oauth.Error](cause)
	if !ok {
		e = &oauth.Error{Kind: oauth.Transient, Err: cause}
	}
	if e.Kind == oauth.Rejected {
		return s.expire(ctx, row, owner, end{health.RefreshRejected, e.Code, e.HTTPStatus})
	}
	failures := row.Failures + 1
	wait := backoff(failures, e.RetryAfter)
	if e.Kind == oauth.Misconfigured {
		wait = max(wait, longBackoff)
	}
	p := s.problemOf(row, e, wait)
	details := withLease(column.Object{"retryAfterSeconds": int64(wait / time.Second)}, s.perhapsLost(row))
	describe(details, cmp.Or(e.Code, string(e.Kind)), e.HTTPStatus)
	err := within(ctx, writeLimit, func(ctx context.Context) error {
		return s.Rows.InTx(ctx, func(ctx context.Context) error {
			next := s.Now().Add(wait)
			setback := &Setback{Generation: row.Generation, Failures: failures, Next: next, Ahead: ahead(row, next)}
			if err := s.Rows.Release(ctx, row.ID, owner, setback); err != nil {
				return err
			}
			if err := s.record(ctx, row, audit.TokenRefreshFailed, p.Code, details); err != nil {
				return err
			}
			finding, ok := findingOf(e, failures)
			if !ok {
				return nil
			}
			return s.reportOf(ctx, row, finding)
		})
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "a failed renewal is not recorded", "credential", row.ID, "error", err)
	}
	return nil, p
}

func findingOf(e *oauth.Error, failures int) (health.Finding, bool) {
	switch {
	case e.Kind == oauth.Misconfigured:
		return health.Finding{
			Reason: health.ProviderError, Action: health.ContactAdmin,
			Message: "The provider refuses to renew the access for Patchbay's own application. " +
				"An administrator has to check the OAuth client.",
		}, true
	case failures < failuresToDegrade:
		return health.Finding{}, false
	case e.HTTPStatus == 0:
		return health.Finding{Reason: health.ProviderUnreachable}, true
	case e.HTTPStatus == http.StatusTooManyRequests:
		return health.Finding{Reason: health.RateLimited}, true
	}
	return health.Finding{Reason: health.ProviderError}, true
}

func (s *Service) problemOf(row *ent.Credential, e *oauth.Error, wait time.Duration) *problem.Error {
	p := &problem.Error{
		Code: problem.ProviderFailed, Provider: row.Provider, HTTPStatus: e.HTTPStatus, Retryable: true, Err: e,
		IntegrationID: integrationOf(row), Message: "The access could not be renewed just now. Try again later.",
	}
	switch {
	case e.Kind == oauth.Misconfigured:
		p.Retryable = false
		p.Message = "The provider refuses to renew the access for Patchbay's own application. " +
			"The operator has to check the OAuth client."
	case e.HTTPStatus == http.StatusTooManyRequests:
		p.Code, p.RetryAfter = problem.ProviderRateLimited, wait
	case errors.Is(e, context.DeadlineExceeded):
		p.Code = problem.ProviderTimeout
	}
	return p
}

// later is the answer while a credential rests after a failure.
func (s *Service) later(row *ent.Credential, left time.Duration) error {
	return &problem.Error{
		Code: problem.ProviderFailed, Provider: row.Provider, Retryable: true, RetryAfter: left,
		IntegrationID: integrationOf(row), Message: "The access could not be renewed just now. Try again later.",
	}
}

// unsettled is the answer to a refusal that proves nothing.
func (s *Service) unsettled(row *ent.Credential) error {
	return &problem.Error{
		Code: problem.ProviderFailed, Provider: row.Provider, Retryable: true, IntegrationID: integrationOf(row),
		Message: "The provider refused the access while it was being renewed. Try again.",
	}
}

// ended is the answer for a credential that cannot be used any more.
func (s *Service) ended(row *ent.Credential) error {
	return &problem.Error{
		Code: problem.ReauthorizationRequired, IntegrationID: integrationOf(row), Provider: row.Provider,
		Message: "The access to the provider has ended. Connect again.",
	}
}

// unreadable reports a row that does not open, of an integration at this revision, and returns the problem for the caller.
func (s *Service) unreadable(ctx context.Context, row *ent.Credential, revision int64, cause error) error {
	err := within(ctx, writeLimit, func(ctx context.Context) error {
		return s.report(ctx, row, health.Finding{Reason: health.SecretUnreadable, Revision: revision})
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "an unreadable secret is not recorded", "credential", row.ID, "error", err)
	}
	return s.sealedUp(row, cause)
}

func (s *Service) sealedUp(row *ent.Credential, cause error) error {
	return &problem.Error{
		Code: problem.ReauthorizationRequired, IntegrationID: integrationOf(row), Provider: row.Provider, Err: cause,
		Message: "The stored credential cannot be opened with the present keys. " +
			"An administrator has to restore the key, or the person connects again.",
	}
}

func (s *Service) record(
	ctx context.Context, row *ent.Credential, what audit.Type, failure problem.Code, details column.Object,
) error {
	_, err := s.Audit.Append(ctx, audit.Event{
		Type: what, UserID: row.UserID, IntegrationID: row.IntegrationID, Failure: string(failure), Details: details,
	})
	return err
}

func (s *Service) report(ctx context.Context, row *ent.Credential, f health.Finding) error {
	return s.tell(row, func(integrationID string) error {
		_, err := s.Health.Report(ctx, integrationID, f)
		return err
	})
}

// reportOf reports what a renewal has shown, in the transaction that has released the row: with the row locked, nothing
// takes the place of its generation meanwhile, and what has taken it before is left alone.
func (s *Service) reportOf(ctx context.Context, row *ent.Credential, f health.Finding) error {
	now, err := s.Rows.Get(ctx, row.ID)
	if problem.Is(err, problem.NotFound) || err == nil && now.Generation != row.Generation {
		return nil
	}
	if err != nil {
		return err
	}
	return s.report(ctx, row, f)
}

// tell calls health about the row's integration, if there is one still.
func (s *Service) tell(row *ent.Credential, about func(integrationID string) error) error {
	if row.IntegrationID == nil {
		return nil
	}
	if err := about(*row.IntegrationID); !problem.Is(err, problem.NotFound) {
		return err
	}
	return nil
}

// withLease marks what happened after a lease that was over but never released: the one-time token that was sent may
// have been spent before, by a process that could not say so.
func withLease(details column.Object, abandoned bool) column.Object {
	if abandoned {
		details["lease"] = "abandoned"
	}
	return details
}

func describe(details column.Object, code string, status int) {
	if code != "" {
		details["code"] = code
	}
	if status != 0 {
		details["httpStatus"] = status
	}
}

func integrationOf(row *ent.Credential) string {
	if row.IntegrationID == nil {
		return ""
	}
	return *row.IntegrationID
}
