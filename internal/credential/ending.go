package credential

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/turn"
)

// Outcome is what became of a credential at its provider, spelled as in the GraphQL enum RevocationOutcome.
type Outcome string

// The outcomes of a revocation.
const (
	Revoked     Outcome = "REVOKED"
	Unsupported Outcome = "UNSUPPORTED" // the provider has no way to do it by API
	Retrying    Outcome = "RETRYING"    // the provider could not be reached or refused; it is tried again by itself
	NotNeeded   Outcome = "NOT_NEEDED"  // there was nothing to revoke
)

// abandonedOutcome stands in the trail alone: after RevocationLimit the ciphertext is destroyed unrevoked.
const abandonedOutcome = "ABANDONED"

// Revocation is one credential's end.
type Revocation struct {
	IntegrationID string
	Outcome       Outcome
	// Message is what a person has to do by hand when the provider cannot be told; "" when that is nothing.
	Message string
}

// Ended is a credential that has been stopped and waits for its revocation.
type Ended struct {
	IntegrationID string

	id string // "" when there was no credential
}

// Waiting is Ended for a credential that was stopped before and is there still.
func Waiting(row *ent.Credential) Ended { return Ended{IntegrationID: integrationOf(row), id: row.ID} }

// patience is how long Revoke waits for a renewal under way before it leaves the rest to the background.
const patience = 10 * time.Second

// revokers bounds the revocations that RetryRevocations runs at once.
var revokers = turn.Bounds{All: 4, PerProvider: 2, PerCompany: 4}

// Stop ends all use of an integration's credential, in the caller's transaction. What it returns goes to Revoke, after
// the transaction; if that never happens, the background does it. A shared grant is one that another integration lives
// on, as at providers where an account has one grant for each client: its tokens are destroyed here and not revoked.
// The account is the provider's id of it, nil when it is not known; see Spare.
func (s *Service) Stop(ctx context.Context, integrationID string, account *string, shared bool) (Ended, error) {
	ctx = inside(ctx)
	row, err := s.Rows.Of(ctx, integrationID)
	if problem.Is(err, problem.NotFound) {
		return Ended{IntegrationID: integrationID}, nil
	}
	if err != nil {
		return Ended{}, err
	}
	if row, err = s.stop(ctx, row, Stopping{Account: account, Drop: shared}); err != nil {
		return Ended{}, err
	}
	return Ended{IntegrationID: integrationID, id: row.ID}, nil
}

func (s *Service) stop(ctx context.Context, row *ent.Credential, how Stopping) (*ent.Credential, error) {
	now := s.Now()
	return s.Rows.MarkEnding(ctx, row.ID, how, now, now.Add(2*patience))
}

// Spare destroys the tokens of an account, at any of these providers and of whichever company, that wait for their
// revocation, in the caller's transaction: the account has been connected again, where a revocation ends all that it has
// allowed, and so would end the new grant.
func (s *Service) Spare(ctx context.Context, providers []string, account string) error {
	return s.Rows.Spare(inside(ctx), providers, account)
}

// Revoke gives a stopped credential back to its provider and destroys it. It waits shortly for a renewal under way, is
// bounded in time, and finishes although ctx ends. When the provider cannot be told, the outcome is Retrying and the
// background goes on. It must not be called inside a transaction. The error is the store's.
func (s *Service) Revoke(ctx context.Context, e Ended) (Revocation, error) {
	none := Revocation{IntegrationID: e.IntegrationID, Outcome: NotNeeded}
	if e.id == "" {
		return none, nil
	}
	if err := outside(ctx); err != nil {
		return Revocation{}, err
	}
	ctx = context.WithoutCancel(inside(ctx))
	until, owner := s.Now().Add(patience), rand.Text()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		row, err := s.Rows.Get(ctx, e.id)
		switch {
		case problem.Is(err, problem.NotFound): // the background was faster
			return Revocation{IntegrationID: e.IntegrationID, Outcome: Revoked}, nil
		case err != nil:
			return Revocation{}, err
		case row.State != Ending: // connected again meanwhile
			return none, nil
		}
		taken, err := s.Rows.Lease(ctx, row, owner, leaseFor)
		switch {
		case err != nil:
			return Revocation{}, err
		case taken:
			if row, err = s.Rows.Get(ctx, e.id); err != nil { // a renewal may have handed its tokens over
				return Revocation{}, err
			}
			return s.revoke(ctx, row, owner)
		case s.Now().After(until):
			return Revocation{IntegrationID: e.IntegrationID, Outcome: Retrying}, nil
		}
		if err := pause(ctx, wait+jitter(wait)); err != nil {
			return Revocation{}, err
		}
	}
}

// RetryRevocations revokes up to limit credentials whose time has come, of all companies, a few at once, and returns
// how many it tried. One provider gets at most half of a batch and half of what runs at once. It is one step of what runs by itself; replicas may call it at the same time.
func (s *Service) RetryRevocations(ctx context.Context, limit int) (int, error) {
	owner := rand.Text()
	share := store.Share{Limit: limit, PerProvider: max(1, limit/2), PerCompany: limit} // an incident is one company's
	rows, err := s.Rows.ClaimEnding(ctx, owner, leaseFor, share)
	if err != nil {
		return 0, err
	}
	return len(rows), s.each(ctx, rows, owner, revokers, func(ctx context.Context, row *ent.Credential) error {
		_, err := s.revoke(ctx, row, owner)
		return err
	})
}

// revoke tells the provider of an ending row that owner has leased, and destroys the row, or rests it.
func (s *Service) revoke(ctx context.Context, row *ent.Credential, owner string) (Revocation, error) {
	out := Revocation{IntegrationID: integrationOf(row), Outcome: NotNeeded}
	p, known := s.Provider(row.Provider)
	tokens := len(row.AccessToken)+len(row.RefreshToken) > 0
	static := len(row.Secrets) > 0 && row.AuthKind != provider.None // its one secret signs: nobody has to withdraw it
	var cause error
	switch {
	case known && !tokens && static && p.RevokeReason(row.AuthKind) != "",
		known && tokens && p.Auth.OAuth2 != nil && !p.Revocable():
		out.Outcome, out.Message = Unsupported, p.RevokeReason(row.AuthKind)
	case tokens:
		out.Outcome = Revoked
		letGo := s.hold(ctx, row, owner)
		cause = s.giveBack(ctx, row, owner)
		letGo()
	}
	if cause != nil && s.Now().Sub(*cmp.Or(row.EndingSince, &row.UpdatedAt)) < RevocationLimit {
		return s.retryLater(ctx, row, owner, cause)
	}
	details, failure := column.Object{"outcome": string(out.Outcome)}, problem.Code("")
	if cause != nil {
		details["outcome"], failure = abandonedOutcome, problem.ProviderFailed
		describeCause(details, cause)
		s.Log.WarnContext(ctx, "a credential could not be revoked and is destroyed", "credential", row.ID, "error", cause)
	}
	err := within(ctx, writeLimit, func(ctx context.Context) error {
		return s.Rows.InTx(ctx, func(ctx context.Context) error {
			gone, err := s.Rows.Destroy(ctx, row.ID, owner)
			if err != nil || !gone {
				return err
			}
			return s.record(ctx, row, audit.Revoked, failure, details)
		})
	})
	return out, err
}

// retryLater records a revocation that failed. Only the first failure enters the trail: the last word does anyway.
func (s *Service) retryLater(ctx context.Context, row *ent.Credential, owner string, cause error) (Revocation, error) {
	var asked time.Duration
	if e, ok := errors.AsType[*oauth.Error](cause); ok {
		asked = e.RetryAfter
	}
	failures := row.Failures + 1
	err := within(ctx, writeLimit, func(ctx context.Context) error {
		return s.Rows.InTx(ctx, func(ctx context.Context) error {
			next := s.Now().Add(backoff(failures, asked))
			if err := s.Rows.Release(ctx, row.ID, owner, &Setback{Generation: row.Generation, Failures: failures, Next: next}); err != nil {
				return err
			}
			if failures > 1 {
				return nil
			}
			details := column.Object{"outcome": string(Retrying)}
			describeCause(details, cause)
			return s.record(ctx, row, audit.Revoked, problem.ProviderFailed, details)
		})
	})
	return Revocation{IntegrationID: integrationOf(row), Outcome: Retrying}, err
}

func describeCause(details column.Object, cause error) {
	if e, ok := errors.AsType[*oauth.Error](cause); ok {
		describe(details, cmp.Or(e.Code, string(e.Kind)), e.HTTPStatus)
		return
	}
	describe(details, "unreadable", 0)
}
