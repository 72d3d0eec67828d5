package credential_test

import (
	"context"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
)

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
	setback := &credential.Setback{Generation: late.Generation, Failures: 1, Next: again, Ahead: again}
	if err := s.Release(s.ctx, late.ID, "b", setback); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Minute + time.Second)
	claim("d", whole, early)
	s.pass(time.Minute)
	claim("e", whole, late)

	s.pass(2 * time.Minute)
	claim("f", whole, early, late) // nobody has said when their access ends
	good := s.put(t, at(0), func(r *ent.Credential) { r.ExpiresAt = new(s.now().UTC().Add(10 * time.Minute)) })
	claim("g", whole, good)
	s.pass(5 * time.Minute)
	claim("h", whole, early, late) // what g has left is good still
	s.pass(5*time.Minute + time.Second)
	claim("i", whole, good, early, late)
}

func replacements(t *testing.T, s *shelf) {
	row := s.put(t)
	s.lease(t, row, "a", true)
	setback := &credential.Setback{Generation: row.Generation, Failures: 3, Next: s.now().Add(time.Hour)}
	if err := s.Release(s.ctx, row.ID, "a", setback); err != nil {
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
		setback := &credential.Setback{Generation: row.Generation, Failures: failures, Next: next}
		if err := s.Release(s.ctx, row.ID, owner, setback); err != nil {
			t.Fatal(err)
		}
	}
	s.lease(t, row, "c", true)
	setback := &credential.Setback{Generation: row.Generation - 1, Failures: 9, Next: next.Add(time.Hour)}
	if err := s.Release(s.ctx, row.ID, "c", setback); err != nil { // what failed was replaced: it rests nobody
		t.Fatal(err)
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

func accounts(t *testing.T, s *shelf) {
	mine, other := "ada", "bob"
	for _, c := range []struct {
		account  *string
		provider string
		dropped  bool
	}{{&mine, "acme", true}, {&mine, "acme mail", true}, {&other, "acme", false}, {&mine, "umbrella", false}, {nil, "acme", false}} {
		row := s.put(t, func(r *ent.Credential) { r.Provider = c.provider })
		living := s.put(t, func(r *ent.Credential) { r.Provider = c.provider })
		s.end(t, row, credential.Stopping{Account: c.account}, time.Hour)
		if err := s.Spare(s.ctx, []string{"acme", "acme mail"}, mine); err != nil {
			t.Fatal(err)
		}
		if now := s.read(t, row.ID); (len(now.AccessToken)+len(now.RefreshToken) == 0) != c.dropped || now.State != credential.Ending {
			t.Errorf("%v of %s: %+v", c.account, c.provider, now)
		}
		if now := s.read(t, living.ID); len(now.AccessToken) == 0 || len(now.RefreshToken) == 0 {
			t.Errorf("a living one of %s lost its tokens", c.provider)
		}
	}
}
