package health_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/auditevent"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/health"
)

// watch looks at the providers with four replicas at once.
func (w *world) watch(t *testing.T) (told int64) {
	t.Helper()
	var sum atomic.Int64
	var replicas sync.WaitGroup
	for range 4 {
		replicas.Go(func() {
			n, err := w.WatchProviders(t.Context())
			if err != nil {
				t.Error(err)
			}
			sum.Add(int64(n))
		})
	}
	replicas.Wait()
	return sum.Load()
}

func (w *world) changes(ctx context.Context) []*ent.AuditEvent {
	return w.Store.Client(ctx).AuditEvent.Query().
		Where(auditevent.EventType(string(audit.HealthChanged))).Order(auditevent.ByTimestamp(), auditevent.ByID()).AllX(ctx)
}

func TestAnIllProviderHoldsItsTransitionsAndIsToldOnce(t *testing.T) {
	onClock(t, func(t *testing.T, w *world, c *clock) {
		other := newWorld(t, w.Store)
		other.integration(t, other.users[0], "acme")
		ids := w.many(t, 40, func(i int) string {
			if i < 30 {
				return "acme"
			}
			return "acme two"
		})
		var ill atomic.Bool
		ill.Store(true)
		p := &prober{Service: w.Service, fails: func(row *ent.Integration) error {
			if ill.Load() && row.Provider == "acme" {
				return errIll
			}
			return nil
		}}
		w.drain(t, p, 40)
		if told := w.watch(t); told != 2 {
			t.Errorf("%d companies were told, want 2", told)
		}
		for range 6 {
			c.pass(20 * time.Minute)
			w.drain(t, p, 40)
			w.watch(t)
		}
		events := w.changes(w.ctx)
		if len(events) != 1 || events[0].IntegrationID != nil || events[0].Details["provider"] != "acme" ||
			events[0].Details["providerIll"] != true || len(w.changes(other.ctx)) != 1 {
			t.Fatalf("%d events: %+v", len(events), events)
		}
		row := w.Store.Client(w.ctx).Integration.GetX(w.ctx, ids[0])
		if row.HealthStatus != string(health.Healthy) || row.FailedProbes < 3 {
			t.Errorf("%s after %d failures", row.HealthReason, row.FailedProbes)
		}
		// What is definitive is about the one integration, whoever else is ill.
		if _, err := w.ProbeFailed(w.ctx, ids[1], health.Finding{Reason: health.CredentialRevoked}); err != nil {
			t.Fatal(err)
		}
		if n := len(w.changes(w.ctx)); n != 2 {
			t.Errorf("%d events after a revocation", n)
		}

		ill.Store(false)
		c.pass(2 * time.Hour)
		w.drain(t, p, 40)
		if told := w.watch(t); told != 2 {
			t.Errorf("%d companies were told of the recovery, want 2", told)
		}
		events = w.changes(w.ctx)
		if last := events[len(events)-1]; last.Details["providerIll"] != false {
			t.Errorf("%+v", last.Details)
		}
		if n := w.Store.Client(w.ctx).ProviderIllness.Query().CountX(w.ctx); n != 0 {
			t.Errorf("%d illnesses are left", n)
		}
		for range 3 {
			w.ProbeFailed(w.ctx, ids[0], health.Finding{Reason: health.ProviderError}) //nolint:errcheck // seen below
		}
		if row := w.Store.Client(w.ctx).Integration.GetX(w.ctx, ids[0]); row.HealthReason != string(health.ProviderError) {
			t.Errorf("after the recovery a failing integration is %s", row.HealthReason)
		}
	})
}

func TestElevenOfTwentyProbesAreAnIllnessAndTenAreNone(t *testing.T) {
	onClock(t, func(t *testing.T, w *world, c *clock) {
		failing := map[string]bool{}
		for i, id := range w.many(t, 40, func(i int) string { return []string{"acme ill", "acme half"}[i/20] }) {
			failing[id] = i < 11 || i >= 20 && i < 30
		}
		p := &prober{Service: w.Service, fails: func(row *ent.Integration) error {
			if failing[row.ID] {
				return errIll
			}
			return nil
		}}
		w.drain(t, p, 80)
		c.pass(5*time.Minute - time.Second) // these still count
		w.watch(t)
		events := w.changes(w.ctx)
		if len(events) != 1 || events[0].Details["provider"] != "acme ill" || events[0].Details["probes"] != float64(20) ||
			events[0].Details["failed"] != float64(11) {
			t.Errorf("%d events: %+v", len(events), events)
		}
	})
}

func TestAFewFailuresAreNoIllness(t *testing.T) {
	onClock(t, func(t *testing.T, w *world, c *clock) {
		few := map[string]bool{}
		for i, id := range w.many(t, 59, func(i int) string {
			if i < 19 {
				return "acme few"
			}
			return "acme half"
		}) {
			few[id] = i < 39 // all of the nineteen, and twenty of the forty
		}
		p := &prober{Service: w.Service, fails: func(row *ent.Integration) error {
			if few[row.ID] {
				return errIll
			}
			return nil
		}}
		w.drain(t, p, 80)
		if told := w.watch(t); told != 0 {
			t.Errorf("%d were told of an illness", told)
		}
		c.pass(6 * time.Minute) // what was probed longer ago than five minutes does not count
		if told := w.watch(t); told != 0 {
			t.Errorf("%d were told of an illness", told)
		}
	})
}
