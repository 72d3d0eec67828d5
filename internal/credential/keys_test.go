package credential_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/migrate"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
)

// TestEverySealedColumnIsRotated looks for sealed fields in the Go types of all entities, which is not where Columns
// looks.
func TestEverySealedColumnIsRotated(t *testing.T) {
	t.Parallel()
	var want []string
	for field := range fieldsOf(reflect.TypeFor[ent.Client]()) {
		get, ok := field.Type.MethodByName("Get")
		if !ok {
			continue
		}
		entity := get.Type.Out(0).Elem()
		for f := range fieldsOf(entity) {
			if f.Type == reflect.TypeFor[seal.Sealed]() {
				want = append(want, snake(entity.Name())+"s."+snake(f.Name))
			}
		}
	}
	var got []string
	for _, c := range credential.Columns() {
		got = append(got, c.String())
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) < 5 || !slices.Equal(want, got) {
		t.Errorf("columns = %v, want %v", got, want)
	}
	for _, table := range migrate.Tables { // what a place is made of
		for _, c := range credential.Columns() {
			if table.Name == c.Table && (!table.HasColumn("company_id") || !table.HasColumn("id")) {
				t.Errorf("%s has sealed values but no company or id", table.Name)
			}
		}
	}
}

func fieldsOf(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// keyed is an env whose ring is a file, as an operator's.
type keyed struct {
	*env
	path string
}

func newKeyed(t *testing.T, e *env) *keyed {
	t.Helper()
	k := &keyed{env: e, path: filepath.Join(t.TempDir(), "keyring.json")}
	err := seal.WriteRingFile(k.path, e.ring)
	if err == nil {
		e.ring, err = seal.FollowRingFile(k.path, slog.New(slog.DiscardHandler))
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// newPrimary adds a key to the ring's file and promotes it.
func (k *keyed) newPrimary(t *testing.T) uint32 {
	t.Helper()
	var key uint32
	err := seal.ChangeRingFile(k.path, func(r *seal.Ring) (*seal.Ring, error) {
		made, added, err := r.With()
		if err != nil {
			return nil, err
		}
		key = added
		return made.Promote(added)
	})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (k *keyed) keys() credential.Keys {
	return credential.Keys{Store: k.store, Ring: k.ring, Batch: 3}
}

func (k *keyed) rotate(t *testing.T) []credential.Rotation {
	t.Helper()
	done, err := k.keys().Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func (k *keyed) counts(t *testing.T) []credential.Count {
	t.Helper()
	counts, err := k.keys().Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// attempt stores an attempt to connect with both its sealed values.
func (k *keyed) attempt(t *testing.T) {
	t.Helper()
	row, now := k.newID(id.ConnectAttempt), k.clock.now()
	sealed := func(column string) seal.Sealed {
		s, err := k.ring.Seal(seal.NewSecret(mark), seal.Place{
			Company: k.company, Table: "connect_attempts", Row: row, Column: column,
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	k.store.Client(k.ctx).ConnectAttempt.Create().SetID(row).SetProvider("acme").SetStateHash(row).
		SetVerifier(sealed("verifier")).SetSecrets(sealed("secrets")).SetRedirectURL("https://x.test").SetOwnPage(false).
		SetClientID("client-1").SetStatus("PENDING").SetCreatedAt(now).SetExpiresAt(now.Add(time.Minute)).SaveX(k.ctx)
}

// secret stores an integration with a typed-in key.
func (k *keyed) secret(t *testing.T, s *credential.Service) *ent.Integration {
	t.Helper()
	row := k.integration(t, "acme", provider.APIKey)
	if _, err := s.Save(k.ctx, credential.Grant{
		IntegrationID: row.ID, Provider: "acme", AuthKind: provider.APIKey,
		Secrets: map[string]seal.Secret{"KEY": seal.NewSecret(mark)},
	}); err != nil {
		t.Fatal(err)
	}
	return row
}

// untouched returns what a rotation must not change, by row.
func (k *keyed) untouched() map[string]string {
	out := map[string]string{}
	for _, row := range k.store.Client(k.ctx).Credential.Query().AllX(k.ctx) {
		out[row.ID] = fmt.Sprint(row.Generation, row.State, row.UpdatedAt, row.LeaseOwner, len(row.AccessToken),
			len(row.RefreshToken), len(row.Secrets))
	}
	return out
}

func onBothKeyed(t *testing.T, fn func(t *testing.T, k *keyed)) {
	t.Helper()
	onBoth(t, func(t *testing.T, e *env) { fn(t, newKeyed(t, e)) })
}

func TestRotationSealsEverythingAgainAndTouchesNothingElse(t *testing.T) {
	onBothKeyed(t, func(t *testing.T, k *keyed) {
		s := k.replica(t)
		it := k.connect(t, s)
		for range 7 {
			k.secret(t, s)
			k.attempt(t)
		}
		old, before := k.ring.Primary(), k.untouched()
		primary := k.newPrimary(t)
		for _, r := range k.rotate(t) {
			if r.Before.Total == 0 || r.Before.ByKey[old] != r.Before.Total || r.Moved != r.Before.Total ||
				r.After.Total != r.Before.Total || r.After.ByKey[primary] != r.After.Total || len(r.Unreadable) != 0 {
				t.Errorf("%s: %+v", r.Column, r)
			}
		}
		if !maps.Equal(before, k.untouched()) {
			t.Error("more than ciphertexts was changed")
		}
		if counts := k.counts(t); credential.Uses(counts, old) != 0 || credential.Uses(counts, primary) != 24-1 {
			t.Errorf("counts = %+v", counts)
		}
		if err := seal.ChangeRingFile(k.path, func(r *seal.Ring) (*seal.Ring, error) { return r.Without(old) }); err != nil {
			t.Fatal(err)
		}
		k.clock.pass(2 * time.Hour)
		if err := k.ask(k.ctx, s, it.ID); err != nil {
			t.Errorf("with the new key alone: %v", err)
		}
		for _, r := range k.rotate(t) {
			if r.Moved != 0 {
				t.Errorf("a second rotation moved %d of %s", r.Moved, r.Column)
			}
		}
	})
}

// TestARotationThatWasKilledGoesOnWhereItStopped kills rotations between two batches, again and again.
func TestARotationThatWasKilledGoesOnWhereItStopped(t *testing.T) {
	onBothKeyed(t, func(t *testing.T, k *keyed) {
		s := k.replica(t)
		for range 10 {
			k.secret(t, s)
		}
		old := k.ring.Primary()
		k.newPrimary(t)
		for left := 10; left > 3; {
			ctx, kill := context.WithCancel(t.Context())
			keys := k.keys()
			keys.Progress = func(credential.Column, int) { kill() }
			if _, err := keys.Rotate(ctx); !errors.Is(err, context.Canceled) {
				t.Fatalf("a killed rotation: %v", err)
			}
			now := credential.Uses(k.counts(t), old)
			if now != left-keys.Batch {
				t.Fatalf("%d values with the old key after %d", now, left)
			}
			left = now
		}
		k.rotate(t)
		if n := credential.Uses(k.counts(t), old); n != 0 {
			t.Errorf("%d values are left with the old key", n)
		}
	})
}

func TestBehaviour19RotationWhileTokensAreRenewedLosesNone(t *testing.T) {
	onBothKeyed(t, func(t *testing.T, k *keyed) {
		replicas := []*credential.Service{k.replica(t), k.replica(t)}
		it := k.connect(t, replicas[0])
		const rounds = 15
		for range rounds {
			k.clock.pass(2 * time.Hour)
			primary := k.newPrimary(t)
			var both sync.WaitGroup
			for _, s := range replicas {
				both.Go(func() {
					if err := k.ask(k.ctx, s, it.ID); err != nil {
						t.Error(err)
					}
				})
				both.Go(func() { k.rotate(t) })
			}
			both.Wait()
			k.rotate(t)
			if counts := k.counts(t); credential.Uses(counts, primary) != 2 {
				t.Errorf("counts = %+v", counts)
			}
		}
		// The vendor rotates refresh tokens and ends the grant when an old one comes: every renewal spent the newest.
		if n := k.vendor.tokenRequests(); n != rounds || k.events(audit.TokenRefreshed) != rounds ||
			k.events(audit.TokenRefreshFailed) != 0 {
			t.Errorf("%d requests, %d renewals, %d failures", n, k.events(audit.TokenRefreshed),
				k.events(audit.TokenRefreshFailed))
		}
		if row := k.store.Client(k.ctx).Credential.Query().OnlyX(k.ctx); row.Generation != rounds+1 {
			t.Errorf("generation %d, want %d", row.Generation, rounds+1)
		}
	})
}

func TestARefreshTokenThatIsKeptIsSealedWithThePresentKey(t *testing.T) {
	onBothKeyed(t, func(t *testing.T, k *keyed) {
		k.vendor.rotates = false
		s := k.replica(t)
		it := k.connect(t, s)
		primary := k.newPrimary(t)
		k.clock.pass(2 * time.Hour)
		if err := k.ask(k.ctx, s, it.ID); err != nil {
			t.Fatal(err)
		}
		if counts := k.counts(t); credential.Uses(counts, primary) != 2 {
			t.Errorf("counts = %+v", counts)
		}
	})
}

func TestWhatNoKeyOpensIsLeftAndNamed(t *testing.T) {
	onBothKeyed(t, func(t *testing.T, k *keyed) {
		s := k.replica(t)
		k.secret(t, s)
		lost := credentialOf(k.env, k.secret(t, s))
		k.store.Client(k.ctx).Credential.UpdateOne(lost).SetSecrets([]byte{1, 2}).ExecX(k.ctx)
		primary := k.newPrimary(t)
		for _, r := range k.rotate(t) {
			if r.Column.Name != "secrets" || r.Column.Table != "credentials" {
				continue
			}
			if !slices.Equal(r.Unreadable, []string{lost.ID}) || r.Moved != 1 || r.After.ByKey[primary] != 1 ||
				r.After.ByKey[0] != 1 {
				t.Errorf("%+v", r)
			}
		}
	})
}

// TestBehaviour19ACiphertextThatWasMovedDoesNotOpen moves sealed values in the database, as somebody could who can write there,
// and asks with them.
func TestBehaviour19ACiphertextThatWasMovedDoesNotOpen(t *testing.T) {
	onBothKeyed(t, func(t *testing.T, k *keyed) {
		s := k.replica(t)
		other := newEnv(t, k.store, k.clock)
		other.ring, other.world = k.ring, k.world
		theirs := other.connect(t, s)
		for name, move := range map[string]func(to *ent.CredentialUpdateOne, mine, foreign *ent.Credential){
			"row": func(to *ent.CredentialUpdateOne, _, _ *ent.Credential) {
				neighbour := k.connect(t, s)
				to.SetAccessToken(credentialOf(k.env, neighbour).AccessToken)
			},
			"column": func(to *ent.CredentialUpdateOne, mine, _ *ent.Credential) { to.SetAccessToken(mine.RefreshToken) },
			"company": func(to *ent.CredentialUpdateOne, _, foreign *ent.Credential) {
				to.SetAccessToken(foreign.AccessToken)
			},
			"cut short": func(to *ent.CredentialUpdateOne, mine, _ *ent.Credential) { to.SetAccessToken(mine.AccessToken[:9]) },
		} {
			mine := k.connect(t, s)
			row := credentialOf(k.env, mine)
			update := k.store.Client(k.ctx).Credential.UpdateOne(row)
			move(update, row, credentialOf(other, theirs))
			update.ExecX(k.ctx)
			err := k.ask(k.ctx, s, mine.ID)
			if !problem.Is(err, problem.ReauthorizationRequired) || !strings.Contains(err.Error(), "cannot be opened") {
				t.Errorf("another %s: %v", name, err)
			}
			if now := health.Of(k.read(mine.ID)); now.Reason != health.SecretUnreadable || now.Action != health.ContactAdmin {
				t.Errorf("another %s: health %+v", name, now)
			}
		}
	})
}

func credentialOf(e *env, of *ent.Integration) *ent.Credential {
	for _, row := range e.store.Client(e.ctx).Credential.Query().AllX(e.ctx) {
		if row.IntegrationID != nil && *row.IntegrationID == of.ID {
			return row
		}
	}
	return nil
}
