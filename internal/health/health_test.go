package health_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/auditevent"
	"github.com/patchbay/patchbay/ent/healthchange"
	"github.com/patchbay/patchbay/internal/access"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/house/leak"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

func TestMain(m *testing.M) { leak.Main(m) }

// world is a company with users and integrations, and the service under test.
type world struct {
	*health.Service
	ctx     context.Context
	company string
	users   []*ent.User
}

func newWorld(t *testing.T, s *store.Store) *world {
	t.Helper()
	now := func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
	newID := id.NewSource(now).New
	trail := &audit.Service{Store: s, Now: now, NewID: newID}
	company, err := (&access.Service{Store: s, Audit: trail, Now: now, NewID: newID}).CreateCompany(t.Context(), "Acme")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		Service: &health.Service{Store: s, Audit: trail, Now: now, NewID: newID},
		ctx:     viewer.With(t.Context(), viewer.Viewer{Company: company.ID, Actor: "key_test", Scopes: []viewer.Scope{viewer.Admin}}),
		company: company.ID,
	}
	for range 2 {
		u, err := s.Client(w.ctx).User.Create().SetID(newID(id.User)).SetCreatedAt(now()).SetUpdatedAt(now()).Save(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		w.users = append(w.users, u)
	}
	return w
}

func (w *world) integration(t *testing.T, owner *ent.User, provider string) *ent.Integration {
	t.Helper()
	now := w.Now()
	row, err := w.Store.Client(w.ctx).Integration.Create().SetID(w.NewID(id.Integration)).SetUserID(owner.ID).
		SetProvider(provider).SetAuthKind("OAUTH2").SetName(provider).SetCreatedAt(now).SetUpdatedAt(now).
		SetHealthStatus("HEALTHY").SetHealthReason("OK").SetHealthAction("NONE").Save(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func (w *world) report(t *testing.T, row *ent.Integration, reason health.Reason) bool {
	t.Helper()
	changed, err := w.Report(w.ctx, row.ID, health.Finding{Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestBehaviour14FiftyReportersOfOneChangeMakeOneEvent(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		row := w.integration(t, w.users[0], "acme")
		// A trouble that passes, its end, and what is definitive.
		for n, reason := range []health.Reason{health.ProviderError, health.OK, health.CredentialRevoked} {
			var said atomic.Int64
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					changed, err := w.Report(w.ctx, row.ID, health.Finding{Reason: reason})
					if err != nil {
						t.Error(err)
					}
					if changed {
						said.Add(1)
					}
				})
			}
			all.Wait()
			rows := w.Store.Client(w.ctx).HealthChange.Query().CountX(w.ctx)
			events := w.Store.Client(w.ctx).AuditEvent.Query().Where(auditevent.EventType("HEALTH_CHANGED")).CountX(w.ctx)
			if said.Load() != 1 || rows != n+1 || events != n+1 {
				t.Errorf("%s: %d reporters changed it, %d change rows, %d audit events; want 1 more of each", reason,
					said.Load(), rows-n, events-n)
			}
		}
	})
}

func TestBehaviour14ThreeFailedProbesDegradeAndOneSuccessRecovers(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		row := w.integration(t, w.users[0], "acme")
		for i, want := range []bool{false, false, true, false} {
			changed, err := w.ProbeFailed(w.ctx, row.ID, health.Finding{Reason: health.ProviderError})
			if err != nil || changed != want {
				t.Errorf("failure %d: changed = %v, %v; want %v", i+1, changed, err, want)
			}
		}
		if changed, err := w.Proved(w.ctx, row.ID, health.Present); err != nil || !changed {
			t.Errorf("success: changed = %v, %v", changed, err)
		}
		if changed, err := w.ProbeFailed(w.ctx, row.ID, health.Finding{Reason: health.CredentialRejected}); err != nil || !changed {
			t.Errorf("a definitive rejection waited: changed = %v, %v", changed, err)
		}
	})
}

func TestASuccessDoesNotGrantMissingScopes(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		row := w.integration(t, w.users[0], "acme")
		w.report(t, row, health.ScopesMissing)
		if changed, err := w.Proved(w.ctx, row.ID, health.Present); err != nil || changed {
			t.Errorf("Proved = %v, %v", changed, err)
		}
		if _, err := w.Answered(w.ctx, row); err != nil {
			t.Error(err)
		}
		got := health.Of(w.Store.Client(w.ctx).Integration.GetX(w.ctx, row.ID))
		if got.Reason != health.ScopesMissing || got.Action != health.GrantScopes || got.LastSucceededAt == nil {
			t.Errorf("health = %+v", got)
		}
	})
}

// An outage must not turn a dead credential into one that waiting mends, nor its end grant the missing scopes.
func TestWhatPassesByItselfDoesNotHideWhatSomebodyMustMend(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		for _, reason := range []health.Reason{health.ScopesMissing, health.CredentialRejected, health.SecretUnreadable} {
			row := w.integration(t, w.users[0], "acme")
			w.report(t, row, reason)
			for range 4 {
				if changed, err := w.ProbeFailed(w.ctx, row.ID, health.Finding{Reason: health.ProviderUnreachable}); err != nil || changed {
					t.Errorf("%s: a failed probe changed it: %v, %v", reason, changed, err)
				}
			}
			if w.report(t, row, health.RateLimited) {
				t.Errorf("%s: a slow-down changed it", reason)
			}
			if got := w.Store.Client(w.ctx).Integration.GetX(w.ctx, row.ID).HealthReason; got != string(reason) {
				t.Errorf("%s became %s", reason, got)
			}
			w.report(t, row, health.CredentialRevoked)
			if got := w.Store.Client(w.ctx).Integration.GetX(w.ctx, row.ID).HealthReason; got != string(health.CredentialRevoked) {
				t.Errorf("%s stays %s although the credential was revoked", reason, got)
			}
		}
	})
}

func TestNumbersHaveNoGapsAndARolledBackChangeLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		rows := []*ent.Integration{w.integration(t, w.users[0], "acme"), w.integration(t, w.users[1], "acme")}
		boom := fmt.Errorf("boom")
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				// Each transaction changes both rows, in either order, and every fourth rolls back.
				err := w.Store.RetryTx(w.ctx, func(ctx context.Context) error {
					for j := range 2 {
						reason := []health.Reason{health.ProviderError, health.OK, health.RateLimited}[(i+j)%3]
						if _, err := w.Report(ctx, rows[j].ID, health.Finding{Reason: reason}); err != nil {
							return err
						}
					}
					if i%4 == 0 {
						return boom
					}
					return nil
				})
				if err != nil && err != boom {
					t.Error(err)
				}
			})
		}
		all.Wait()
		changes := w.Store.Client(w.ctx).HealthChange.Query().Order(healthchange.BySeq()).AllX(w.ctx)
		for i, c := range changes {
			if c.Seq != int64(i+1) {
				t.Fatalf("change %d has number %d", i+1, c.Seq)
			}
		}
		events := w.Store.Client(w.ctx).AuditEvent.Query().Where(auditevent.EventType("HEALTH_CHANGED")).CountX(w.ctx)
		if events != len(changes) {
			t.Errorf("%d audit events for %d changes", events, len(changes))
		}
	})
}
