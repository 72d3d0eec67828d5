package integration_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
)

func TestBehaviour17DisconnectStopsRevokesForgetsAndReports(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		w.Vendor.Handle("login.example.com/revoke", func(http.ResponseWriter, *http.Request) { // use has ended before
			kept := w.Store.Client(w.Ctx).Credential.Query().OnlyX(w.Ctx)
			if len(integrations(t, w)) != 0 || kept.State != credential.Ending {
				t.Errorf("while the provider is told the credential is %s", kept.State)
			}
		})
		got, err := w.Disconnect(w.Ctx, row.ID)
		if err != nil || got.Outcome != credential.Revoked || got.IntegrationID != row.ID {
			t.Fatalf("revocation = %+v, %v", got, err)
		}
		if calls := w.Vendor.Calls("login.example.com/revoke"); len(calls) != 1 || calls[0].Form.Get("token") != "refresh-1" {
			t.Errorf("revocations = %+v", calls)
		}
		if n := w.Store.Client(w.Ctx).Credential.Query().CountX(w.Ctx); n != 0 || len(integrations(t, w)) != 0 {
			t.Errorf("%d credentials are left", n)
		}
		if len(w.Events(t, audit.Disconnected)) != 1 || len(w.Events(t, audit.Revoked)) != 1 {
			t.Error("the trail does not tell")
		}
		_, err = w.Disconnect(w.Ctx, row.ID)
		refused(t, err, problem.NotFound, "input", "id")
		_, err = w.Disconnect(w.Ctx, w.User.ID)
		refused(t, err, problem.Invalid, "input", "id")
	})
}

func TestAProviderThatCannotBeToldIsToldLater(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		w.Vendor.Answer("login.example.com/revoke", http.StatusServiceUnavailable, "down")
		got, err := w.Disconnect(w.Ctx, row.ID)
		if err != nil || got.Outcome != credential.Retrying || got.Message == "" {
			t.Errorf("revocation = %+v, %v", got, err)
		}
		if len(integrations(t, w)) != 0 {
			t.Error("the integration is still there")
		}
	})
}

func TestAWebhookHasNothingThatCouldBeRevoked(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		got, err := w.Disconnect(w.Ctx, w.Webhook(t).Integration.ID)
		if err != nil || got.Outcome != credential.Unsupported || got.Message == "" {
			t.Errorf("revocation = %+v, %v", got, err)
		}
	})
}

func TestWhatNeedsNoCredentialLeavesNothingToWithdraw(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		made, err := w.Create(w.Ctx, integration.CreateInput{
			Provider: "custom_webhook", Name: "Orders", Enabled: true, Visibility: integration.Private, Config: map[string]any{
				"url": "https://api.example.com/ask", "authentication": map[string]any{"type": "none"},
				"capabilities": []any{map[string]any{"name": "find", "trigger_phrases": []any{"orders"}}},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.Disconnect(w.Ctx, made.Integration.ID)
		if err != nil || got.Outcome != credential.NotNeeded || got.Message != "" {
			t.Errorf("revocation = %+v, %v", got, err)
		}
	})
}

func TestBehaviour17AGrantThatAnotherIntegrationLivesOnIsNotRevoked(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		other := w.Connect(t, w.Other)
		got, err := w.Disconnect(w.Ctx, row.ID)
		if err != nil || got.Outcome != credential.NotNeeded || got.Message == "" {
			t.Errorf("revocation = %+v, %v", got, err)
		}
		if n := len(w.Vendor.Calls("login.example.com/revoke")); n != 0 {
			t.Errorf("%d revocations: bob's integration lost its grant", n)
		}
		if got, err := w.Disconnect(w.Ctx, other.ID); err != nil || got.Outcome != credential.Revoked {
			t.Errorf("the last one: %+v, %v", got, err)
		}
	})
}

// TestBehaviour17OfAllWhoShareAGrantTheLastToLeaveGivesItBack lets them leave at the same moment, each by another way: one of them is
// the last, and the grant does not live on at the provider.
func TestBehaviour17OfAllWhoShareAGrantTheLastToLeaveGivesItBack(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		for round := range 8 {
			before := len(w.Vendor.Calls("login.example.com/revoke"))
			alone, withUser := w.Connect(t, w.User), w.Connect(t, w.Other)
			var mu sync.Mutex
			var all []credential.Revocation
			left := func(revocations []credential.Revocation, err error) {
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				all = append(all, revocations...)
			}
			var both sync.WaitGroup
			both.Go(func() {
				one, err := w.Disconnect(w.Ctx, alone.ID)
				left([]credential.Revocation{one}, err)
			})
			both.Go(func() { left(w.DisconnectAll(w.Ctx, *withUser.UserID)) })
			both.Wait()
			calls := len(w.Vendor.Calls("login.example.com/revoke")) - before
			if len(all) != 2 || calls != 1 || all[0].Outcome == all[1].Outcome {
				t.Fatalf("round %d: %d calls: %+v", round, calls, all)
			}
		}
	})
}

// Everybody shares both accounts, and has connected them in another order than the one before.
func TestManyWhoShareAccountsLeaveAtOnceAndNoneOfThemFails(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		accounts := []string{`{"id":"eve@acme"}`, `{"id":"ada@acme"}`}
		var users []string
		for n := range 12 {
			user := w.NewUser(t, fmt.Sprint("leaves-", n))
			users = append(users, user.ID)
			for i := range accounts {
				w.Vendor.Answer("api.example.com/me", http.StatusOK, accounts[(n+i)%2])
				w.Connect(t, user)
			}
		}
		var mu sync.Mutex
		outcomes := map[credential.Outcome]int{}
		var all sync.WaitGroup
		for _, user := range users {
			all.Go(func() {
				gone, err := w.DisconnectAll(w.Ctx, user)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, one := range gone {
					outcomes[one.Outcome]++
				}
			})
		}
		all.Wait()
		if outcomes[credential.Revoked] != 2 || len(w.Vendor.Calls("login.example.com/revoke")) != 2 {
			t.Errorf("%v: want each account given back once, by the last", outcomes)
		}
	})
}

// TestBehaviour17AnAccountThatIsConnectedAgainOutlivesTheRevocationThatWaits disconnects while the provider cannot be told,
// connects the account again, as another integration, and lets the background go on.
func TestBehaviour17AnAccountThatIsConnectedAgainOutlivesTheRevocationThatWaits(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		w.Vendor.Answer("login.example.com/revoke", http.StatusServiceUnavailable, "down")
		if got, err := w.Disconnect(w.Ctx, row.ID); err != nil || got.Outcome != credential.Retrying {
			t.Fatalf("revocation = %+v, %v", got, err)
		}
		asked := len(w.Vendor.Calls("login.example.com/revoke"))
		w.Vendor.Handle("login.example.com/revoke", func(http.ResponseWriter, *http.Request) {})
		if again := w.Connect(t, w.User); again.ID == row.ID {
			t.Fatal("the integration that was disconnected is back")
		}
		w.Wait(time.Hour)
		if n, err := w.Credentials.RetryRevocations(t.Context(), 10); n != 1 || err != nil {
			t.Errorf("%d waited, %v", n, err)
		}
		if n := len(w.Vendor.Calls("login.example.com/revoke")) - asked; n != 0 {
			t.Errorf("%d revocations: what was connected again has lost its grant", n)
		}
		if n := w.Store.Client(w.Ctx).Credential.Query().CountX(w.Ctx); n != 1 {
			t.Errorf("%d credentials are left, want the new one alone", n)
		}
	})
}

func TestAGrantThatStandsByItselfIsRevokedAlone(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		w.Connect(t, w.Other)
		w.Catalog = integrationtest.NewCatalog(t)
		p, _ := w.Catalog.Get(integrationtest.Provider)
		p.Auth.OAuth2.Revoke.Ends = oauth.EndsGrant
		if got, err := w.Disconnect(w.Ctx, row.ID); err != nil || got.Outcome != credential.Revoked {
			t.Errorf("revocation = %+v, %v", got, err)
		}
	})
}

func TestAGrantThatAnotherIntegrationHasLostIsRevoked(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row, other := w.Connect(t, w.User), w.Connect(t, w.Other)
		w.Vendor.Answer("api.example.com/ping", http.StatusGone, `{}`) // the manifest's word for a revoked grant
		w.Vendor.Answer("login.example.com/token", http.StatusBadRequest, `{"error":"invalid_grant"}`)
		if now, err := w.CheckHealth(w.Ctx, other.ID); err != nil || !health.Of(now).Reason.Definitive() {
			t.Fatalf("bob's access has not ended: %+v, %v", health.Of(now), err)
		}
		if got, err := w.Disconnect(w.Ctx, row.ID); err != nil || got.Outcome != credential.Revoked {
			t.Errorf("revocation = %+v, %v", got, err)
		}
	})
}

func TestDisconnectAllEndsEverythingOfOneUserOrNothing(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		for _, account := range []string{"a", "b", "c"} {
			w.Vendor.Answer("api.example.com/me", http.StatusOK, `{"id":"`+account+`"}`)
			w.Connect(t, w.User)
		}
		w.Vendor.Answer("api.example.com/me", http.StatusOK, `{"id":"other"}`)
		kept := w.Connect(t, w.Other)
		stop := errors.New("no")
		if _, err := w.DisconnectAll(w.Ctx, w.User.ID, func(context.Context) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("err = %v", err)
		}
		if len(integrations(t, w)) != 4 || len(w.Vendor.Calls("login.example.com/revoke")) != 0 {
			t.Error("what was rolled back had its effect")
		}
		got, err := w.DisconnectAll(w.Ctx, w.User.ID, func(ctx context.Context) error {
			return w.Store.Client(ctx).User.DeleteOneID(w.User.ID).Exec(ctx)
		})
		if err != nil || len(got) != 3 || len(w.Vendor.Calls("login.example.com/revoke")) != 3 {
			t.Errorf("revocations = %+v, %v", got, err)
		}
		if left := integrations(t, w); len(left) != 1 || left[0].ID != kept.ID {
			t.Errorf("left = %v", left)
		}
	})
}

func TestManyRevocationsDoNotOutlastTheirCaller(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		for n := range 12 {
			w.Vendor.Answer("api.example.com/me", http.StatusOK, fmt.Sprintf(`{"id":"%d"}`, n))
			w.Connect(t, w.User)
		}
		ctx, cancel := context.WithCancel(w.Ctx)
		defer cancel()
		w.Vendor.Handle("login.example.com/revoke", func(_ http.ResponseWriter, _ *http.Request) { cancel() })
		got, err := w.DisconnectAll(ctx, w.User.ID)
		if err != nil || len(got) != 12 {
			t.Fatalf("revocations = %+v, %v", got, err)
		}
		outcomes := map[credential.Outcome]int{}
		for _, one := range got {
			outcomes[one.Outcome]++
			if one.IntegrationID == "" || one.Outcome == credential.Retrying && one.Message == "" {
				t.Errorf("revocation = %+v", one)
			}
		}
		if outcomes[credential.Revoked] == 0 || outcomes[credential.Retrying] == 0 {
			t.Errorf("outcomes = %v", outcomes)
		}
		if n := w.Store.Client(w.Ctx).Credential.Query().CountX(w.Ctx); n != outcomes[credential.Retrying] {
			t.Errorf("%d are left to the background", n)
		}
	})
}

func TestNoProviderIsCalledInsideATransaction(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		attempt, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.Other))
		if err != nil {
			t.Fatal(err)
		}
		for what, try := range map[string]func(context.Context) error{
			"callback": func(ctx context.Context) error {
				_, err := w.Callback(ctx, w.CallbackInput(w.Other, attempt))
				return err
			},
			"refresh":    func(ctx context.Context) error { _, err := w.Refresh(ctx, row.ID); return err },
			"check":      func(ctx context.Context) error { _, err := w.CheckHealth(ctx, row.ID); return err },
			"disconnect": func(ctx context.Context) error { _, err := w.Disconnect(ctx, row.ID); return err },
			"all":        func(ctx context.Context) error { _, err := w.DisconnectAll(ctx, w.User.ID); return err },
		} {
			if err := w.Store.InTx(w.Ctx, try); problem.CodeOf(err) != problem.Internal {
				t.Errorf("%s: %v", what, err)
			}
		}
		for _, where := range []string{"login.example.com/token", "api.example.com/me"} {
			if n := len(w.Vendor.Calls(where)); n != 1 {
				t.Errorf("%s was called %d times", where, n)
			}
		}
	})
}

func TestBehaviour11AForcedRefreshMakesNothingWorse(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		w.Wait(time.Minute)
		now, err := w.Refresh(w.Ctx, row.ID)
		if err != nil || !now.TokenExpiresAt.After(*row.TokenExpiresAt) || len(w.Events(t, audit.TokenRefreshed)) != 1 {
			t.Errorf("refreshed %+v, %v", now, err)
		}
		w.Vendor.Answer("login.example.com/token", http.StatusInternalServerError, "down")
		if _, err := w.Refresh(w.Ctx, row.ID); !problem.Is(err, problem.ProviderFailed) {
			t.Errorf("err = %v", err)
		}
		if now := w.Reload(t, row); health.Of(now).Status != health.Healthy {
			t.Errorf("health = %+v", health.Of(now))
		}
		_, err = w.Refresh(w.Ctx, w.Webhook(t).Integration.ID)
		refused(t, err, problem.Invalid, "input", "id")
	})
}

func TestCheckHealthAnswersWithWhatWasProved(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		check := func(status health.Status, reason health.Reason) {
			t.Helper()
			now, err := w.CheckHealth(w.Ctx, row.ID)
			if err != nil || health.Of(now).Status != status || health.Of(now).Reason != reason {
				t.Errorf("health = %+v, %v, want %s", health.Of(now), err, reason)
			}
		}
		w.Wait(time.Minute)
		check(health.Healthy, health.OK)
		if at := health.Of(w.Reload(t, row)).CheckedAt; !at.Equal(w.Now()) {
			t.Errorf("checked at %v", at)
		}
		w.Vendor.Answer("api.example.com/ping", http.StatusBadGateway, "down")
		check(health.Healthy, health.OK)
		check(health.Healthy, health.OK)
		check(health.Degraded, health.ProviderError)
		w.Vendor.Answer("api.example.com/ping", http.StatusOK, `{"pong":true}`)
		check(health.Healthy, health.OK)
		w.Vendor.Answer("api.example.com/ping", http.StatusGone, `{}`) // the manifest's word for a revoked grant
		w.Vendor.Answer("login.example.com/token", http.StatusBadRequest, `{"error":"invalid_grant"}`)
		now, err := w.CheckHealth(w.Ctx, row.ID)
		if err != nil || !health.Of(now).Reason.Definitive() {
			t.Errorf("a dead grant: %+v, %v", health.Of(now), err)
		}
		hook := w.Webhook(t).Integration
		if now, err := w.CheckHealth(w.Ctx, hook.ID); err != nil || health.Of(now).Reason != health.NotYetChecked {
			t.Errorf("a provider without a probe: %+v, %v", now, err)
		}
	})
}
