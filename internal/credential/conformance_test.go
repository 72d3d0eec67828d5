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
	"github.com/patchbay/patchbay/internal/store"
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
	yes(t, true)(s.Renew(s.ctx, row.ID, "slow", 1, s.tokens()))
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

func claims(t *testing.T, s *shelf) {
	var rows []*ent.Credential
	for i := range 4 {
		rows = append(rows, s.end(t, s.put(t), credential.Stopping{}, time.Duration(4-i)*time.Minute))
	}
	claim := func(owner string, limit int, want ...*ent.Credential) {
		t.Helper()
		got, err := s.ClaimEnding(s.ctx, owner, time.Minute, store.Share{Limit: limit, PerProvider: limit, PerCompany: limit})
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d claimed, %v, want %d", len(got), err, len(want))
		}
		for i := range want {
			if got[i].ID != want[i].ID {
				t.Errorf("row %d is another", i)
			}
		}
	}
	claim("a", 10)
	s.pass(3*time.Minute + time.Second)
	claim("a", 2, rows[3], rows[2])
	claim("b", 2, rows[1])
	claim("c", 2)
	s.pass(2 * time.Minute)
	one := store.Share{Limit: 10, PerProvider: 1, PerCompany: 10}
	if got, err := s.ClaimEnding(s.ctx, "d", time.Minute, one); err != nil || len(got) != 1 || got[0].ID != rows[3].ID {
		t.Errorf("%d claimed of one provider, %v", len(got), err)
	}
	claim("d", 10, rows[2], rows[1], rows[0])
	if now := s.read(t, rows[3].ID); now.LeaseOwner == nil || *now.LeaseOwner != "d" {
		t.Errorf("%+v", now)
	}
}

func renewalClaims(t *testing.T, s *shelf) {
	now := s.now().UTC().Truncate(time.Microsecond)
	at := func(d time.Duration) func(*ent.Credential) {
		return func(r *ent.Credential) { r.RefreshAt = new(now.Add(d)) }
	}
	late, early := s.put(t, at(2*time.Minute)), s.put(t, at(time.Minute))
	s.end(t, s.put(t, at(time.Minute)), credential.Stopping{}, time.Hour)
	s.put(t, func(r *ent.Credential) { r.RefreshAt = nil })
	claim := func(owner string, share store.Share, want ...*ent.Credential) {
		t.Helper()
		got, err := s.ClaimDue(s.ctx, owner, time.Minute, share)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s: %d claimed, %v, want %d", owner, len(got), err, len(want))
		}
		for i := range want {
			if got[i].ID != want[i].ID {
				t.Errorf("%s: row %d is another", owner, i)
			}
		}
	}
	whole := store.Share{Limit: 10, PerProvider: 10, PerCompany: 10}
	claim("a", whole)
	s.pass(3 * time.Minute)
	claim("a", store.Share{Limit: 10, PerProvider: 1, PerCompany: 10}, early)
	claim("b", store.Share{Limit: 10, PerProvider: 10, PerCompany: 1}, late)
	claim("c", whole)
	again := now.Add(5 * time.Minute)
	if err := s.Release(s.ctx, late.ID, "b", &credential.Setback{Failures: 1, Next: again, Ahead: again}); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Minute + time.Second)
	claim("d", whole, early)
	s.pass(time.Minute)
	claim("e", whole, late)
}

func replacements(t *testing.T, s *shelf) {
	row := s.put(t)
	s.lease(t, row, "a", true)
	if err := s.Release(s.ctx, row.ID, "a", &credential.Setback{Failures: 3, Next: s.now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	s.lease(t, s.end(t, row, credential.Stopping{}, 0), "b", true)
	row.AccessToken, row.RefreshToken, row.Secrets = seal.Sealed("new"), nil, seal.Sealed("secrets")
	client := "client-9"
	row.ClientID, row.Scopes = &client, []string{"two"}
	if err := s.Replace(s.ctx, row); err != nil {
		t.Fatal(err)
	}
	now := s.read(t, row.ID)
	if now.Generation != 3 || now.State != credential.Active || string(now.AccessToken) != "new" ||
		len(now.RefreshToken) != 0 || string(now.Secrets) != "secrets" || now.Failures != 0 || now.NextAttemptAt != nil ||
		now.EndingSince != nil || *now.ClientID != client || now.Scopes[0] != "two" || now.LeaseOwner == nil {
		t.Errorf("%+v", now)
	}
}

func newSecrets(t *testing.T, s *shelf) {
	row := s.put(t)
	s.lease(t, row, "a", true)
	if err := s.SetSecrets(s.ctx, row.ID, seal.Sealed("secrets"), s.now()); err != nil {
		t.Fatal(err)
	}
	now := s.read(t, row.ID)
	if now.Generation != 1 || string(now.AccessToken) != "access" || string(now.Secrets) != "secrets" || now.LeaseOwner == nil {
		t.Errorf("%+v", now)
	}
	s.end(t, now, credential.Stopping{}, 0)
	if err := s.SetSecrets(s.ctx, row.ID, seal.Sealed("later"), s.now()); err != nil {
		t.Fatal(err)
	}
	if now := s.read(t, row.ID); string(now.Secrets) != "secrets" {
		t.Errorf("%+v", now)
	}
}

func setbacks(t *testing.T, s *shelf) {
	row := s.put(t)
	s.lease(t, row, "a", true)
	next := s.now().UTC().Truncate(time.Microsecond).Add(time.Hour)
	for owner, failures := range map[string]int{"b": 0, "a": 2} {
		if owner == "a" {
			defer func() {
				if now := s.read(t, row.ID); now.Failures != failures || !now.NextAttemptAt.Equal(next) || now.LeaseOwner != nil {
					t.Errorf("%+v", now)
				}
			}()
		}
		if err := s.Release(s.ctx, row.ID, owner, &credential.Setback{Failures: failures, Next: next}); err != nil {
			t.Fatal(err)
		}
	}
}

func absences(t *testing.T, s *shelf) {
	if _, err := s.Of(s.ctx, s.newID(id.Integration)); !problem.Is(err, problem.NotFound) {
		t.Errorf("%v", err)
	}
	gone := s.newID(id.Credential)
	yes(t, false)(s.Renew(s.ctx, gone, "a", 1, s.tokens()))
	yes(t, false)(s.Expire(s.ctx, gone, "a", 1))
	yes(t, false)(s.Lease(s.ctx, &ent.Credential{ID: gone, Generation: 1, State: credential.Active}, "a", time.Minute))
	row := s.put(t)
	if got, err := s.Of(s.ctx, *row.IntegrationID); err != nil || got.ID != row.ID {
		t.Errorf("%v", err)
	}
	before := row.Generation
	err := s.InTx(s.ctx, func(ctx context.Context) error {
		if ok, err := s.Renew(ctx, row.ID, "a", 1, s.tokens()); !ok || err != nil {
			t.Errorf("%v, %v", ok, err)
		}
		return problem.New(problem.Invalid, "roll back")
	})
	if !problem.Is(err, problem.Invalid) || s.read(t, row.ID).Generation != before {
		t.Errorf("%v", err)
	}
}

func detachments(t *testing.T, s *shelf) {
	row := s.put(t)
	of := *row.IntegrationID
	if now := s.end(t, row, credential.Stopping{Detach: true}, 0); now.IntegrationID != nil {
		t.Errorf("%+v", now)
	}
	other := s.put(t, func(r *ent.Credential) { r.IntegrationID = &of })
	if got, err := s.Of(s.ctx, of); err != nil || got.ID != other.ID {
		t.Errorf("%v", err)
	}
}
