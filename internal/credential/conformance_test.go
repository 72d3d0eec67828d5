package credential_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store/storetest"
)

// shelf is an implementation of Rows with a clock that the test moves.
type shelf struct {
	credential.Rows
	ctx     context.Context
	company string
	now     func() time.Time
	pass    func(time.Duration)
	newID   func(id.Kind) string
}

// TestTheSimulatedStoreAndTheRealOnesAgree asks the same of all, so that what the simulation proves holds for the
// databases.
func TestTheSimulatedStoreAndTheRealOnesAgree(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T, *shelf){
		"a lease":        leases,
		"a long lease":   extensions,
		"a renewal":      renewals,
		"an expiry":      expiries,
		"an ending":      endings,
		"a handover":     handovers,
		"a claim":        claims,
		"a due renewal":  renewalClaims,
		"a replacement":  replacements,
		"new secrets":    newSecrets,
		"a failed step":  setbacks,
		"an absent row":  absences,
		"a detached row": detachments,
		"an account":     accounts,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("memory", func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, 1)
					test(t, &shelf{
						Rows: w.start(), ctx: system(t), company: company, now: time.Now, pass: time.Sleep, newID: w.ids.New,
					})
				})
			})
			storetest.RunURL(t, func(t *testing.T, url string) {
				e := openEnv(t, url)
				test(t, &shelf{
					Rows: credential.Stored{Store: e.store}, ctx: e.ctx, company: e.company,
					now: e.clock.now, pass: e.clock.pass, newID: e.newID,
				})
			})
		})
	}
}

// put stores a row and returns it as it is read back.
func (s *shelf) put(t *testing.T, change ...func(*ent.Credential)) *ent.Credential {
	t.Helper()
	of := s.newID(id.Integration)
	now := s.now().UTC()
	row := &ent.Credential{
		ID: s.newID(id.Credential), CompanyID: s.company, IntegrationID: &of, Provider: "acme", AuthKind: "OAUTH2",
		State: credential.Active, Generation: 1, CreatedAt: now, UpdatedAt: now,
		AccessToken: seal.Sealed("access"), RefreshToken: seal.Sealed("refresh"), Scopes: []string{"one"},
	}
	for _, fn := range change {
		fn(row)
	}
	if err := s.Insert(s.ctx, row); err != nil {
		t.Fatal(err)
	}
	return s.read(t, row.ID)
}

func (s *shelf) read(t *testing.T, id string) *ent.Credential {
	t.Helper()
	row, err := s.Get(s.ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func (s *shelf) lease(t *testing.T, row *ent.Credential, owner string, want bool) {
	t.Helper()
	if got, err := s.Lease(s.ctx, row, owner, time.Minute); err != nil || got != want {
		t.Fatalf("Lease for %s = %v, %v, want %v", owner, got, err, want)
	}
}

func yes(t *testing.T, want bool) func(bool, error) {
	return func(got bool, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
}

func leases(t *testing.T, s *shelf) {
	row := s.put(t)
	s.lease(t, row, "a", true)
	s.lease(t, row, "b", false)
	held := s.read(t, row.ID)
	s.lease(t, held, "b", false)
	s.pass(61 * time.Second)
	s.lease(t, row, "b", false) // it is not as seen: a's lease was never released
	s.lease(t, held, "b", true)
	if err := s.Release(s.ctx, row.ID, "a", nil); err != nil {
		t.Fatal(err)
	}
	if now := s.read(t, row.ID); now.LeaseOwner == nil || *now.LeaseOwner != "b" {
		t.Error("somebody else released b's lease")
	}
	if err := s.Release(s.ctx, row.ID, "b", nil); err != nil {
		t.Fatal(err)
	}
	s.lease(t, row, "c", true)
	other := s.put(t)
	other.Generation = 7
	s.lease(t, other, "a", false)
	other.Generation, other.State = 1, credential.Ending
	s.lease(t, other, "a", false)
}

func extensions(t *testing.T, s *shelf) {
	row := s.put(t)
	yes(t, false)(s.Extend(s.ctx, row.ID, "a", time.Minute))
	s.lease(t, row, "a", true)
	held := s.read(t, row.ID)
	s.pass(50 * time.Second)
	yes(t, false)(s.Extend(s.ctx, row.ID, "b", time.Minute))
	yes(t, true)(s.Extend(s.ctx, row.ID, "a", time.Minute))
	s.pass(50 * time.Second)
	s.lease(t, held, "b", false)
	s.pass(11 * time.Second)
	yes(t, true)(s.Extend(s.ctx, row.ID, "a", time.Minute)) // over, but nobody has taken it
	s.lease(t, held, "b", false)
	s.pass(61 * time.Second)
	s.lease(t, held, "b", true)
	yes(t, false)(s.Extend(s.ctx, row.ID, "a", time.Minute))
	yes(t, true)(s.Extend(s.ctx, row.ID, "b", time.Hour)) // as a clock that then goes back leaves it
	yes(t, true)(s.Lease(s.ctx, s.read(t, row.ID), "c", time.Minute))
	if now := s.read(t, row.ID); *now.LeaseOwner != "c" || now.Generation != 1 {
		t.Errorf("%+v", now)
	}
}

func (s *shelf) tokens() credential.Tokens {
	at := s.now().UTC().Truncate(time.Microsecond)
	ends, refresh := at.Add(time.Hour), at.Add(50*time.Minute)
	return credential.Tokens{
		Access: seal.Sealed("access 2"), Refresh: seal.Sealed("refresh 2"), Type: "Bearer", ExpiresAt: &ends,
		Lifetime: time.Hour, RefreshAt: &refresh, At: at,
	}
}

func renewals(t *testing.T, s *shelf) {
	row := s.put(t)
	s.lease(t, row, "a", true)
	tokens := s.tokens()
	yes(t, false)(s.Renew(s.ctx, row.ID, "a", 2, tokens))
	yes(t, true)(s.Renew(s.ctx, row.ID, "a", 1, tokens))
	yes(t, false)(s.Renew(s.ctx, row.ID, "a", 1, tokens))
	now := s.read(t, row.ID)
	if now.Generation != 2 || string(now.AccessToken) != "access 2" || string(now.RefreshToken) != "refresh 2" ||
		now.LifetimeSeconds != 3600 || !now.ExpiresAt.Equal(*tokens.ExpiresAt) || now.LeaseOwner != nil ||
		!now.RefreshAt.Equal(*tokens.RefreshAt) || !now.RefreshedAt.Equal(tokens.At) || now.TokenType != "Bearer" {
		t.Errorf("%+v", now)
	}
	if len(now.Scopes) != 1 || now.Scopes[0] != "one" {
		t.Errorf("scopes %v", now.Scopes)
	}
	s.lease(t, now, "b", true)
	tokens.ExpiresAt, tokens.RefreshAt = nil, nil
	yes(t, true)(s.Renew(s.ctx, row.ID, "late", 2, tokens))
	if now = s.read(t, row.ID); now.ExpiresAt != nil || now.RefreshAt != nil || now.LeaseOwner == nil {
		t.Errorf("%+v", now)
	}
}

func expiries(t *testing.T, s *shelf) {
	row := s.put(t)
	yes(t, false)(s.Expire(s.ctx, row.ID, "", 2))
	s.lease(t, row, "a", true)
	yes(t, true)(s.Expire(s.ctx, row.ID, "a", 1))
	yes(t, false)(s.Expire(s.ctx, row.ID, "a", 1))
	now := s.read(t, row.ID)
	if now.State != credential.Expired || now.Generation != 1 || now.LeaseOwner != nil {
		t.Errorf("%+v", now)
	}
	yes(t, false)(s.Renew(s.ctx, row.ID, "slow", 1, s.tokens()))
	yes(t, false)(s.Revive(s.ctx, row.ID, "slow", 2, s.tokens()))
	yes(t, true)(s.Revive(s.ctx, row.ID, "slow", 1, s.tokens()))
	yes(t, false)(s.Revive(s.ctx, row.ID, "slow", 2, s.tokens()))
	if now = s.read(t, row.ID); now.State != credential.Active || now.Generation != 2 {
		t.Errorf("%+v", now)
	}
}

func (s *shelf) end(t *testing.T, row *ent.Credential, how credential.Stopping, after time.Duration) *ent.Credential {
	t.Helper()
	now := s.now().UTC().Truncate(time.Microsecond)
	ended, err := s.MarkEnding(s.ctx, row.ID, how, now, now.Add(after))
	if err != nil {
		t.Fatal(err)
	}
	return ended
}

func endings(t *testing.T, s *shelf) {
	row := s.put(t)
	s.lease(t, row, "a", true)
	ended := s.end(t, row, credential.Stopping{}, time.Minute)
	if ended.State != credential.Ending || ended.Generation != 2 || ended.LeaseOwner == nil || ended.EndingSince == nil {
		t.Errorf("%+v", ended)
	}
	if again := s.end(t, row, credential.Stopping{}, time.Hour); again.Generation != 2 ||
		!again.NextAttemptAt.Equal(*ended.NextAttemptAt) {
		t.Errorf("%+v", again)
	}
	yes(t, false)(s.Renew(s.ctx, row.ID, "a", 1, s.tokens()))
	yes(t, false)(s.Renew(s.ctx, row.ID, "a", 2, s.tokens()))
	yes(t, false)(s.Expire(s.ctx, row.ID, "", 2))
	yes(t, false)(s.Destroy(s.ctx, row.ID, "b"))
	yes(t, true)(s.Destroy(s.ctx, row.ID, "a"))
	if _, err := s.Get(s.ctx, row.ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("%v", err)
	}
	living := s.put(t)
	s.lease(t, living, "a", true)
	yes(t, false)(s.Destroy(s.ctx, living.ID, "a"))
}

func handovers(t *testing.T, s *shelf) {
	row := s.put(t)
	s.lease(t, row, "a", true)
	yes(t, false)(s.HandOver(s.ctx, row.ID, "a", s.tokens()))
	s.end(t, row, credential.Stopping{}, 0)
	yes(t, false)(s.HandOver(s.ctx, row.ID, "b", s.tokens()))
	yes(t, true)(s.HandOver(s.ctx, row.ID, "a", s.tokens()))
	if now := s.read(t, row.ID); string(now.RefreshToken) != "refresh 2" || now.State != credential.Ending {
		t.Errorf("%+v", now)
	}
	dropped := s.put(t)
	s.lease(t, dropped, "a", true)
	if now := s.end(t, dropped, credential.Stopping{Drop: true}, 0); len(now.AccessToken)+len(now.RefreshToken) > 0 {
		t.Errorf("%+v", now)
	}
	yes(t, false)(s.HandOver(s.ctx, dropped.ID, "a", s.tokens()))
}
