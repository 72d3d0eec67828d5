package credential_test

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
)

// The methods of Rows over the world's memory. The database's clock is the world's.

func (p *process) Of(ctx context.Context, integrationID string) (*ent.Credential, error) {
	var out *ent.Credential
	err := p.step(ctx, func() error {
		for _, row := range p.rows {
			if row.IntegrationID != nil && *row.IntegrationID == integrationID {
				out = clone(row)
				return nil
			}
		}
		return errNoRow
	})
	return out, err
}

func (p *process) Get(ctx context.Context, id string) (*ent.Credential, error) {
	var out *ent.Credential
	err := p.step(ctx, func() error {
		if row, ok := p.rows[id]; ok {
			out = clone(row)
			return nil
		}
		return errNoRow
	})
	return out, err
}

func (p *process) Insert(ctx context.Context, row *ent.Credential) error {
	return p.step(ctx, func() error {
		p.stores(row, row.AccessToken)
		p.rows[row.ID] = clone(row)
		return nil
	})
}

func (p *process) Replace(ctx context.Context, row *ent.Credential) error {
	return p.step(ctx, func() error {
		now, ok := p.rows[row.ID]
		if !ok {
			return errNoRow
		}
		c := clone(row)
		p.stores(c, c.AccessToken)
		c.Generation, c.LeaseOwner, c.LeaseUntil = now.Generation+1, now.LeaseOwner, now.LeaseUntil
		c.IntegrationID, c.Failures, c.NextAttemptAt, c.EndingSince = now.IntegrationID, 0, nil, nil
		p.rows[row.ID] = c
		return nil
	})
}

func (p *process) SetSecrets(ctx context.Context, id string, secrets seal.Sealed, at time.Time) error {
	_, err := p.change(ctx, id, func(row *ent.Credential) bool { return row.State != credential.Ending },
		func(row *ent.Credential) { row.Secrets, row.UpdatedAt = secrets, at })
	return err
}

func (p *process) SetConfig(ctx context.Context, id string, config map[string]any, at time.Time) error {
	_, err := p.change(ctx, id, func(row *ent.Credential) bool { return row.State != credential.Ending },
		func(row *ent.Credential) { row.Config, row.UpdatedAt = config, at })
	return err
}

// change runs fn on the row if it is there and may be changed, and reports whether it was.
func (p *process) change(
	ctx context.Context, id string, may func(*ent.Credential) bool, fn func(*ent.Credential),
) (bool, error) {
	done := false
	err := p.step(ctx, func() error {
		row, ok := p.rows[id]
		if done = ok && may(row); done {
			fn(row)
		}
		return nil
	})
	return done, err
}

func free(row *ent.Credential) bool {
	return row.LeaseUntil == nil || row.LeaseUntil.Before(time.Now()) ||
		row.LeaseUntil.After(time.Now().Add(10*time.Minute))
}

func owns(row *ent.Credential, owner string) bool {
	return row.LeaseOwner != nil && *row.LeaseOwner == owner
}

func release(row *ent.Credential, owner string) {
	if owns(row, owner) {
		row.LeaseOwner, row.LeaseUntil = nil, nil
	}
}

func (p *process) Lease(ctx context.Context, seen *ent.Credential, owner string, d time.Duration) (bool, error) {
	if fn := p.beforeLease; fn != nil {
		p.beforeLease = nil
		fn()
	}
	return p.change(ctx, seen.ID, func(row *ent.Credential) bool {
		same := row.LeaseOwner == nil && seen.LeaseOwner == nil || seen.LeaseOwner != nil && owns(row, *seen.LeaseOwner)
		return row.Generation == seen.Generation && row.State == seen.State && same && free(row)
	}, func(row *ent.Credential) {
		until := time.Now().Add(d)
		row.LeaseOwner, row.LeaseUntil = &owner, &until
	})
}

func (p *process) Extend(ctx context.Context, id, owner string, d time.Duration) (bool, error) {
	return p.change(ctx, id, func(row *ent.Credential) bool { return owns(row, owner) }, func(row *ent.Credential) {
		row.LeaseUntil = new(time.Now().Add(d))
	})
}

func (p *process) Release(ctx context.Context, id, owner string, after *credential.Setback) error {
	_, err := p.change(ctx, id, func(row *ent.Credential) bool { return owns(row, owner) }, func(row *ent.Credential) {
		release(row, owner)
		if after != nil && after.Generation == row.Generation {
			row.Failures, row.NextAttemptAt = after.Failures, &after.Next
			if !after.Ahead.IsZero() {
				row.RefreshAt = &after.Ahead
			}
		}
	})
	return err
}

func (p *process) Renew(ctx context.Context, id, owner string, g int64, t credential.Tokens) (bool, error) {
	if fn := p.beforeRenew; fn != nil {
		if err := fn(); err != nil {
			return false, err
		}
	}
	return p.renew(ctx, id, owner, g, credential.Active, t)
}

func (p *process) Revive(ctx context.Context, id, owner string, g int64, t credential.Tokens) (bool, error) {
	return p.renew(ctx, id, owner, g, credential.Expired, t)
}

func (p *process) renew(
	ctx context.Context, id, owner string, g int64, from string, t credential.Tokens,
) (bool, error) {
	return p.change(ctx, id, func(row *ent.Credential) bool {
		return row.Generation == g && row.State == from
	}, func(row *ent.Credential) {
		p.stores(row, t.Access)
		row.State, row.AccessToken, row.RefreshToken, row.TokenType = credential.Active, t.Access, t.Refresh, t.Type
		row.ExpiresAt, row.RefreshAt, row.RefreshedAt = t.ExpiresAt, t.RefreshAt, &t.At
		row.LifetimeSeconds, row.Failures, row.NextAttemptAt = int64(t.Lifetime/time.Second), 0, nil
		row.Generation++
		release(row, owner)
	})
}

func (p *process) Expire(ctx context.Context, id, owner string, g int64) (bool, error) {
	ended := false
	_, err := p.change(ctx, id, func(*ent.Credential) bool { return true }, func(row *ent.Credential) {
		if ended = row.Generation == g && row.State == credential.Active; ended {
			p.ends(row)
			row.State, row.RefreshAt = credential.Expired, nil
		}
		release(row, owner)
	})
	return ended, err
}

func (p *process) MarkEnding(
	ctx context.Context, id string, how credential.Stopping, at, next time.Time,
) (*ent.Credential, error) {
	_, err := p.change(ctx, id, func(*ent.Credential) bool { return true }, func(row *ent.Credential) {
		if row.State != credential.Ending {
			row.State, row.EndingSince, row.NextAttemptAt, row.RefreshAt = credential.Ending, &at, &next, nil
			row.Failures = 0
			row.Generation++
		}
		if how.Drop {
			row.AccessToken, row.RefreshToken = nil, nil
		}
		if how.Detach {
			row.IntegrationID = nil
		}
		if how.Account != nil {
			row.AccountID = how.Account
		}
	})
	if err != nil {
		return nil, err
	}
	return p.Get(ctx, id)
}

func (p *process) Spare(ctx context.Context, providers []string, account string) error {
	return p.step(ctx, func() error {
		for _, row := range p.rows {
			if row.State == credential.Ending && slices.Contains(providers, row.Provider) && row.AccountID != nil &&
				*row.AccountID == account {
				row.AccessToken, row.RefreshToken = nil, nil
			}
		}
		return nil
	})
}

func (p *process) HandOver(ctx context.Context, id, owner string, t credential.Tokens) (bool, error) {
	return p.change(ctx, id, func(row *ent.Credential) bool {
		return row.State == credential.Ending && owns(row, owner) && len(row.AccessToken)+len(row.RefreshToken) > 0
	}, func(row *ent.Credential) {
		row.AccessToken, row.RefreshToken, row.ExpiresAt = t.Access, t.Refresh, t.ExpiresAt
	})
}

func (p *process) Destroy(ctx context.Context, id, owner string) (bool, error) {
	return p.change(ctx, id, func(row *ent.Credential) bool {
		return row.State == credential.Ending && owns(row, owner)
	}, func(row *ent.Credential) { delete(p.rows, row.ID) })
}

func (p *process) ClaimEnding(
	ctx context.Context, owner string, d time.Duration, share store.Share,
) ([]*ent.Credential, error) {
	return p.claim(ctx, owner, d, credential.Ending, share, func(row *ent.Credential) *time.Time {
		return row.NextAttemptAt
	})
}

func (p *process) ClaimDue(
	ctx context.Context, owner string, d time.Duration, share store.Share,
) ([]*ent.Credential, error) {
	return p.claim(ctx, owner, d, credential.Active, share, func(row *ent.Credential) *time.Time {
		if row.LeaseOwner != nil && row.ExpiresAt != nil && row.ExpiresAt.After(time.Now()) {
			return nil
		}
		return row.RefreshAt
	})
}

func (p *process) claim(
	ctx context.Context, owner string, d time.Duration, state string, share store.Share,
	dueAt func(*ent.Credential) *time.Time,
) ([]*ent.Credential, error) {
	var out []*ent.Credential
	err := p.step(ctx, func() error {
		var due []*ent.Credential
		for _, row := range p.rows {
			if at := dueAt(row); row.State == state && at != nil && !at.After(time.Now()) && free(row) {
				due = append(due, row)
			}
		}
		slices.SortFunc(due, func(a, b *ent.Credential) int {
			return cmp.Or(dueAt(a).Compare(*dueAt(b)), cmp.Compare(a.ID, b.ID))
		})
		until, ofProvider, ofCompany := time.Now().Add(d), map[string]int{}, map[string]int{}
		for _, row := range due {
			ofProvider[row.Provider]++
			ofCompany[row.CompanyID]++
			if ofProvider[row.Provider] > share.PerProvider || ofCompany[row.CompanyID] > share.PerCompany ||
				len(out) == share.Limit {
				continue
			}
			out = append(out, clone(row))
			row.LeaseOwner, row.LeaseUntil = &owner, &until
		}
		return nil
	})
	return out, err
}
