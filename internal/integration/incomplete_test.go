package integration_test

import (
	"testing"

	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/problem"
)

func TestAnIntegrationMayBeMadeBeforeItsConsent(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		made, err := w.Create(w.Ctx, integration.CreateInput{
			UserID: &w.User.ID, Provider: integrationtest.Provider, Name: "Agenda", Enabled: true,
			Visibility: integration.Private,
		})
		if err != nil {
			t.Fatal(err)
		}
		row := made.Integration
		state := health.Of(row)
		if integration.StatusOf(row) != integration.Incomplete || state.Reason != health.NotConfigured ||
			row.ConnectedAt != nil {
			t.Errorf("before the consent: %s, %+v", integration.StatusOf(row), state)
		}
		in := w.ConnectInput(w.User)
		in.IntegrationID = &row.ID
		attempt, err := w.Service.Connect(w.Ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		done, err := w.Callback(w.Ctx, w.CallbackInput(w.User, attempt))
		if err != nil {
			t.Fatal(err)
		}
		if done.ID != row.ID || integration.StatusOf(done) != integration.Connected || done.AccountID == nil {
			t.Errorf("after the consent: %s is %s", done.ID, integration.StatusOf(done))
		}
		if n := len(w.Events(t, audit.Connected)); n != 1 {
			t.Errorf("%d CONNECTED events, want 1", n)
		}
	})
}

func TestAWayToAuthenticateThatIsNotOfferedIsRefused(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		kind := "NONE"
		_, err := w.Create(w.Ctx, integration.CreateInput{
			Provider: integrationtest.Provider, AuthKind: &kind, Name: "Agenda", Visibility: integration.Private,
		})
		refused(t, err, problem.Invalid, "input", "authKind")
	})
}
