package credential

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/seal"
)

// Refresh renews an integration's tokens now, even if they are good or the last attempt has just failed. The tokens in
// use stay until the new ones are stored, so it cannot make things worse. It waits for the renewal or for ctx; the
// renewal goes on without it. It must not be called inside a transaction.
func (s *Service) Refresh(ctx context.Context, integrationID string) error {
	if err := outside(ctx); err != nil {
		return err
	}
	ctx = inside(ctx)
	row, err := s.Rows.Of(ctx, integrationID)
	if err != nil {
		return err
	}
	if s.tooEarly(row) {
		return &problem.Error{
			Code: problem.Invalid, IntegrationID: integrationID, Provider: row.Provider,
			Message: "The provider renews this access only when it has ended, which is at " +
				row.ExpiresAt.UTC().Format(time.RFC3339) + ".",
		}
	}
	_, err = s.renew(ctx, row, true)
	return err
}

// tooEarly reports whether the provider would refuse to renew a token because it has not ended yet.
func (s *Service) tooEarly(row *ent.Credential) bool {
	return s.rules(row).Early == oauth.EarlyRefused && row.State == Active && row.ExpiresAt != nil && s.valid(row, s.Now())
}

// fresh returns the row with an access token to use now: the one it has, or that of a renewal. A token that is about to
// end is renewed by whoever comes first, who waits; the others use what they have while it is good, and so does he
// when the renewal fails or another process is at it, or has left it unreleased.
func (s *Service) fresh(ctx context.Context, row *ent.Credential) (*ent.Credential, error) {
	if row.State != Active {
		return nil, s.ended(row)
	}
	now := s.Now()
	if len(row.AccessToken) == 0 && row.ExpiresAt == nil || !s.due(row, now) {
		return row, nil
	}
	usable := s.valid(row, now)
	if _, rests := resting(row, now); usable && (rests || row.LeaseOwner != nil || !s.renewable(row)) {
		return row, nil
	}
	if !usable {
		return s.renew(ctx, row, false)
	}
	fl, first := s.takeOff(ctx, row, false)
	if fl == nil || !first {
		return row, nil
	}
	select {
	case <-fl.done:
		if fl.err == nil {
			return fl.row, nil
		}
		if problem.Is(fl.err, problem.ReauthorizationRequired) {
			return nil, fl.err
		}
	case <-fl.waiting:
	case <-ctx.Done():
	}
	return row, nil
}

// renew returns a row whose generation is another than the one that was seen, or why there is none. It waits until ctx
// ends, and longer than that for nothing.
func (s *Service) renew(ctx context.Context, seen *ent.Credential, person bool) (*ent.Credential, error) {
	for {
		fl, first := s.takeOff(ctx, seen, person)
		if fl == nil {
			return nil, problem.New(problem.Unavailable, "Patchbay is stopping. Ask again.")
		}
		select {
		case <-fl.done:
		case <-ctx.Done():
			return nil, stalled(ctx.Err())
		}
		// A flight that others began may have adopted the very generation that was seen to be refused here.
		if first || fl.err != nil || fl.row.Generation != seen.Generation {
			return fl.row, fl.err
		}
	}
}

func stalled(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return (&problem.Error{
		Code: problem.ProviderTimeout, Message: "The access could not be renewed in time. Try again.", Retryable: true,
	}).Because(err)
}

func (s *Service) takeOff(ctx context.Context, seen *ent.Credential, person bool) (*flight, bool) {
	detached := context.WithoutCancel(s.Rows.Outside(ctx))
	return s.flights.join(flightKey{seen.ID, person}, func(fl *flight) (*ent.Credential, error) {
		ctx, cancel := context.WithTimeout(detached, flightLimit)
		defer cancel()
		return s.fly(ctx, fl, seen, person)
	})
}

// fly adopts what another has stored since seen, or leases the row and spends its refresh token.
func (s *Service) fly(ctx context.Context, fl *flight, seen *ent.Credential, person bool) (*ent.Credential, error) {
	owner := rand.Text()
	var watched watch
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		row, err := s.Rows.Get(ctx, seen.ID)
		switch {
		case err != nil:
			return nil, err
		case row.State != Active:
			return nil, s.ended(row)
		case row.Generation != seen.Generation:
			return row, nil
		case !s.renewable(row):
			return s.without(ctx, row)
		}
		if left, rests := resting(row, s.Now()); rests && !person {
			return nil, s.later(row, left)
		}
		if watched.standing(row, s.Now()) {
			began := s.Now()
			taken, err := s.Rows.Lease(ctx, row, owner, leaseFor)
			if err != nil { // the store cannot be written: a one-time token is not spent for what could not be kept
				return nil, err
			}
			if taken && s.Now().Sub(began) < startLimit {
				return s.spend(ctx, row, owner)
			}
			if taken { // this process stood still: by now the lease may be over
				_ = s.Rows.Release(ctx, row.ID, owner, nil)
				continue
			}
		}
		fl.sayWait()
		if err := pause(ctx, wait+jitter(wait)); err != nil {
			return nil, stalled(err)
		}
	}
}

// without answers for a credential that nothing can renew: it ends when its token does.
func (s *Service) without(ctx context.Context, row *ent.Credential) (*ent.Credential, error) {
	if s.valid(row, s.Now()) || row.ExpiresAt == nil {
		return nil, &problem.Error{
			Code: problem.ReauthorizationRequired, IntegrationID: integrationOf(row),
			Message: "The provider gave nothing to renew this access with. Connect again when it ends.",
		}
	}
	return s.expire(ctx, row, "", end{reason: health.TokenExpired, code: "no_refresh_token"})
}

// spend sends the refresh token of a row that owner has leased, or asks for another token where there is none, and stores
// what comes back.
func (s *Service) spend(ctx context.Context, row *ent.Credential, owner string) (*ent.Credential, error) {
	refresh, err := s.Ring.Open(row.RefreshToken, place(row, refreshColumn))
	if err != nil { // nobody rests for that: a key that is back is seen at once
		return nil, s.shut(ctx, row, owner, err)
	}
	defer s.hold(ctx, row, owner)()
	var tok *oauth.Token
	wire, err := s.wire(row)
	if err == nil {
		err = within(ctx, callLimit, func(ctx context.Context) error {
			if refresh.IsZero() {
				tok, err = wire.Mint(ctx, row.Scopes)
			} else {
				tok, err = wire.Refresh(ctx, refresh)
			}
			return err
		})
	}
	if err != nil {
		return s.refused(ctx, row, owner, err)
	}
	return s.keep(ctx, row, owner, tok, refresh)
}

// revive stores tokens that come late over a generation that another has ended meanwhile, and reads the row again into now.
func (s *Service) revive(ctx context.Context, row *ent.Credential, owner string, t Tokens, now **ent.Credential) error {
	revived, err := s.Rows.Revive(ctx, row.ID, owner, row.Generation, t)
	if err != nil || !revived {
		return err
	}
	if *now, err = s.Rows.Get(ctx, row.ID); err != nil {
		return err
	}
	details := column.Object{"generation": (*now).Generation, "late": true}
	if err := s.record(ctx, *now, audit.TokenRefreshed, "", details); err != nil {
		return err
	}
	return s.report(ctx, *now, health.Finding{Reason: health.NotYetChecked})
}

// shut releases a row that does not open, reports that, and returns the problem for the caller.
func (s *Service) shut(ctx context.Context, row *ent.Credential, owner string, cause error) error {
	now := s.Now()
	setback := &Setback{
		Generation: row.Generation, Failures: row.Failures, Next: now, Ahead: ahead(row, now.Add(backoff(longest, 0))),
	}
	err := within(ctx, writeLimit, func(ctx context.Context) error {
		return s.Rows.InTx(ctx, func(ctx context.Context) error {
			if err := s.Rows.Release(ctx, row.ID, owner, setback); err != nil {
				return err
			}
			return s.reportOf(ctx, row, health.Finding{Reason: health.SecretUnreadable})
		})
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "an unreadable secret is not recorded", "credential", row.ID, "error", err)
	}
	return s.sealedUp(row, cause)
}

// keep stores tokens until it succeeds: what was spent for them cannot be spent again. An answer without a refresh token
// keeps the one that was spent (RFC 6749 section 6); it is sealed anew, so that a rotation of keys during the call is not
// undone.
//
// A process that alone loses the database for longer than its lease, and with the access at its end, is overtaken:
// another spends the same token. Only the vendor knows which answer is good. Where it took the token again, what the other
// has stored stays. Where it refused, the credential was ended, with an event that speaks of the abandoned lease; what
// comes here late revives it, and is called proved when it has been used: a vendor that punishes reuse has ended both.
// When the database stays away for longer than keepLimit the tokens are lost, which nothing can prevent.
func (s *Service) keep(
	ctx context.Context, row *ent.Credential, owner string, tok *oauth.Token, spent seal.Secret,
) (*ent.Credential, error) {
	kept := *tok
	if kept.Refresh.IsZero() {
		kept.Refresh = spent
	}
	t, err := s.seal(row, &kept, time.Duration(row.LifetimeSeconds)*time.Second)
	if err != nil {
		return nil, err
	}
	var now *ent.Credential
	err = s.Insist(ctx, row.ID, func(ctx context.Context) error {
		return s.Rows.InTx(ctx, func(ctx context.Context) error {
			stored, err := s.Rows.Renew(ctx, row.ID, owner, row.Generation, t)
			if err != nil {
				return err
			}
			if now, err = s.Rows.Get(ctx, row.ID); err != nil {
				return err
			}
			switch {
			case stored:
				return s.renewed(ctx, now, s.perhapsLost(row))
			case now.State == Expired:
				return s.revive(ctx, row, owner, t, &now)
			case now.State == Ending:
				_, err = s.Rows.HandOver(ctx, row.ID, owner, t)
			}
			return err
		})
	})
	switch {
	case problem.Is(err, problem.NotFound): // the row is gone: nobody else will give these back
		if p, ok := s.Provider(row.Provider); ok {
			_ = s.GiveBack(ctx, p, row.Config, tok)
		}
		return nil, err
	case err != nil:
		return nil, err
	case now.State != Active:
		_ = s.Rows.Release(ctx, row.ID, owner, nil)
		return nil, s.ended(now)
	}
	return now, nil
}

func (s *Service) openAccess(row *ent.Credential) (seal.Secret, error) {
	return s.Ring.Open(row.AccessToken, place(row, accessColumn))
}
