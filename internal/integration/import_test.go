package integration_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/problem"
)

const pastedToken = "1//MARKED-7f3a"

const pastedUser = `{"type":"authorized_user","client_id":"client-1","client_secret":"MARKED-7f3a","refresh_token":"` +
	pastedToken + `","quota_project_id":"p"}`

func pasteInput(w *integrationtest.World, credentials any) integration.CreateInput {
	return integration.CreateInput{
		UserID: &w.User.ID, Provider: integrationtest.Provider, Name: "Agenda", Enabled: true,
		Visibility: integration.Private, Config: map[string]any{"room": "blue", "credentials": credentials},
	}
}

func TestPastedCredentialsConnectAtOnceAndAreKeptAsTheCredentialAlone(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		w.Vendor.Answer("login.example.com/token", 200, `{"access_token":"a-1","expires_in":3600,"scope":"`+
			`https://acme.example.com/agenda.read profile"}`) // no refresh token: the pasted one stays good
		made, err := w.Create(w.Ctx, pasteInput(w, pastedUser))
		if err != nil {
			t.Fatal(err)
		}
		row := made.Integration
		if integration.StatusOf(row) != integration.Connected || health.Of(row).Reason != health.OK ||
			row.AccountID == nil || *row.AccountID != "ada@acme" || row.TokenExpiresAt == nil || row.ConnectedAt == nil {
			t.Errorf("it is %s, %+v", integration.StatusOf(row), row)
		}
		if len(row.SecretNames) != 0 || row.Config["credentials"] != nil || row.Config["room"] != "blue" {
			t.Errorf("the settings keep %v, %v", row.SecretNames, row.Config)
		}
		spent := w.Vendor.Calls("login.example.com/token")
		if len(spent) != 1 || spent[0].Form.Get("grant_type") != "refresh_token" ||
			spent[0].Form.Get("refresh_token") != pastedToken || spent[0].Form.Get("client_secret") != "client-secret" {
			t.Errorf("the proof was %+v", spent)
		}
		if _, err := w.Refresh(w.Ctx, row.ID); err != nil {
			t.Fatal(err)
		}
		if spent = w.Vendor.Calls("login.example.com/token"); spent[1].Form.Get("refresh_token") != pastedToken {
			t.Error("the renewal did not send what was pasted")
		}
		if len(w.Events(t, audit.Created)) == 0 || len(w.Events(t, audit.Connected)) != 1 {
			t.Error("the trail does not say that it was created and connected")
		}
		for _, row := range w.Store.Client(w.Ctx).AuditEvent.Query().AllX(w.Ctx) {
			if strings.Contains(row.String(), "MARKED") {
				t.Errorf("the trail repeats what was pasted: %s", row)
			}
		}
	})
}

// What still waits to be revoked would end all that the account allows, and so what was pasted.
func TestWhatIsPastedOutlivesTheRevocationThatWaits(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.Other)
		w.Vendor.Answer("login.example.com/revoke", http.StatusServiceUnavailable, "down")
		if got, err := w.Disconnect(w.Ctx, row.ID); err != nil || got.Outcome != credential.Retrying {
			t.Fatalf("revocation = %+v, %v", got, err)
		}
		asked := len(w.Vendor.Calls("login.example.com/revoke"))
		w.Vendor.Handle("login.example.com/revoke", func(http.ResponseWriter, *http.Request) {})
		if _, err := w.Create(w.Ctx, pasteInput(w, pastedUser)); err != nil {
			t.Fatal(err)
		}
		w.Wait(time.Hour)
		if n, err := w.Credentials.RetryRevocations(t.Context(), 10); n != 1 || err != nil {
			t.Errorf("%d waited, %v", n, err)
		}
		if n := len(w.Vendor.Calls("login.example.com/revoke")) - asked; n != 0 {
			t.Errorf("%d revocations: what was pasted has lost its grant", n)
		}
	})
}

func TestNothingPastedWaitsForTheConsent(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		var row *ent.Integration
		for _, credentials := range []any{"", nil} {
			made, err := w.Create(w.Ctx, pasteInput(w, credentials))
			if err != nil {
				t.Fatal(err)
			}
			if row = made.Integration; integration.StatusOf(row) != integration.Incomplete {
				t.Errorf("%v: it is %s", credentials, integration.StatusOf(row))
			}
		}
		if n := len(w.Vendor.Calls("login.example.com/token")); n != 0 {
			t.Errorf("%d token requests were sent", n)
		}
		in := w.ConnectInput(w.User)
		in.IntegrationID = &row.ID
		attempt, err := w.Service.Connect(w.Ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		done, err := w.Callback(w.Ctx, w.CallbackInput(w.User, attempt))
		if err != nil || done.ID != row.ID || integration.StatusOf(done) != integration.Connected {
			t.Errorf("after the consent: %v", err)
		}
	})
}

func TestPastedCredentialsThatAreNoGoodAreRefusedWithoutAnEcho(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		const at = "input.config.credentials"
		swap := func(old, with string) string { return strings.Replace(pastedUser, old, with, 1) }
		for name, c := range map[string]struct {
			pasted any
			answer int
			body   string
			want   string
		}{
			"no JSON":               {"MARKED-7f3a", 0, "", "INVALID " + at},
			"a list":                {`["MARKED-7f3a"]`, 0, "", "INVALID " + at},
			"cut off":               {pastedUser[:40], 0, "", "INVALID " + at},
			"of another type":       {swap("authorized_user", "service_account_MARKED"), 0, "", "INVALID " + at},
			"without a token":       {swap(pastedToken, ""), 0, "", "INVALID " + at},
			"of another client":     {swap("client-1", "MARKED-client"), 0, "", "INVALID " + at},
			"without a client":      {swap("client-1", ""), 0, "", "INVALID " + at},
			"no text":               {7, 0, "", "INVALID " + at},
			"a placeholder":         {"{{MARKED}}", 0, "", "INVALID " + at},
			"too long":              {strings.Repeat("MARKED", 2000), 0, "", "INVALID " + at},
			"an endless token":      {swap(pastedToken, strings.Repeat("x", 5000)), 0, "", "INVALID " + at},
			"withdrawn":             {pastedUser, 400, `{"error":"invalid_grant","error_description":"MARKED-7f3a"}`, "INVALID " + at},
			"the vendor is ill":     {pastedUser, 503, "MARKED-7f3a", "PROVIDER_FAILED " + at},
			"the client is refused": {pastedUser, 401, `{"error":"invalid_client"}`, "PROVIDER_FAILED " + at},
		} {
			w.Vendor.Answer("login.example.com/token", c.answer, c.body)
			before := len(w.Vendor.Calls("login.example.com/token"))
			_, err := w.Create(w.Ctx, pasteInput(w, c.pasted))
			refusedAs(t, name, err, c.want)
			if err != nil && strings.Contains(err.Error(), "MARKED") {
				t.Errorf("%s: the answer repeats what was pasted: %v", name, err)
			}
			if sent := len(w.Vendor.Calls("login.example.com/token")) > before; sent != (c.answer != 0) {
				t.Errorf("%s: sent = %v", name, sent)
			}
		}
		if n := len(integrations(t, w)); n != 0 {
			t.Errorf("%d integrations were made", n)
		}
		if n := len(w.Vendor.Calls("login.example.com/revoke")); n != 0 {
			t.Error("what belongs to somebody else was revoked")
		}
	})
}

func TestCredentialsThatAreProvedButRefusedByTheAPIConnectNothing(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		w.Vendor.Answer("api.example.com/me", http.StatusUnauthorized, `{}`)
		_, err := w.Create(w.Ctx, pasteInput(w, pastedUser))
		refused(t, err, problem.ProviderFailed, "input", "config", "credentials")
		if n := len(integrations(t, w)); n != 0 {
			t.Errorf("%d integrations were made", n)
		}
	})
}

func TestOnlyANewIntegrationTakesPastedCredentials(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		in := w.ConnectInput(w.User)
		in.Config = map[string]any{"credentials": pastedUser}
		_, err := w.Service.Connect(w.Ctx, in)
		refused(t, err, problem.Invalid, "input", "config", "credentials")
		_, err = w.Update(w.Ctx, integration.UpdateInput{ID: row.ID, Config: in.Config})
		refused(t, err, problem.Invalid, "input", "config", "credentials")
		_, err = w.Update(w.Ctx, integration.UpdateInput{ID: row.ID, Config: map[string]any{"credentials": ""}})
		if err != nil {
			t.Errorf("an empty one changes nothing: %v", err)
		}
	})
}

func TestPastedCredentialsNeedAConfiguredClient(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		in := pasteInput(w, pastedUser)
		in.Provider, in.Config = "google_calendar", map[string]any{"credentials": pastedUser}
		_, err := w.Create(w.Ctx, in)
		refused(t, err, problem.Invalid, "input", "provider")
	})
}

// onLog calls fn at the first message of this kind, on its way to nowhere.
type onLog struct {
	slog.Handler
	message string
	fn      func()
}

func (l *onLog) Handle(_ context.Context, r slog.Record) error {
	if fn := l.fn; fn != nil && r.Message == l.message {
		l.fn = nil
		fn()
	}
	return nil
}

func (l *onLog) Enabled(context.Context, slog.Level) bool { return true }

// away takes a table away from a database until the returned function is called.
func away(t *testing.T, w *integrationtest.World, table string) (back func()) {
	t.Helper()
	rename := func(from, to string) {
		if _, err := w.Store.SQL(w.Ctx).ExecContext(w.Ctx, "alter table "+from+" rename to "+to); err != nil {
			t.Error(err)
		}
	}
	rename(table, table+"_away")
	return func() { rename(table+"_away", table) }
}

// The vendor takes what is pasted once: what it answers must outlast a database that fails just then, and a caller who
// has gone.
func TestWhatWasPastedIsNotLostWhenTheDatabaseFailsAfterItWasSpent(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		back := func() {}
		w.Vendor.Handle("api.example.com/me", func(a http.ResponseWriter, _ *http.Request) {
			back = away(t, w, "credentials")
			_, _ = a.Write([]byte(`{"id":"ada@acme"}`))
		})
		w.Credentials.Log = slog.New(&onLog{
			Handler: slog.DiscardHandler, message: "what a refresh token was spent for is not stored yet",
			fn: func() { back() },
		})
		made, err := w.Create(w.Ctx, pasteInput(w, pastedUser))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(integrations(t, w)); n != 1 || integration.StatusOf(made.Integration) != integration.Connected {
			t.Errorf("%d integrations, it is %s", n, integration.StatusOf(made.Integration))
		}
		if len(w.Events(t, audit.Connected)) != 1 || len(w.Vendor.Calls("login.example.com/token")) != 1 {
			t.Error("more than one was connected")
		}
		if _, err := w.Refresh(w.Ctx, made.Integration.ID); err != nil {
			t.Fatal(err)
		}
		spent := w.Vendor.Calls("login.example.com/token")
		if got := spent[len(spent)-1].Form.Get("refresh_token"); got != "refresh-1" {
			t.Errorf("the next renewal sent %q and not what the vendor answered", got)
		}
	})
}

func TestNothingPastedIsSpentWhenTheDatabaseCannotBeWritten(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		defer away(t, w, "company_sequences")()
		if _, err := w.Create(w.Ctx, pasteInput(w, pastedUser)); err == nil {
			t.Error("created without a database")
		}
		if n := len(w.Vendor.Calls("login.example.com/token")); n != 0 {
			t.Errorf("%d token requests were sent", n)
		}
	})
}
