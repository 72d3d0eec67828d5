package integration_test

import (
	"testing"

	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
)

func TestTheFilterOfStatusesAgreesWithTheStatus(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		for _, reason := range []health.Reason{
			health.OK, health.NotConfigured, health.NotYetChecked, health.ProviderUnreachable, health.ProviderError,
			health.RateLimited, health.ScopesMissing, health.CredentialRejected, health.CredentialRevoked,
			health.RefreshRejected, health.TokenExpired, health.SecretUnreadable,
		} {
			if _, err := w.Health.Report(w.Ctx, w.Webhook(t).Integration.ID, health.Finding{Reason: reason}); err != nil {
				t.Fatal(err)
			}
		}
		found := 0
		for _, status := range []integration.Status{
			integration.Incomplete, integration.Connected, integration.Disconnected, integration.Expired,
		} {
			rows, err := w.Store.Client(w.Ctx).Integration.Query().Where(integration.HasStatus(status)).All(w.Ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				if got := integration.StatusOf(row); got != status {
					t.Errorf("%s is %s and was found as %s", row.HealthReason, got, status)
				}
			}
			found += len(rows)
		}
		if none, err := w.Store.Client(w.Ctx).Integration.Query().Where(integration.HasStatus()).Count(w.Ctx); found != 12 ||
			none != 0 || err != nil {
			t.Errorf("found %d of 12, and %d without a status, %v", found, none, err)
		}
	})
}
