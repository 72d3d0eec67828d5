package integration

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/connectattempt"
	"github.com/patchbay/patchbay/ent/predicate"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/problem"
)

// AttemptStatus is how far a person has come, spelled as in the GraphQL enum ConnectAttemptStatus.
type AttemptStatus string

// How far a person can have come.
const (
	Pending        AttemptStatus = "PENDING"
	Succeeded      AttemptStatus = "SUCCEEDED"
	Failed         AttemptStatus = "FAILED"
	AttemptExpired AttemptStatus = "EXPIRED" // derived, never stored
)

// Progress is how far an attempt has come.
type Progress struct {
	Attempt *ent.ConnectAttempt
	Status  AttemptStatus
	// Failure is set when it failed.
	Failure *problem.Error
}

// errState answers for every state that cannot be used, whatever the reason: unknown, used, too old, another company's,
// another user's, another provider's, or another browser's. Whoever tries states learns nothing from it.
var errState = problem.New(problem.StateMismatch,
	"This authorization cannot be finished: it is unknown, was used already, took longer than ten minutes, or was begun "+
		"for somebody else. Start the connection again.").At("input", "state")

// ConnectAttempt returns how far the attempt with this state has come, so that no caller depends on a callback reaching
// it. A state that the viewer may not see is NotFound.
func (s *Service) ConnectAttempt(ctx context.Context, state string) (*Progress, error) {
	row, err := s.attempt(ctx, state)
	if problem.Is(err, problem.StateMismatch) {
		return nil, problem.New(problem.NotFound, "There is no such attempt to connect.").At("state")
	}
	if err != nil {
		return nil, err
	}
	return s.progress(row), nil
}

// tellable are the reasons that whoever asks can do something about; any other was ours.
var tellable = []problem.Code{
	problem.Invalid, problem.NotFound, problem.Disabled, problem.StateMismatch, problem.ConsentDenied,
	problem.AccountMismatch, problem.TargetRefused, problem.ProviderFailed, problem.ProviderRateLimited,
	problem.ProviderTimeout,
}

func (s *Service) progress(row *ent.ConnectAttempt) *Progress {
	out := &Progress{Attempt: row, Status: AttemptStatus(row.Status)}
	switch {
	case out.Status == Pending && !s.Now().Before(row.ExpiresAt):
		out.Status = AttemptExpired
	case out.Status == Failed:
		out.Failure = &problem.Error{Code: problem.ProviderFailed, Message: "The connection failed.", Provider: row.Provider}
		if row.FailureCode != nil && slices.Contains(tellable, problem.Code(*row.FailureCode)) {
			out.Failure.Code = problem.Code(*row.FailureCode)
		}
		if row.FailureMessage != nil {
			out.Failure.Message = *row.FailureMessage
		}
	}
	return out
}

// attempt returns the attempt with this state, or errState.
func (s *Service) attempt(ctx context.Context, state string) (*ent.ConnectAttempt, error) {
	row, err := s.Store.Client(ctx).ConnectAttempt.Query().
		Where(connectattempt.StateHash(hashState(state))).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, errState
	}
	if err != nil {
		return nil, fmt.Errorf("look for an attempt to connect: %w", err)
	}
	return row, nil
}

// take spends a state: one statement finds it, checks whom it is bound to and marks it, so of two callbacks with one
// state only one goes on. A callback for somebody else spends nothing.
func (s *Service) take(
	ctx context.Context, state string, bound ...predicate.ConnectAttempt,
) (*ent.ConnectAttempt, error) {
	now := s.Now()
	n, err := s.Store.Client(ctx).ConnectAttempt.Update().
		Where(connectattempt.StateHash(hashState(state)), connectattempt.TakenAtIsNil(),
			connectattempt.ExpiresAtGT(now), connectattempt.StatusEQ(string(Pending))).
		Where(bound...).SetTakenAt(now).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("take a state: %w", err)
	}
	if n == 0 {
		return nil, errState
	}
	return s.attempt(ctx, state)
}

// userIs matches attempts that are bound to this user, or to the company when there is none.
func userIs(userID *string) predicate.ConnectAttempt {
	if userID == nil {
		return connectattempt.UserIDIsNil()
	}
	return connectattempt.UserID(*userID)
}

// recordTime is how long writing down a failure may take, whatever became of the caller.
const recordTime = 5 * time.Second

// failed writes down why an attempt came to nothing and returns the error. Faults of ours leave no code in the record.
func (s *Service) failed(ctx context.Context, row *ent.ConnectAttempt, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	code, message := problem.CodeOf(why), "The connection could not be finished. Start it again."
	if all := problem.All(why); len(all) > 0 && code != problem.Internal {
		message = all[0].Message
	}
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		_, err := s.Store.Client(ctx).ConnectAttempt.Update().
			Where(connectattempt.ID(row.ID), connectattempt.StatusEQ(string(Pending))).
			SetStatus(string(Failed)).SetFailureCode(string(code)).SetFailureMessage(clipBytes(message, maxMessage)).
			ClearVerifier().ClearSecrets().Save(ctx)
		if err != nil {
			return fmt.Errorf("close an attempt: %w", err)
		}
		if err := s.Store.Notify(ctx, attempts, row.ID); err != nil {
			return fmt.Errorf("tell of an attempt: %w", err)
		}
		return s.record(ctx, audit.Event{
			Type: audit.ConnectFailed, UserID: row.UserID, IntegrationID: row.IntegrationID,
			Details: column.Object{"provider": row.Provider}, Failure: string(code),
		})
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "an attempt that failed was not recorded", "attempt", row.ID, "error", err)
	}
	return why
}

// hashState is what is kept of a state: nothing of it can be read from the database.
func hashState(state string) string {
	sum := sha256.Sum256([]byte(state))
	return hex.EncodeToString(sum[:])
}
