package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/provider"
)

const (
	// atOnce is how many revocations run side by side.
	atOnce = 4
	// tellTime is how long the revocations of one call begin; each is bounded by itself.
	tellTime = 10 * time.Second
)

// removed is an integration that is no more: its credential is still to be revoked, unless another shares the grant.
type removed struct {
	credential.Ended
	shared bool
}

// Disconnect removes an integration. From the moment its transaction ends nothing uses the credential; then the
// credential is revoked at the provider. A provider that cannot be told now is told later, and that is no error.
func (s *Service) Disconnect(ctx context.Context, integrationID string) (credential.Revocation, error) {
	if err := errors.Join(outside(ctx), id.Check(id.Integration, integrationID, "input", "id")); err != nil {
		return credential.Revocation{}, err
	}
	var gone removed
	err := s.Store.RetryTx(ctx, func(ctx context.Context) error {
		row, err := s.locked(ctx, integrationID, "input", "id")
		if err != nil {
			return err
		}
		gone, err = s.remove(ctx, row, nil)
		return err
	})
	if err != nil {
		return credential.Revocation{}, err
	}
	return s.revoke(ctx, gone), nil
}

// DisconnectAll removes all integrations of a user, together with what then does in the same transaction, and revokes
// their credentials. It answers for each; the order is that of the ids. Without such a user it is NotFound.
func (s *Service) DisconnectAll(
	ctx context.Context, userID string, then ...func(context.Context) error,
) ([]credential.Revocation, error) {
	if err := outside(ctx); err != nil {
		return nil, err
	}
	var gone []removed
	err := s.Store.RetryTx(ctx, func(ctx context.Context) error {
		gone = nil
		if err := s.lockUser(ctx, userID); err != nil {
			return err
		}
		query := s.Store.Client(ctx).Integration.Query().Where(integration.UserID(userID)).Order(integration.ByID())
		if s.Store.Locks() {
			query.ForUpdate()
		}
		rows, err := query.All(ctx)
		if err != nil {
			return fmt.Errorf("read a user's integrations: %w", err)
		}
		if err := s.aloneWithAll(ctx, rows); err != nil {
			return err
		}
		for _, row := range rows {
			one, err := s.remove(ctx, row, nil)
			if err != nil {
				return err
			}
			gone = append(gone, one)
		}
		for _, fn := range then {
			if err := fn(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.revokeAll(ctx, gone), nil
}

// revokeAll tells the providers, a few at a time. Those whose turn does not come in time are told in the background.
func (s *Service) revokeAll(ctx context.Context, gone []removed) []credential.Revocation {
	turns, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	out := make([]credential.Revocation, len(gone))
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, one := range gone {
		select {
		case slots <- struct{}{}:
		case <-turns.Done():
		}
		if turns.Err() != nil {
			out[i] = putOff(one)
			continue
		}
		all.Go(func() {
			defer func() { <-slots }()
			out[i] = s.revoke(ctx, one)
		})
	}
	all.Wait()
	return out
}

func putOff(one removed) credential.Revocation {
	return credential.Revocation{
		IntegrationID: one.IntegrationID, Outcome: credential.Retrying,
		Message: "The provider could not be told yet. It is tried again in the background.",
	}
}

// remove stops all use of an integration and deletes it, in the caller's transaction. The trail says why, if given.
func (s *Service) remove(ctx context.Context, row *ent.Integration, why column.Object) (removed, error) {
	shared, err := s.sharesGrant(ctx, row)
	if err != nil {
		return removed{}, err
	}
	stopped, err := s.Credentials.Stop(ctx, row.ID, row.AccountID, shared)
	if err != nil {
		return removed{}, err
	}
	details := column.Object{"provider": row.Provider, "name": row.Name}
	maps.Copy(details, why)
	if err := s.record(ctx, audit.Event{
		Type: audit.Disconnected, UserID: row.UserID, IntegrationID: &row.ID, Details: details,
	}); err != nil {
		return removed{}, err
	}
	if err := s.Health.Removed(ctx, row); err != nil {
		return removed{}, err
	}
	if err := s.Store.Client(ctx).Integration.DeleteOneID(row.ID).Exec(ctx); err != nil {
		return removed{}, fmt.Errorf("delete an integration: %w", err)
	}
	return removed{stopped, shared}, nil
}

// sharesGrant reports whether another integration lives on the grant of this one. Of several that leave at the same
// moment each waits for those before it, so that the last one knows that it is.
func (s *Service) sharesGrant(ctx context.Context, row *ent.Integration) (bool, error) {
	p, ok := s.Catalog.Get(row.Provider)
	if !ok || row.AuthKind != provider.OAuth2 || row.AccountID == nil {
		return false, nil
	}
	if err := s.aloneWith(ctx, p, *row.AccountID); err != nil {
		return false, err
	}
	return s.sharesAccount(ctx, p, *row.AccountID, row.ID)
}

// revoke tells the provider. What it cannot tell now is told in the background.
func (s *Service) revoke(ctx context.Context, gone removed) credential.Revocation {
	outcome, err := s.Credentials.Revoke(ctx, gone.Ended)
	if err != nil {
		s.Log.ErrorContext(ctx, "a revocation is put off", "integration_id", gone.IntegrationID, "error", err)
		outcome = putOff(gone)
	}
	switch {
	case outcome.Message != "":
	case outcome.Outcome == credential.Retrying:
		outcome = putOff(gone)
	case gone.shared:
		outcome.Message = "Another integration has access to the same account, which a revocation would end as well. The " +
			"tokens are destroyed here; the access ends at the provider with the last integration of the account."
	}
	return outcome
}
