package access_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent/apikey"
	"github.com/patchbay/patchbay/internal/access"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newService(t *testing.T, s *store.Store) (*access.Service, *clock, context.Context) {
	t.Helper()
	c := &clock{time.Now().UTC().Truncate(time.Microsecond)}
	newID := id.NewSource(c.now).New
	service := &access.Service{
		Store: s, Audit: &audit.Service{Store: s, Now: c.now, NewID: newID}, Now: c.now, NewID: newID,
	}
	company, err := service.CreateCompany(t.Context(), "Acme")
	if err != nil {
		t.Fatal(err)
	}
	return service, c, viewer.SystemFor(t.Context(), company.ID)
}

func TestAKeyLetsInWithItsScopesUntilItIsRevoked(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		service, _, ctx := newService(t, s)
		row, secret, err := service.CreateKey(ctx, access.CreateKeyInput{Name: "ci", Scopes: []viewer.Scope{viewer.UsersRead}})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(secret.Reveal(), row.Prefix) || len(secret.Reveal()) != 46 {
			t.Errorf("the secret has %d characters and the prefix %q", len(secret.Reveal()), row.Prefix)
		}
		in, err := service.Authenticate(t.Context(), secret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		v, _ := viewer.From(in)
		if v.Company != row.CompanyID || v.Actor != row.ID || v.System || !v.May(viewer.UsersRead) || v.May(viewer.UsersWrite) {
			t.Errorf("viewer = %+v", v)
		}
		used, err := service.Keys(in)
		if err != nil || len(used) != 1 || used[0].LastUsedAt == nil {
			t.Errorf("keys = %v, %v", used, err)
		}
		if _, err := service.RevokeKey(ctx, row.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := service.Authenticate(t.Context(), secret.Reveal()); !problem.Is(err, problem.Unauthenticated) {
			t.Errorf("a revoked key: %v", err)
		}
		first, err := service.RevokeKey(ctx, row.ID)
		if err != nil || first.RevokedAt == nil {
			t.Errorf("revoking again: %v", err)
		}
		if n := s.Client(ctx).AuditEvent.Query().CountX(ctx); n != 2 {
			t.Errorf("%d audit events, want one for making and one for revoking", n)
		}
	})
}

func TestOnlyTheHashOfAKeyIsStored(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		service, _, ctx := newService(t, s)
		row, secret, err := service.CreateKey(ctx, access.CreateKeyInput{Name: "ci", Scopes: []viewer.Scope{viewer.Admin}})
		if err != nil {
			t.Fatal(err)
		}
		stored := s.Client(ctx).APIKey.Query().Where(apikey.ID(row.ID)).OnlyX(ctx)
		if len(stored.Hash) != 64 || strings.Contains(stored.Hash, secret.Reveal()) || strings.Contains(stored.String(), stored.Hash) {
			t.Errorf("stored hash has %d characters", len(stored.Hash))
		}
	})
}

func TestAnExpiredKeyIsRefusedAndEndsWhatItOpened(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		service, clock, ctx := newService(t, s)
		end := clock.at.Add(30 * time.Millisecond)
		_, secret, err := service.CreateKey(ctx, access.CreateKeyInput{
			Name: "short", Scopes: []viewer.Scope{viewer.UsersRead}, ExpiresAt: &end,
		})
		if err != nil {
			t.Fatal(err)
		}
		in, err := service.Authenticate(t.Context(), secret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		<-in.Done()
		if cause := context.Cause(in); !problem.Is(cause, problem.Unauthenticated) {
			t.Errorf("cause = %v", cause)
		}
		clock.at = end
		if _, err := service.Authenticate(t.Context(), secret.Reveal()); !problem.Is(err, problem.Unauthenticated) {
			t.Errorf("an expired key: %v", err)
		}
	})
}

func TestWhatIsNotAKeyIsRefusedAlike(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		service, _, _ := newService(t, s)
		for _, secret := range []string{"", "pb_", "pb_" + strings.Repeat("A", 43), strings.Repeat("x", 46), "pb_' OR 1=1 --", strings.Repeat("a", 1<<20)} {
			_, err := service.Authenticate(t.Context(), secret)
			if !problem.Is(err, problem.Unauthenticated) || (secret != "" && strings.Contains(err.Error(), secret+"x")) {
				t.Errorf("Authenticate(%.20q) = %v", secret, err)
			}
		}
	})
}

func TestBadKeysAreNotMade(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		service, clock, ctx := newService(t, s)
		past := clock.at.Add(-time.Second)
		_, _, err := service.CreateKey(ctx, access.CreateKeyInput{Name: " ", Scopes: []viewer.Scope{"ROOT"}, ExpiresAt: &past})
		if all := problem.All(err); len(all) != 3 {
			t.Errorf("faults = %v, want one each for name, scopes and expiresAt", err)
		}
		if n := s.Client(ctx).APIKey.Query().CountX(ctx); n != 0 {
			t.Errorf("%d keys were made", n)
		}
	})
}

func TestACredentialIsReadFromEitherHeader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, header, value, want string }{
		{"bearer", "Authorization", "Bearer pb_1", "pb_1"},
		{"lower case bearer", "Authorization", "bearer  pb_1 ", "pb_1"},
		{"x-api-key", "X-Api-Key", "pb_2", "pb_2"},
		{"basic", "Authorization", "Basic cGI6", ""},
		{"none", "Accept", "*/*", ""},
	} {
		if got := access.FromHeader(http.Header{c.header: {c.value}}); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestARevokedKeyEndsWhatItHasOpened(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		here, _, ctx := newService(t, s)
		there := &access.Service{Store: s, Audit: here.Audit, Now: here.Now, NewID: here.NewID} // another replica
		open := func(by *access.Service) (id string, opened context.Context) {
			row, secret, err := here.CreateKey(ctx, access.CreateKeyInput{Name: "ci", Scopes: viewer.Scopes})
			if err != nil {
				t.Fatal(err)
			}
			opened, err = by.Authenticate(t.Context(), secret.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			return row.ID, opened
		}
		ended := func(what string, opened context.Context) {
			t.Helper()
			select {
			case <-opened.Done():
			case <-time.After(30 * time.Second):
				t.Fatalf("%s: what the revoked key has opened goes on", what)
			}
			if !problem.Is(context.Cause(opened), problem.Unauthenticated) {
				t.Errorf("%s: cause = %v", what, context.Cause(opened))
			}
		}
		revoke := func(id string) {
			t.Helper()
			if _, err := here.RevokeKey(ctx, id); err != nil {
				t.Fatal(err)
			}
		}

		id, opened := open(here)
		_, stays := open(here)
		revoke(id)
		ended("here", opened)
		if stays.Err() != nil {
			t.Error("another key's context has ended")
		}
		id, opened = open(there)
		revoke(id)
		if err := there.EndRevoked(t.Context()); err != nil {
			t.Fatal(err)
		}
		ended("there", opened)
	})
}

func TestARevocationIsHeardOnOtherReplicas(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		here, _, ctx := newService(t, s)
		there := &access.Service{Store: s, Audit: here.Audit, Now: here.Now, NewID: here.NewID}
		watching, stop := context.WithCancel(t.Context())
		watched := make(chan error, 1)
		go func() { watched <- there.Watch(watching) }()
		defer func() {
			stop()
			if err := <-watched; err != nil {
				t.Error(err)
			}
		}()
		heard := make(chan struct{}, 60)
		for range cap(heard) { // the first ones may be revoked before there listens
			row, secret, err := here.CreateKey(ctx, access.CreateKeyInput{Name: "ci", Scopes: viewer.Scopes})
			if err != nil {
				t.Fatal(err)
			}
			opened, err := there.Authenticate(t.Context(), secret.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			context.AfterFunc(opened, func() { heard <- struct{}{} })
			if _, err := here.RevokeKey(ctx, row.ID); err != nil {
				t.Fatal(err)
			}
			select {
			case <-heard: // this one or, on a busy machine, one before
				return
			case <-time.After(time.Second):
			}
		}
		t.Error("no revocation was heard")
	})
}
