package integration_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
)

func TestWhatIsConnectedIsProbedByItself(t *testing.T) {
	t.Parallel()
	clock := func() time.Time { return integrationtest.Start }
	storetest.RunWith(t, store.Options{Now: clock}, func(t *testing.T, s *store.Store) {
		w := integrationtest.New(t, s)
		row := w.Connect(t, w.User)
		if row.NextProbeAt == nil || row.StaleAt == nil || row.NextProbeAt.Sub(integrationtest.Start) > 15*time.Minute {
			t.Fatalf("next probe %v, stale %v", row.NextProbeAt, row.StaleAt)
		}
		due := func() {
			t.Helper()
			next := integrationtest.Start
			s.Client(w.Ctx).Integration.UpdateOneID(row.ID).SetNextProbeAt(next).ExecX(w.Ctx)
			if n, err := w.Health.ProbeDue(t.Context(), w.Service, 8); n != 1 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		}
		due()
		proved := w.Reload(t, row)
		if proved.HealthReason != string(health.OK) || !proved.NextProbeAt.After(w.Now()) {
			t.Errorf("%s, next probe %v", proved.HealthReason, proved.NextProbeAt)
		}
		w.Vendor.Answer("api.example.com/ping", http.StatusServiceUnavailable, "{}")
		for range 3 {
			due()
		}
		if now := w.Reload(t, row); now.HealthReason != string(health.ProviderError) || now.FailedProbes != 3 {
			t.Errorf("%s after %d probes", now.HealthReason, now.FailedProbes)
		}
		if events := w.Events(t, audit.HealthChanged); len(events) != 1 || events[0].Actor != "system" {
			t.Errorf("%+v", events)
		}
	})
}

func TestWhatIsNotFinishedOrHasNoProbeWaitsForNone(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := integrationtest.New(t, s)
		kind := provider.OAuth2
		unfinished, err := w.Create(w.Ctx, integration.CreateInput{
			UserID: &w.User.ID, Provider: integrationtest.Provider, AuthKind: &kind, Name: "Later", Enabled: true,
			Visibility: integration.Private,
		})
		if err != nil {
			t.Fatal(err)
		}
		if row := w.Webhook(t).Integration; row.NextProbeAt != nil || unfinished.Integration.NextProbeAt != nil {
			t.Errorf("probes at %v and %v", row.NextProbeAt, unfinished.Integration.NextProbeAt)
		}
	})
}

func TestAttemptsPastTheirEndArePruned(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := integrationtest.New(t, s)
		w.Connect(t, w.User)
		if _, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.Other)); err != nil {
			t.Fatal(err)
		}
		events := len(w.Events(t, audit.Connected))
		for _, step := range []struct {
			before time.Time
			pruned int
		}{{integrationtest.Start.Add(10 * time.Minute), 0}, {integrationtest.Start.Add(10*time.Minute + time.Second), 2}} {
			if n, err := w.PruneAttempts(t.Context(), step.before, 10); n != step.pruned || err != nil {
				t.Errorf("%d pruned, %v, want %d", n, err, step.pruned)
			}
		}
		if len(w.Events(t, audit.Connected)) != events || s.Client(w.Ctx).Integration.Query().CountX(w.Ctx) != 1 {
			t.Error("more than attempts was pruned")
		}
	})
}
