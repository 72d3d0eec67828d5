package integration_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/problem"
)

func TestACallbackConnects(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		if *row.UserID != w.User.ID || *row.AccountID != "ada@acme" || *row.AccountName != "Ada" ||
			row.Name != "Acme Agenda" {
			t.Errorf("connected %+v", row)
		}
		if got := strings.Join(row.Scopes, " "); got != "profile agenda.read" {
			t.Errorf("scopes = %q", got)
		}
		if state := health.Of(row); state.Status != health.Healthy || state.Reason != health.OK ||
			state.TokenExpiresAt == nil {
			t.Errorf("health = %+v", state)
		}
		if integration.StatusOf(row) != integration.Connected {
			t.Errorf("status = %s", integration.StatusOf(row))
		}
		exchange := w.Vendor.Calls("login.example.com/token")
		if len(exchange) != 1 || exchange[0].Form.Get("code") != "code-1" || exchange[0].Form.Get("code_verifier") == "" ||
			exchange[0].Form.Get("redirect_uri") != integrationtest.RedirectURL {
			t.Errorf("exchanges = %+v", exchange)
		}
		if asked := w.Vendor.Calls("api.example.com/me"); len(asked) != 1 ||
			asked[0].Header.Get("Authorization") != "Bearer access-1" {
			t.Errorf("account requests = %+v", asked)
		}
		events := w.Events(t, audit.Connected)
		if len(events) != 1 || *events[0].IntegrationID != row.ID || *events[0].UserID != w.User.ID || !events[0].Succeeded {
			t.Errorf("events = %v", events)
		}
		done := attempts(t, w)[0]
		if done.Status != "SUCCEEDED" || *done.IntegrationID != row.ID || len(done.Verifier) != 0 {
			t.Errorf("attempt = %v", done)
		}
	})
}

func TestAStateThatCannotBeUsedIsRefusedTheSameWayWhateverTheReason(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		attempt, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
		if err != nil {
			t.Fatal(err)
		}
		in := w.CallbackInput(w.User, attempt)
		messages := map[string]bool{}
		try := func(what string, in integration.CallbackInput, foreign bool) {
			t.Helper()
			ctx := w.Ctx
			if foreign {
				ctx = w.Foreign
			}
			_, err := w.Callback(ctx, in)
			t.Log(what)
			messages[refused(t, err, problem.StateMismatch, "input", "state").Message] = true
		}
		unknown := in
		unknown.State = "never-issued"
		try("unknown", unknown, false)
		another := in
		another.UserID = &w.Other.ID
		try("another user's", another, false)
		nobody := in
		nobody.UserID = nil
		try("nobody's", nobody, false)
		elsewhere := in
		elsewhere.Provider = "gmail"
		try("another provider's", elsewhere, false)
		try("another company's", in, true)
		if len(w.Vendor.Calls("login.example.com/token")) != 0 || len(integrations(t, w)) != 0 {
			t.Fatal("a refused state reached the provider")
		}
		if _, err := w.Callback(w.Ctx, in); err != nil {
			t.Fatalf("the right callback after the wrong ones: %v", err)
		}
		try("used", in, false)
		late, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
		if err != nil {
			t.Fatal(err)
		}
		w.Wait(10 * time.Minute)
		try("ended", w.CallbackInput(w.User, late), false)
		if len(messages) != 1 {
			t.Errorf("the messages tell reasons apart: %v", messages)
		}
		progress, err := w.ConnectAttempt(w.Ctx, late.State.Reveal())
		if err != nil || progress.Status != integration.AttemptExpired {
			t.Errorf("progress = %+v, %v", progress, err)
		}
		_, err = w.ConnectAttempt(w.Foreign, late.State.Reveal())
		refused(t, err, problem.NotFound, "state")
	})
}

// A code that another server has issued must not be shown to this one (RFC 9207, mix-up).
func TestAnAnswerOfAnotherServerIsNotTakenToThisOne(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		for issuer, want := range map[string]problem.Code{
			"https://login.example.com": "", "https://evil.example": problem.StateMismatch,
			"https://login.example.com/": problem.StateMismatch,
		} {
			attempt, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
			if err != nil {
				t.Fatal(err)
			}
			in := w.CallbackInput(w.User, attempt)
			in.Parameters = map[string]any{"iss": issuer}
			before := len(w.Vendor.Calls("login.example.com/token"))
			_, err = w.Callback(w.Ctx, in)
			if got := problem.CodeOf(err); got != want {
				t.Errorf("%s: %v", issuer, err)
			}
			if sent := len(w.Vendor.Calls("login.example.com/token")) > before; sent != (want == "") {
				t.Errorf("%s: the code was sent: %v", issuer, sent)
			}
		}
		if failed := w.Events(t, audit.ConnectFailed); len(failed) != 2 {
			t.Errorf("%d failures in the trail", len(failed))
		}
	})
}

func TestOfTwentyCallbacksWithOneStateOneConnects(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		attempt, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var all sync.WaitGroup
		connected := 0
		for range 20 {
			all.Go(func() {
				_, err := w.Callback(w.Ctx, w.CallbackInput(w.User, attempt))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					connected++
				case !problem.Is(err, problem.StateMismatch):
					t.Errorf("err = %v", err)
				}
			})
		}
		all.Wait()
		if connected != 1 || len(w.Vendor.Calls("login.example.com/token")) != 1 || len(integrations(t, w)) != 1 {
			t.Errorf("%d connected, %d exchanges", connected, len(w.Vendor.Calls("login.example.com/token")))
		}
	})
}

func TestARefusedConsentIsWrittenDown(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		attempt, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
		if err != nil {
			t.Fatal(err)
		}
		in := w.CallbackInput(w.User, attempt)
		denied := "access_denied"
		in.Code, in.Error = nil, &denied
		_, err = w.Callback(w.Ctx, in)
		refused(t, err, problem.ConsentDenied)
		progress, err := w.ConnectAttempt(w.Ctx, attempt.State.Reveal())
		if err != nil || progress.Status != integration.Failed || progress.Failure.Code != problem.ConsentDenied {
			t.Errorf("progress = %+v, %v", progress, err)
		}
		events := w.Events(t, audit.ConnectFailed)
		if len(events) != 1 || *events[0].ErrorCode != "CONSENT_DENIED" || events[0].Succeeded {
			t.Errorf("events = %v", events)
		}
		if len(w.Vendor.Calls("login.example.com/token")) != 0 {
			t.Error("the provider was asked for a token")
		}
	})
}

func TestWhatTheTokenEndpointAnswersIsToldInWords(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		for name, c := range map[string]struct {
			status    int
			body      string
			code      problem.Code
			field     string
			retryable bool
		}{
			"a refused code":  {400, `{"error":"invalid_grant","x":"secret-words"}`, problem.Invalid, "input.code", false},
			"a wrong client":  {401, `{"error":"invalid_client"}`, problem.ProviderFailed, "", false},
			"an outage":       {503, `down`, problem.ProviderFailed, "", true},
			"a web page":      {200, `<html>secret-words</html>`, problem.ProviderFailed, "", true},
			"nothing":         {200, ``, problem.ProviderFailed, "", true},
			"no access token": {200, `{"token_type":"Bearer"}`, problem.ProviderFailed, "", true},
			"too much":        {200, `{"access_token":"` + strings.Repeat("x", 2<<20) + `"}`, problem.ProviderFailed, "", true},
			"a wrong shape":   {200, `["access_token"]`, problem.ProviderFailed, "", true},
			"too many":        {429, `{}`, problem.ProviderRateLimited, "", true},
		} {
			w.Vendor.Answer("login.example.com/token", c.status, c.body)
			attempt, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Callback(w.Ctx, w.CallbackInput(w.User, attempt))
			e, ok := errors.AsType[*problem.Error](err)
			if !ok || e.Code != c.code || strings.Join(e.Field, ".") != c.field || e.Retryable != c.retryable {
				t.Errorf("%s: %v (field %v)", name, err, e)
			}
			if ok && strings.Contains(e.Message, "secret-words") {
				t.Errorf("%s: the message repeats the provider: %s", name, e.Message)
			}
		}
		if len(integrations(t, w)) != 0 || len(w.Events(t, audit.ConnectFailed)) != 9 {
			t.Errorf("%d integrations, %d failures written down", len(integrations(t, w)), len(w.Events(t, audit.ConnectFailed)))
		}
	})
}

func TestFewerScopesThanAskedForAreSeen(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		w.Vendor.Grant("profile https://acme.example.com/agenda.read")
		optional := w.Connect(t, w.User, "agenda.read", "agenda.notes")
		if health.Of(optional).Status != health.Healthy || strings.Join(optional.Scopes, " ") != "profile agenda.read" {
			t.Errorf("without an optional scope: %+v, scopes %v", health.Of(optional), optional.Scopes)
		}
		w.Vendor.Grant("https://acme.example.com/agenda.read")
		required := w.Connect(t, w.Other, "agenda.read")
		state := health.Of(required)
		if state.Status != health.Degraded || state.Reason != health.ScopesMissing || state.Action != health.GrantScopes {
			t.Errorf("without a required scope: %+v", state)
		}
	})
}

func TestTheSameAccountConnectsTheSameIntegrationAgain(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		first := w.Connect(t, w.User)
		again := w.Connect(t, w.User)
		if again.ID != first.ID || len(integrations(t, w)) != 1 || len(w.Events(t, audit.Reconnected)) != 1 {
			t.Errorf("first %s, again %s", first.ID, again.ID)
		}
		if other := w.Connect(t, w.Other); other.ID == first.ID {
			t.Error("another user was given the first user's integration")
		}
		w.Vendor.Answer("api.example.com/me", http.StatusOK, `{"id":"second@acme"}`)
		if second := w.Connect(t, w.User); second.ID == first.ID {
			t.Error("another account took the place of the first")
		}
	})
}

func TestTwoCallbacksForOneAccountAtOnceMakeOneIntegration(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		var all sync.WaitGroup
		for range 6 {
			attempt, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				if _, err := w.Callback(w.Ctx, w.CallbackInput(w.User, attempt)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := len(integrations(t, w)); n != 1 {
			t.Errorf("%d integrations", n)
		}
	})
}

func TestAnotherAccountIsRefusedUnlessAccepted(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		w.Vendor.Answer("api.example.com/me", http.StatusOK, `{"id":"eve@acme","name":"Eve"}`)
		in := w.ConnectInput(w.User)
		in.IntegrationID = &row.ID
		attempt, err := w.Service.Connect(w.Ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Callback(w.Ctx, w.CallbackInput(w.User, attempt))
		refused(t, err, problem.AccountMismatch)
		if got := w.Vendor.Calls("login.example.com/revoke"); len(got) != 1 || got[0].Form.Get("token") != "refresh-2" {
			t.Errorf("revocations = %+v", got)
		}
		if now := w.Reload(t, row); *now.AccountID != "ada@acme" || health.Of(now).Status != health.Healthy {
			t.Errorf("the refused account left %+v", now)
		}
		in.AcceptOtherAccount = true
		if attempt, err = w.Service.Connect(w.Ctx, in); err != nil {
			t.Fatal(err)
		}
		now, err := w.Callback(w.Ctx, w.CallbackInput(w.User, attempt))
		if err != nil || now.ID != row.ID || *now.AccountID != "eve@acme" {
			t.Errorf("accepted: %+v, %v", now, err)
		}
	})
}

func TestToAgreeToMoreIsNotToGiveUpTheRest(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		in := w.ConnectInput(w.User)
		in.IntegrationID, in.Scopes = &row.ID, []string{"agenda.notes"}
		attempt, err := w.Service.Connect(w.Ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		now, err := w.Callback(w.Ctx, w.CallbackInput(w.User, attempt))
		if err != nil || strings.Join(now.Scopes, " ") != "profile agenda.notes agenda.read" {
			t.Errorf("scopes = %v, %v", now.Scopes, err)
		}
	})
}

func TestAFreshTokenThatAnotherIntegrationLivesOnIsNotRevoked(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		w.Vendor.Answer("api.example.com/me", http.StatusOK, `{"id":"eve@acme"}`)
		w.Connect(t, w.Other)
		in := w.ConnectInput(w.User)
		in.IntegrationID = &row.ID
		attempt, err := w.Service.Connect(w.Ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Callback(w.Ctx, w.CallbackInput(w.User, attempt))
		refused(t, err, problem.AccountMismatch)
		if got := w.Vendor.Calls("login.example.com/revoke"); len(got) != 0 {
			t.Errorf("eve's own integration lost its grant: %+v", got)
		}
	})
}

func TestAnAccountThatCannotBeReadLosesNoConsent(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		for status, body := range map[int]string{http.StatusServiceUnavailable: `down`, http.StatusOK: `{"id":"a\u0000b"}`} {
			w.Vendor.Answer("api.example.com/me", status, body)
			row := w.Connect(t, w.User)
			if row.AccountID != nil || health.Of(row).Reason != health.NotYetChecked {
				t.Errorf("%s: connected %+v", body, row)
			}
		}
		w.Vendor.Answer("api.example.com/me", http.StatusUnauthorized, `{}`)
		attempt, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.Other))
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Callback(w.Ctx, w.CallbackInput(w.Other, attempt))
		refused(t, err, problem.ProviderFailed)
		if len(w.Vendor.Calls("login.example.com/revoke")) != 1 {
			t.Error("a token that the provider refuses was kept")
		}
	})
}

func TestATokenThatCannotBeStoredIsGivenBack(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		attempt, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
		if err != nil {
			t.Fatal(err)
		}
		w.Vendor.Handle("api.example.com/me", func(rw http.ResponseWriter, _ *http.Request) {
			if _, err := w.Store.Client(w.Ctx).User.Delete().Exec(w.Ctx); err != nil { // while the provider is asked
				t.Error(err)
			}
			_, _ = rw.Write([]byte(`{"id":"ada@acme"}`))
		})
		if _, err = w.Callback(w.Ctx, w.CallbackInput(w.User, attempt)); err == nil {
			t.Fatal("connected for a user who is gone")
		}
		if got := w.Vendor.Calls("login.example.com/revoke"); len(got) != 1 || got[0].Form.Get("token") != "refresh-1" {
			t.Errorf("revocations = %+v", got)
		}
		if len(integrations(t, w)) != 0 || len(w.Events(t, audit.Connected)) != 0 {
			t.Error("something was stored")
		}
	})
}
