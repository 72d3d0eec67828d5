package query

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/invocation"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/viewer"
)

const (
	// keyLife is how long an idempotency key is honoured.
	keyLife = 24 * time.Hour
	// longest is how long a call can be under way: a row that says so for longer belongs to a process that is gone.
	longest = time.Minute
)

// States of a key's call, besides one that certainly was not done, which leaves no row.
const (
	running   = "running"
	succeeded = "succeeded"
	failed    = "failed"
	doubtful  = "unknown"
)

// claim takes the call's key, if it has one, before anything is sent. When the key was taken earlier, either the call
// is a replay of what succeeded then, or the error says why it is not sent.
func (a *asking) claim(ctx context.Context) error {
	if a.invocation.IdempotencyKey == nil {
		return nil
	}
	key, call := a.hashes()
	for { // each turn either ends or has removed a row that no longer counts
		row, err := a.Store.Client(ctx).Invocation.Query().
			Where(invocation.IntegrationID(a.row.ID), invocation.KeyHash(key)).Only(ctx)
		switch {
		case ent.IsNotFound(err):
			if row, err = a.take(ctx, key, call); ent.IsConstraintError(err) {
				if err = a.stillThere(ctx); err == nil {
					continue // somebody else has just taken it
				}
			}
			a.claimed = row
			return err
		case err != nil:
			return fmt.Errorf("look for an idempotency key: %w", err)
		case !a.counts(row):
			_, err := a.Store.Client(ctx).Invocation.Delete().Where(invocation.ID(row.ID)).Exec(ctx)
			if err != nil {
				return fmt.Errorf("remove an old idempotency key: %w", err)
			}
		default:
			return a.earlier(row, call)
		}
	}
}

func (a *asking) take(ctx context.Context, key, call string) (*ent.Invocation, error) {
	now := a.Now()
	row, err := a.Store.Client(ctx).Invocation.Create().SetID(a.NewID(id.Invocation)).SetIntegrationID(a.row.ID).
		SetKeyHash(key).SetCallHash(call).SetState(running).SetCreatedAt(now).SetExpiresAt(now.Add(keyLife)).Save(ctx)
	if err != nil && !ent.IsConstraintError(err) {
		return nil, fmt.Errorf("take an idempotency key: %w", err)
	}
	return row, err
}

// stillThere fails when the integration was disconnected meanwhile, which its key notices first.
func (a *asking) stillThere(ctx context.Context) error {
	_, err := a.Integrations.Get(ctx, a.row.ID, "input", "integrationId")
	return err
}

// hashes returns what is kept of the key, and of the call under it. The second is keyed by the first's secret, so that
// nobody who reads the table can try arguments out.
func (a *asking) hashes() (key, call string) {
	secret := []byte(*a.invocation.IdempotencyKey)
	user := ""
	if a.asker != nil {
		user = a.asker.ID
	}
	// maps are written in the order of their keys
	text, err := json.Marshal([]any{a.capability.Name, a.invocation.Arguments, user})
	if err != nil {
		panic(err) // the arguments fit a JSON Schema
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(text)
	sum := sha256.Sum256(secret)
	return hex.EncodeToString(sum[:]), hex.EncodeToString(mac.Sum(nil))
}

// counts reports whether a row still says something: not when its key has ended, and not when its process is gone and
// sending the call again does no harm.
func (a *asking) counts(row *ent.Invocation) bool {
	now := a.Now()
	return now.Before(row.ExpiresAt) && !(abandoned(row, now) && a.capability.MayRepeat())
}

func abandoned(row *ent.Invocation, now time.Time) bool {
	return row.State == running && now.Sub(row.CreatedAt) > longest
}

// earlier answers a call whose key was taken before.
func (a *asking) earlier(row *ent.Invocation, call string) error {
	at := []string{"input", "idempotencyKey"}
	ends := row.ExpiresAt.UTC().Format(time.RFC3339)
	switch {
	case !hmac.Equal([]byte(row.CallHash), []byte(call)):
		return problem.New(problem.Invalid, "This idempotency key was used for another call: another capability, other "+
			"arguments, or another user. Use a new one.").At(at...)
	case row.State == succeeded:
		a.replayed = true
		return nil
	case row.State == failed:
		return (&problem.Error{
			Code: problem.Code(*row.ErrorCode), Provider: a.provider.Name, Message: fmt.Sprintf("%s refused this call when it "+
				"was sent with this idempotency key before. Use a new key to send it again.", a.provider.Title),
		}).At(at...)
	case row.State == running && !abandoned(row, a.Now()):
		return problem.New(problem.Taken, "A call with this idempotency key is still under way. Repeat it in a moment to "+
			"learn how it ended.").At(at...)
	}
	return (&problem.Error{
		Code: problem.OutcomeUnknown, Provider: a.provider.Name, Message: fmt.Sprintf("A call with this idempotency key was "+
			"sent to %[1]s before, and whether it was done is not known: look at %[1]s. It is not sent again with this key, "+
			"which ends at %[2]s.", a.provider.Title, ends),
	}).At(at...)
}

// settle notes what became of the call for those who repeat it.
func (a *asking) settle(ctx context.Context, failure error) error {
	if a.claimed == nil {
		return nil
	}
	state := map[fate]string{done: succeeded, refused: failed, unknown: doubtful}[a.fateOf(failure)]
	rows := a.Store.Client(ctx).Invocation
	var err error
	if state == "" || failure != nil && a.capability.MayRepeat() {
		_, err = rows.Delete().Where(invocation.ID(a.claimed.ID)).Exec(ctx)
	} else {
		update := rows.Update().Where(invocation.ID(a.claimed.ID)).SetState(state)
		if failure != nil {
			update.SetErrorCode(string(problem.CodeOf(failure)))
		}
		err = update.Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("settle an idempotency key: %w", err)
	}
	return nil
}

// PruneKeys deletes up to limit idempotency keys of all companies that ended before a time, and returns how many.
func (s *Service) PruneKeys(ctx context.Context, before time.Time, limit int) (int, error) {
	ctx = viewer.System(ctx)
	rows := s.Store.Client(ctx).Invocation
	ids, err := rows.Query().Where(invocation.ExpiresAtLT(before)).Order(invocation.ByExpiresAt()).Limit(limit).IDs(ctx)
	if err != nil {
		return 0, fmt.Errorf("look for idempotency keys that have ended: %w", err)
	}
	if len(ids) == 0 {
		return 0, nil
	}
	n, err := rows.Delete().Where(invocation.IDIn(ids...)).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("delete idempotency keys that have ended: %w", err)
	}
	return n, nil
}
