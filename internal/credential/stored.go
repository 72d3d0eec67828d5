package credential

import (
	"context"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/ent"
	entcredential "github.com/patchbay/patchbay/ent/credential"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/ent/predicate"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"

	entsql "entgo.io/ent/dialect/sql"
)

// Stored is Rows in the database.
type Stored struct {
	Store *store.Store
}

var _ Rows = Stored{}

// InTx runs fn in a transaction.
func (r Stored) InTx(ctx context.Context, fn func(context.Context) error) error {
	return r.Store.InTx(ctx, fn)
}

// Outside returns ctx without its transaction.
func (r Stored) Outside(ctx context.Context) context.Context { return store.Outside(ctx) }

func (r Stored) table(ctx context.Context) *ent.CredentialClient {
	return r.Store.Client(ctx).Credential
}

// Of returns an integration's credential.
func (r Stored) Of(ctx context.Context, integrationID string) (*ent.Credential, error) {
	return found(r.table(ctx).Query().Where(entcredential.IntegrationID(integrationID)).Only(ctx))
}

// Get returns a credential by its own id.
func (r Stored) Get(ctx context.Context, id string) (*ent.Credential, error) {
	return found(r.table(ctx).Get(ctx, id))
}

func found(row *ent.Credential, err error) (*ent.Credential, error) {
	if ent.IsNotFound(err) {
		return nil, problem.New(problem.NotFound, "This integration has no credential. Connect it first.")
	}
	if err != nil {
		return nil, fmt.Errorf("read a credential: %w", err)
	}
	return row, nil
}

// Insert writes a new row.
func (r Stored) Insert(ctx context.Context, row *ent.Credential) error {
	err := r.table(ctx).Create().SetID(row.ID).SetCompanyID(row.CompanyID).
		SetNillableIntegrationID(row.IntegrationID).SetNillableUserID(row.UserID).
		SetProvider(row.Provider).SetAuthKind(row.AuthKind).SetState(row.State).SetNillableClientID(row.ClientID).SetConfig(row.Config).
		SetAccessToken(row.AccessToken).SetRefreshToken(row.RefreshToken).SetSecrets(row.Secrets).
		SetTokenType(row.TokenType).SetScopes(row.Scopes).SetNillableExpiresAt(row.ExpiresAt).
		SetLifetimeSeconds(row.LifetimeSeconds).SetNillableRefreshedAt(row.RefreshedAt).
		SetNillableRefreshAt(row.RefreshAt).SetGeneration(row.Generation).
		SetCreatedAt(row.CreatedAt).SetUpdatedAt(row.UpdatedAt).Exec(ctx)
	if err != nil {
		return fmt.Errorf("store a credential: %w", err)
	}
	return nil
}

// Replace writes over what is stored, with the next generation.
func (r Stored) Replace(ctx context.Context, row *ent.Credential) error {
	u := r.table(ctx).UpdateOneID(row.ID).SetAuthKind(row.AuthKind).SetState(row.State).SetConfig(row.Config).
		SetAccessToken(row.AccessToken).SetRefreshToken(row.RefreshToken).SetSecrets(row.Secrets).
		SetTokenType(row.TokenType).SetScopes(row.Scopes).SetLifetimeSeconds(row.LifetimeSeconds).
		SetFailures(0).ClearNextAttemptAt().ClearEndingSince().AddGeneration(1).SetUpdatedAt(row.UpdatedAt)
	setOrClear(row.ClientID, u.SetClientID, u.ClearClientID)
	setOrClear(row.ExpiresAt, u.SetExpiresAt, u.ClearExpiresAt)
	setOrClear(row.RefreshedAt, u.SetRefreshedAt, u.ClearRefreshedAt)
	setOrClear(row.RefreshAt, u.SetRefreshAt, u.ClearRefreshAt)
	if err := u.Exec(ctx); err != nil {
		return fmt.Errorf("store a credential again: %w", err)
	}
	return nil
}

// SetSecrets writes the named secrets.
func (r Stored) SetSecrets(ctx context.Context, id string, secrets seal.Sealed, at time.Time) error {
	err := r.table(ctx).Update().Where(entcredential.ID(id), entcredential.StateNEQ(Ending)).
		SetSecrets(secrets).SetUpdatedAt(at).Exec(ctx)
	if err != nil {
		return fmt.Errorf("store the secrets of a credential: %w", err)
	}
	return nil
}

// SetConfig writes the settings.
func (r Stored) SetConfig(ctx context.Context, id string, config map[string]any, at time.Time) error {
	err := r.table(ctx).Update().Where(entcredential.ID(id), entcredential.StateNEQ(Ending)).
		SetConfig(config).SetUpdatedAt(at).Exec(ctx)
	if err != nil {
		return fmt.Errorf("store the settings of a credential: %w", err)
	}
	return nil
}

func setOrClear[T any](v *T, set func(T) *ent.CredentialUpdateOne, reset func() *ent.CredentialUpdateOne) {
	if v == nil {
		reset()
	} else {
		set(*v)
	}
}

// Lease gives owner the row for d if it is as seen and free.
func (r Stored) Lease(ctx context.Context, seen *ent.Credential, owner string, d time.Duration) (bool, error) {
	now, err := r.Store.Now(ctx)
	if err != nil {
		return false, err
	}
	before := entcredential.LeaseOwnerIsNil()
	if seen.LeaseOwner != nil {
		before = entcredential.LeaseOwner(*seen.LeaseOwner)
	}
	n, err := r.table(ctx).Update().
		Where(entcredential.ID(seen.ID), entcredential.Generation(seen.Generation), entcredential.State(seen.State),
			before, free(now)).
		SetLeaseOwner(owner).SetLeaseUntil(now.Add(d)).Save(ctx)
	if err != nil {
		return false, fmt.Errorf("lease a credential: %w", err)
	}
	return n == 1, nil
}

// free matches what nobody leases. A lease that ends later than any may was written before the database's clock went back.
func free(now time.Time) predicate.Credential {
	return entcredential.Or(entcredential.LeaseUntilIsNil(), entcredential.LeaseUntilLT(now),
		entcredential.LeaseUntilGT(now.Add(longestLease)))
}

// left matches what nobody has left unreleased while the access is good: whoever did may hold the answer to a one-time
// token and have no database just now, and has until the access ends to store it.
func left(now time.Time) predicate.Credential {
	return entcredential.Or(entcredential.LeaseOwnerIsNil(), entcredential.ExpiresAtIsNil(), entcredential.ExpiresAtLTE(now))
}

// Extend makes owner's lease last for d from now.
func (r Stored) Extend(ctx context.Context, id, owner string, d time.Duration) (bool, error) {
	now, err := r.Store.Now(ctx)
	if err != nil {
		return false, err
	}
	n, err := r.table(ctx).Update().Where(entcredential.ID(id), entcredential.LeaseOwner(owner)).
		SetLeaseUntil(now.Add(d)).Save(ctx)
	if err != nil {
		return false, fmt.Errorf("extend the lease of a credential: %w", err)
	}
	return n == 1, nil
}

// Release ends owner's lease.
func (r Stored) Release(ctx context.Context, id, owner string, after *Setback) error {
	if after != nil {
		u := r.table(ctx).Update().
			Where(entcredential.ID(id), entcredential.LeaseOwner(owner), entcredential.Generation(after.Generation)).
			ClearLeaseOwner().ClearLeaseUntil().SetFailures(after.Failures).SetNextAttemptAt(after.Next)
		if !after.Ahead.IsZero() {
			u.SetRefreshAt(after.Ahead)
		}
		if n, err := u.Save(ctx); err != nil || n == 1 {
			return released(err)
		}
	}
	return released(r.table(ctx).Update().Where(entcredential.ID(id), entcredential.LeaseOwner(owner)).
		ClearLeaseOwner().ClearLeaseUntil().Exec(ctx))
}

func released(err error) error {
	if err != nil {
		return fmt.Errorf("release a credential: %w", err)
	}
	return nil
}

// Renew stores tokens over an active generation g.
func (r Stored) Renew(ctx context.Context, id, owner string, g int64, t Tokens) (bool, error) {
	return r.renew(ctx, id, owner, g, Active, t)
}

// Revive stores tokens over an expired generation g.
func (r Stored) Revive(ctx context.Context, id, owner string, g int64, t Tokens) (bool, error) {
	return r.renew(ctx, id, owner, g, Expired, t)
}

// renew stores tokens. The integration's copy of the expiry, and of the scopes when they were named, goes along.
func (r Stored) renew(ctx context.Context, id, owner string, g int64, from string, t Tokens) (bool, error) {
	stored := false
	err := r.InTx(ctx, func(ctx context.Context) error {
		u := r.table(ctx).Update().
			Where(entcredential.ID(id), entcredential.Generation(g), entcredential.State(from)).
			SetState(Active).SetAccessToken(t.Access).SetRefreshToken(t.Refresh).SetTokenType(t.Type).
			SetLifetimeSeconds(int64(t.Lifetime / time.Second)).SetRefreshedAt(t.At).SetUpdatedAt(t.At).
			SetFailures(0).ClearNextAttemptAt().AddGeneration(1)
		if t.Scopes != nil {
			u.SetScopes(t.Scopes)
		}
		if t.ExpiresAt == nil {
			u.ClearExpiresAt().ClearRefreshAt()
		} else {
			u.SetExpiresAt(*t.ExpiresAt).SetNillableRefreshAt(t.RefreshAt)
		}
		n, err := u.Save(ctx)
		if err != nil || n == 0 {
			return err
		}
		stored = true
		if err := r.Release(ctx, id, owner, nil); err != nil {
			return err
		}
		return r.copyToIntegration(ctx, id, t)
	})
	if err != nil {
		return false, fmt.Errorf("store renewed tokens: %w", err)
	}
	return stored, nil
}

func (r Stored) copyToIntegration(ctx context.Context, id string, t Tokens) error {
	row, err := r.Get(ctx, id)
	if err != nil || row.IntegrationID == nil {
		return err
	}
	u := r.Store.Client(ctx).Integration.Update().Where(integration.ID(*row.IntegrationID))
	if t.ExpiresAt == nil {
		u.ClearTokenExpiresAt()
	} else {
		u.SetTokenExpiresAt(*t.ExpiresAt)
	}
	if t.Scopes != nil {
		u.SetScopes(column.Strings(t.Scopes))
	}
	return u.Exec(ctx)
}

// Expire makes an active generation expired.
func (r Stored) Expire(ctx context.Context, id, owner string, g int64) (bool, error) {
	ended := false
	err := r.InTx(ctx, func(ctx context.Context) error {
		n, err := r.table(ctx).Update().
			Where(entcredential.ID(id), entcredential.Generation(g), entcredential.State(Active)).
			SetState(Expired).ClearRefreshAt().ClearNextAttemptAt().Save(ctx)
		if err != nil {
			return err
		}
		ended = n == 1
		if owner == "" {
			return nil
		}
		return r.Release(ctx, id, owner, nil)
	})
	if err != nil {
		return false, fmt.Errorf("end a credential: %w", err)
	}
	return ended, nil
}

// MarkEnding stops all use of a credential.
func (r Stored) MarkEnding(
	ctx context.Context, id string, how Stopping, at, next time.Time,
) (*ent.Credential, error) {
	u := r.table(ctx).Update().Where(entcredential.ID(id), entcredential.StateNEQ(Ending)).
		SetState(Ending).SetEndingSince(at).SetNextAttemptAt(next).SetFailures(0).ClearRefreshAt().
		SetUpdatedAt(at).AddGeneration(1)
	if err := u.Exec(ctx); err != nil {
		return nil, fmt.Errorf("stop a credential: %w", err)
	}
	if how != (Stopping{}) {
		again := r.table(ctx).Update().Where(entcredential.ID(id), entcredential.State(Ending))
		if how.Drop {
			again.ClearAccessToken().ClearRefreshToken()
		}
		if how.Detach {
			again.ClearIntegrationID()
		}
		if how.Account != nil {
			again.SetAccountID(*how.Account)
		}
		if err := again.Exec(ctx); err != nil {
			return nil, fmt.Errorf("stop a credential: %w", err)
		}
	}
	return r.Get(ctx, id)
}

// Spare drops the tokens of an account that wait for their revocation.
func (r Stored) Spare(ctx context.Context, providers []string, account string) error {
	ctx = viewer.System(ctx)
	err := r.table(ctx).Update().
		Where(entcredential.State(Ending), entcredential.ProviderIn(providers...), entcredential.AccountID(account)).
		ClearAccessToken().ClearRefreshToken().Exec(ctx)
	if err != nil {
		return fmt.Errorf("spare an account that was connected again: %w", err)
	}
	return nil
}

// HandOver puts tokens that came too late into an ending row.
func (r Stored) HandOver(ctx context.Context, id, owner string, t Tokens) (bool, error) {
	u := r.table(ctx).Update().
		Where(entcredential.ID(id), entcredential.State(Ending), entcredential.LeaseOwner(owner),
			entcredential.Or(entcredential.AccessTokenNotNil(), entcredential.RefreshTokenNotNil())).
		SetAccessToken(t.Access).SetRefreshToken(t.Refresh).SetNillableExpiresAt(t.ExpiresAt)
	if t.ExpiresAt == nil {
		u.ClearExpiresAt()
	}
	n, err := u.Save(ctx)
	if err != nil {
		return false, fmt.Errorf("hand tokens over to their revocation: %w", err)
	}
	return n == 1, nil
}

// Destroy deletes an ending row.
func (r Stored) Destroy(ctx context.Context, id, owner string) (bool, error) {
	n, err := r.table(ctx).Delete().
		Where(entcredential.ID(id), entcredential.State(Ending), entcredential.LeaseOwner(owner)).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("destroy a credential: %w", err)
	}
	return n == 1, nil
}

// ClaimEnding leases due revocations.
func (r Stored) ClaimEnding(
	ctx context.Context, owner string, d time.Duration, share store.Share,
) ([]*ent.Credential, error) {
	return r.claim(ctx, owner, d, func(q *ent.CredentialQuery, now time.Time) {
		due := entcredential.And(entcredential.State(Ending), entcredential.NextAttemptAtLTE(now), free(now))
		q.Where(due, share.Within(entcredential.FieldNextAttemptAt, due)).
			Order(entcredential.ByNextAttemptAt(), entcredential.ByID()).Limit(share.Limit)
	})
}

// ClaimDue leases due renewals.
func (r Stored) ClaimDue(
	ctx context.Context, owner string, d time.Duration, share store.Share,
) ([]*ent.Credential, error) {
	return r.claim(ctx, owner, d, func(q *ent.CredentialQuery, now time.Time) {
		due := entcredential.And(entcredential.State(Active), entcredential.RefreshAtLTE(now), free(now), left(now))
		q.Where(due, share.Within(entcredential.FieldRefreshAt, due)).
			Order(entcredential.ByRefreshAt(), entcredential.ByID()).Limit(share.Limit)
	})
}

// claim leases the free rows that due chooses. Replicas on PostgreSQL step over what another is just claiming; SQLite has
// one writer, so its claim is one short write.
func (r Stored) claim(
	ctx context.Context, owner string, d time.Duration, due func(q *ent.CredentialQuery, now time.Time),
) ([]*ent.Credential, error) {
	var rows []*ent.Credential
	err := r.InTx(viewer.System(ctx), func(ctx context.Context) error {
		now, err := r.Store.Now(ctx)
		if err != nil {
			return err
		}
		q := r.table(ctx).Query().Where(free(now))
		due(q, now)
		if r.Store.Locks() {
			q.ForUpdate(entsql.WithLockAction(entsql.SkipLocked))
		}
		if rows, err = q.All(ctx); err != nil || len(rows) == 0 {
			return err
		}
		ids := make([]string, len(rows))
		for i, row := range rows {
			ids[i] = row.ID
		}
		return r.table(ctx).Update().Where(entcredential.IDIn(ids...), free(now)).
			SetLeaseOwner(owner).SetLeaseUntil(now.Add(d)).Exec(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("claim credentials: %w", err)
	}
	return rows, nil
}
