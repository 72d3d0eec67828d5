package integration_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/connectattempt"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/house/leak"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// run runs a test in a world of its own on each database.
func run(t *testing.T, fn func(t *testing.T, w *integrationtest.World)) {
	t.Helper()
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) { fn(t, integrationtest.New(t, s)) })
}

// refused checks that err is a problem of this code at this field.
func refused(t *testing.T, err error, code problem.Code, field ...string) *problem.Error {
	t.Helper()
	all := problem.All(err)
	if len(all) == 0 || all[0].Code != code || strings.Join(all[0].Field, ".") != strings.Join(field, ".") {
		t.Fatalf("err = %v (fields %v), want %s at %v", err, fieldsOf(all), code, field)
	}
	return all[0]
}

// refusedAs checks that err is a problem, written as its code and field.
func refusedAs(t *testing.T, what string, err error, want string) {
	t.Helper()
	all := problem.All(err)
	if len(all) == 0 || string(all[0].Code)+" "+strings.Join(all[0].Field, ".") != want {
		t.Errorf("%s: err = %v (fields %v), want %s", what, err, fieldsOf(all), want)
	}
}

func fieldsOf(all []*problem.Error) [][]string {
	out := make([][]string, len(all))
	for i, e := range all {
		out[i] = e.Field
	}
	return out
}

func attempts(t *testing.T, w *integrationtest.World) []*ent.ConnectAttempt {
	t.Helper()
	rows, err := w.Store.Client(w.Ctx).ConnectAttempt.Query().Order(connectattempt.ByID()).All(w.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func integrations(t *testing.T, w *integrationtest.World) []*ent.Integration {
	t.Helper()
	rows, err := w.Store.Client(w.Ctx).Integration.Query().All(w.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestConnectLeadsToTheProvidersOwnPage(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		attempt, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
		if err != nil {
			t.Fatal(err)
		}
		q := integrationtest.QueryOf(t, attempt.AuthorizationURL)
		want := map[string]string{
			"client_id": "client-1", "redirect_uri": integrationtest.RedirectURL, "state": attempt.State.Reveal(),
			"code_challenge_method": "S256", "scope": "profile https://acme.example.com/agenda.read", "response_type": "code",
		}
		for name, value := range want {
			if q.Get(name) != value {
				t.Errorf("%s = %q, want %q", name, q.Get(name), value)
			}
		}
		if got := attempt.ExpiresAt.Sub(w.Now()); got != 10*time.Minute {
			t.Errorf("the attempt lives for %v", got)
		}
		row := attempts(t, w)[0]
		if row.StateHash == attempt.State.Reveal() || len(row.StateHash) != 64 || len(row.Verifier) == 0 {
			t.Error("the state is stored as it is, or the verifier is missing")
		}
	})
}

func TestConnectRefusesBadInputAndWritesNothing(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		foreign, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
		if err != nil {
			t.Fatal(err)
		}
		_ = foreign
		mine := w.Connect(t, w.Other)
		before := len(attempts(t, w))
		text := func(s string) *string { return &s }
		type input = integration.ConnectInput
		type object = map[string]any
		unknown, unknownScope := w.NewID(id.Integration), []string{"agenda.read", "all"}
		redirect := func(to string) func(*input) { return func(in *input) { in.RedirectURL = &to } }
		for name, c := range map[string]struct {
			change func(*input)
			want   string
		}{
			"unknown provider":           {func(in *input) { in.Provider = "nope" }, "INVALID input.provider"},
			"no authorization":           {func(in *input) { in.Provider = "custom_webhook" }, "INVALID input.provider"},
			"no client configured":       {func(in *input) { in.Provider = "gmail" }, "INVALID input.provider"},
			"unknown scope":              {func(in *input) { in.Scopes = unknownScope }, "INVALID input.scopes.1"},
			"user of a wrong kind":       {func(in *input) { in.UserID = &mine.ID }, "INVALID input.userId"},
			"unknown user":               {func(in *input) { in.UserID = text(w.NewID("user")) }, "NOT_FOUND input.userId"},
			"config of a wrong type":     {func(in *input) { in.Config = object{"room": 7} }, "INVALID input.config.room"},
			"unknown setting":            {func(in *input) { in.Config = map[string]any{"rooom": "x"} }, "INVALID input.config.rooom"},
			"empty name":                 {func(in *input) { in.Name = text("  ") }, "INVALID input.name"},
			"relative redirect":          {redirect("/back"), "INVALID input.redirectUrl"},
			"redirect with a fragment":   {redirect("https://app.example.org/#x"), "INVALID input.redirectUrl"},
			"redirect with a password":   {redirect("https://a:b@app.example.org/"), "INVALID input.redirectUrl"},
			"redirect to a script":       {redirect("javascript:alert(1)"), "INVALID input.redirectUrl"},
			"unknown integration":        {func(in *input) { in.IntegrationID = &unknown }, "NOT_FOUND input.integrationId"},
			"another user's integration": {func(in *input) { in.IntegrationID = &mine.ID }, "NOT_FOUND input.integrationId"},
		} {
			in := w.ConnectInput(w.User)
			c.change(&in)
			_, err := w.Service.Connect(w.Ctx, in)
			refusedAs(t, name, err, c.want)
		}
		if after := len(attempts(t, w)); after != before {
			t.Errorf("%d attempts were written", after-before)
		}
		// What belongs to another company looks as if it did not exist.
		in := w.ConnectInput(w.User)
		_, err = w.Service.Connect(w.Foreign, in)
		refused(t, err, problem.NotFound, "input", "userId")
		in.UserID, in.IntegrationID = nil, &mine.ID
		_, err = w.Service.Connect(w.Foreign, in)
		refused(t, err, problem.NotFound, "input", "integrationId")
	})
}

func TestARedirectHostMustBeListedWhereThereIsAList(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		w.RedirectHosts = []string{"APP.example.org"}
		if _, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User)); err != nil {
			t.Errorf("a listed host: %v", err)
		}
		in := w.ConnectInput(w.User)
		other := "https://app.example.org.evil.example/"
		in.RedirectURL = &other
		_, err := w.Service.Connect(w.Ctx, in)
		refused(t, err, problem.Invalid, "input", "redirectUrl")
	})
}

func TestOurOwnPagesWorkInOneBrowserOnly(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		in := w.ConnectInput(w.User)
		in.RedirectURL = nil
		attempt, err := w.Service.Connect(w.Ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		state := attempt.State.Reveal()
		if attempt.AuthorizationURL != "https://patchbay.example.net/oauth/start/"+state {
			t.Errorf("authorization URL = %s", attempt.AuthorizationURL)
		}
		ctx := t.Context() // a browser has no credential
		page, err := w.Start(ctx, state)
		if err != nil || page.Company != "Acme" || page.User != "ada" || page.Provider != "Acme Agenda" ||
			strings.Join(page.Scopes, ", ") != "See the agenda, See who you are" {
			t.Errorf("start page = %+v, %v", page, err)
		}
		_, err = w.Start(ctx, "unknown")
		refused(t, err, problem.StateMismatch, "input", "state")
		address, err := w.Continue(ctx, state, "browser-1")
		if err != nil || integrationtest.QueryOf(t, address).Get("redirect_uri") != w.CallbackURL() {
			t.Errorf("continue = %s, %v", address, err)
		}
		again, err := w.Continue(ctx, state, "browser-1")
		if err != nil || again != address {
			t.Errorf("the same browser again = %s, %v", again, err)
		}
		_, err = w.Continue(ctx, state, "browser-2")
		refused(t, err, problem.StateMismatch, "input", "state")
		back := url.Values{"state": {state}, "code": {"code-1"}}
		_, err = w.Finish(ctx, back, "browser-2")
		refused(t, err, problem.StateMismatch, "input", "state")
		_, err = w.Callback(w.Ctx, w.CallbackInput(w.User, attempt)) // not the way that was begun
		refused(t, err, problem.StateMismatch, "input", "state")
		done, err := w.Finish(ctx, back, "browser-1")
		if err != nil || done.Account != "Ada" || done.Provider != "Acme Agenda" || done.User != "ada" {
			t.Errorf("finish page = %+v, %v", done, err)
		}
		row := integrations(t, w)[0]
		events := w.Events(t, audit.Connected)
		if len(events) != 1 || events[0].Actor != w.User.ID || *row.UserID != w.User.ID {
			t.Errorf("events = %v", events)
		}
		_, err = w.Finish(ctx, back, "browser-1")
		refused(t, err, problem.StateMismatch, "input", "state")
	})
}

func TestAnIntegrationOfTheCompanyIsConnectedOnOurOwnPagesToo(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		attempt, err := w.Service.Connect(w.Ctx, integration.ConnectInput{Provider: integrationtest.Provider})
		if err != nil {
			t.Fatal(err)
		}
		state := attempt.State.Reveal()
		if _, err := w.Continue(t.Context(), state, "browser"); err != nil {
			t.Fatal(err)
		}
		page, err := w.Finish(t.Context(), url.Values{"state": {state}, "error": {"access_denied"}}, "browser")
		refused(t, err, problem.ConsentDenied)
		if page != (integration.FinishPage{}) {
			t.Errorf("page = %+v", page)
		}
	})
}
