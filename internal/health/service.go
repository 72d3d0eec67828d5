package health

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/ent/predicate"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/feed"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
)

// failuresToDegrade is how many probes in a row must fail before a healthy integration is called degraded; one success
// recovers it. A definitive rejection does not wait.
const failuresToDegrade = 3

// channel is what a commit wakes; the payload is the company's id.
const channel = "health"

// Service records findings and streams changes. All methods that write join the caller's transaction.
type Service struct {
	Store *store.Store
	Audit *audit.Service
	// Every returns the time between two probes of a provider, 0 when it cannot be probed; nil when nothing is.
	Every func(provider string) time.Duration
	Now   func() time.Time
	NewID func(id.Kind) string
	// Log receives what holds a stream up; nil discards.
	Log *slog.Logger

	feeds feed.Feeds[int64, *change]
}

func (s *Service) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

// Report records a finding and returns whether it changed the integration's health. A finding with the status and
// reason that the integration has already renews the proof and makes no event. What passes by itself does not hide what
// somebody has to mend: the finding is then left out, and so is one of an earlier revision. After a definitive finding
// the revision is another: what was under way by then proves nothing any more.
func (s *Service) Report(ctx context.Context, integrationID string, f Finding) (bool, error) {
	return s.report(ctx, integrationID, f, nil)
}

// Proved records that the provider has just honoured the credential, as the integration was at this revision; Present
// where what is there now was honoured. What a success does not prove stays: missing scopes are not granted by it.
func (s *Service) Proved(ctx context.Context, integrationID string, revision int64) (bool, error) {
	changed := false
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		err := s.Store.Client(ctx).Integration.Update().Where(at(integrationID, revision)).
			SetFailedProbes(0).SetHealthCheckedAt(s.Now()).Exec(ctx)
		if err != nil {
			return fmt.Errorf("record a proof of health: %w", err)
		}
		changed, err = s.report(ctx, integrationID, Finding{Reason: OK, Revision: revision}, func(row *ent.Integration) bool {
			return Reason(row.HealthReason) != ScopesMissing
		})
		return err
	})
	return changed, err
}

// at matches an integration while it is at this revision, or whichever it is at for Present.
func at(integrationID string, revision int64) predicate.Integration {
	if revision == Present {
		return integration.ID(integrationID)
	}
	return integration.And(integration.ID(integrationID), integration.Revision(revision))
}

// Answered records that the provider has just answered a query of an integration, as row was: what Proved does, and that
// it was used. It returns the integration as it is then. While health stays as it is, that is one write.
func (s *Service) Answered(ctx context.Context, row *ent.Integration) (*ent.Integration, error) {
	var after *ent.Integration
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		client, now := s.Store.Client(ctx).Integration, s.Now()
		good := Finding{Reason: OK}.State(now)
		good.StaleAt = s.StaleAt(row.Provider, good)
		update := client.Update().Where(at(row.ID, row.Revision),
			integration.HealthStatus(string(good.Status)), integration.HealthReason(string(good.Reason))).
			SetFailedProbes(0).SetHealthCheckedAt(now).SetLastSucceededAt(now).SetLastUsedAt(now)
		s.plan(update, row, good)
		n, err := update.Save(ctx)
		if err != nil {
			return fmt.Errorf("record an answer: %w", err)
		}
		if n == 0 { // it was something else
			err := client.Update().Where(integration.ID(row.ID)).SetLastSucceededAt(now).SetLastUsedAt(now).Exec(ctx)
			if err != nil {
				return fmt.Errorf("note the use of an integration: %w", err)
			}
			if _, err := s.Proved(ctx, row.ID, row.Revision); err != nil {
				return err
			}
		}
		if after, err = client.Get(ctx, row.ID); err != nil {
			return fmt.Errorf("read an integration that was used: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return after.Unwrap(), nil
}

// ProbeFailed counts a probe that failed. A definitive finding is recorded at once, any other after three in a row.
func (s *Service) ProbeFailed(ctx context.Context, integrationID string, f Finding) (bool, error) {
	if f.Reason.Definitive() {
		return s.Report(ctx, integrationID, f)
	}
	changed := false
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		err := s.Store.Client(ctx).Integration.Update().Where(at(integrationID, f.Revision)).AddFailedProbes(1).Exec(ctx)
		if err != nil {
			return fmt.Errorf("count a failed probe: %w", err)
		}
		changed, err = s.report(ctx, integrationID, f, func(row *ent.Integration) bool {
			return row.FailedProbes >= failuresToDegrade
		})
		return err
	})
	return changed, err
}

// report moves the integration to the finding's state if that differs and unless allows says no. It compares and writes
// in one statement, so concurrent reporters of one change make one event.
func (s *Service) report(ctx context.Context, integrationID string, f Finding, allows func(*ent.Integration) bool) (bool, error) {
	changed := false
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		client := s.Store.Client(ctx)
		for {
			row, err := client.Integration.Get(ctx, integrationID)
			if ent.IsNotFound(err) {
				return problem.New(problem.NotFound, "This integration does not exist.")
			}
			if err != nil {
				return fmt.Errorf("read health: %w", err)
			}
			if f.Revision != Present && f.Revision != row.Revision { // something else was observed
				return nil
			}
			if allows != nil && !allows(row) || f.passing() && Reason(row.HealthReason).needsSomebody() {
				return nil
			}
			if held, err := s.held(ctx, row, f); held || err != nil {
				return err
			}
			before, after := Of(row), f.State(s.Now())
			after.LastSucceededAt, after.TokenExpiresAt = before.LastSucceededAt, before.TokenExpiresAt
			if f.Reason == Stale { // nothing was checked
				after.CheckedAt = before.CheckedAt
			}
			after.StaleAt = s.StaleAt(row.Provider, after)
			same := before.Status == after.Status && before.Reason == after.Reason

			update := client.Integration.Update().
				Where(at(integrationID, row.Revision),
					integration.HealthStatus(row.HealthStatus), integration.HealthReason(row.HealthReason)).
				SetHealthStatus(string(after.Status)).SetHealthReason(string(after.Reason)).
				SetHealthAction(string(after.Action))
			s.plan(update, row, after)
			if f.Reason == Stale {
				update.Where(integration.StaleAtLTE(s.Now())) // a proof may come between
			}
			if f.Reason.Definitive() {
				update.AddRevision(1)
			}
			if after.CheckedAt == nil {
				update.ClearHealthCheckedAt()
			} else {
				update.SetHealthCheckedAt(*after.CheckedAt)
			}
			if after.Message == "" {
				update.ClearHealthMessage()
			} else {
				update.SetHealthMessage(after.Message)
			}
			n, err := update.Save(ctx)
			switch {
			case err != nil:
				return fmt.Errorf("write health: %w", err)
			case n == 0: // somebody else moved it in between: look again
				continue
			case same:
				return nil
			}
			changed = true
			return s.changed(ctx, row, &before.Status, after)
		}
	})
	return changed, err
}

// Created announces an integration's first health.
func (s *Service) Created(ctx context.Context, row *ent.Integration) error {
	return s.outbox(ctx, row, changeKind, nil, Of(row))
}

// Removed announces that an integration is gone. Call it before its row is deleted.
func (s *Service) Removed(ctx context.Context, row *ent.Integration) error {
	state := Of(row)
	return s.outbox(ctx, row, removedKind, &state.Status, state)
}

// usersGone is what a user's deletion wakes; the payload is the user's id.
const usersGone = "users_gone"

// UserGone ends the streams that are about this user alone, once they have told what was removed. Call it in the
// transaction that deletes the user.
func (s *Service) UserGone(ctx context.Context, userID string) error {
	return s.Store.Notify(ctx, usersGone, userID)
}

func (s *Service) changed(ctx context.Context, row *ent.Integration, before *Status, after State) error {
	details := column.Object{"from": string(*before), "to": string(after.Status), "reason": string(after.Reason)}
	if _, err := s.Audit.Append(ctx, audit.Event{
		Type: audit.HealthChanged, UserID: row.UserID, IntegrationID: &row.ID, Details: details,
	}); err != nil {
		return err
	}
	return s.outbox(ctx, row, changeKind, before, after)
}

const (
	changeKind  = "CHANGE"
	removedKind = "REMOVED"
)

// outbox appends one change. Its number is drawn as the last thing before the commit: the lock on the company's
// sequence is then held for the shortest time, and always taken after every other lock, so writers cannot deadlock.
func (s *Service) outbox(ctx context.Context, row *ent.Integration, kind string, before *Status, after State) error {
	whole, err := object(after)
	if err != nil {
		return err
	}
	occurred := s.Now()
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		return s.Store.BeforeCommit(ctx, func(ctx context.Context) error {
			client := s.Store.Client(ctx)
			seq, err := client.CompanySequence.UpdateOneID(row.CompanyID).AddHealth(1).Save(ctx)
			if err != nil {
				return fmt.Errorf("draw the number of a health change: %w", err)
			}
			err = client.HealthChange.Create().SetID(s.NewID(id.HealthChange)).SetCompanyID(row.CompanyID).
				SetSeq(seq.Health).SetKind(kind).SetIntegrationID(row.ID).SetNillableUserID(row.UserID).
				SetProvider(row.Provider).SetNillablePreviousStatus((*string)(before)).SetStatus(string(after.Status)).
				SetReason(string(after.Reason)).SetHealth(whole).SetOccurredAt(occurred).Exec(ctx)
			if err != nil {
				return fmt.Errorf("append a health change: %w", err)
			}
			return s.Store.Notify(ctx, channel, row.CompanyID)
		})
	})
}

func object(s State) (column.Object, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode health: %w", err)
	}
	var o column.Object
	return o, json.Unmarshal(b, &o)
}

func stateOf(o column.Object) (State, error) {
	b, err := json.Marshal(o)
	if err != nil {
		return State{}, fmt.Errorf("decode health: %w", err)
	}
	var s State
	if err := json.Unmarshal(b, &s); err != nil {
		return State{}, fmt.Errorf("decode health: %w", err)
	}
	return s, nil
}
