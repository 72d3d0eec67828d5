package integration_test

import (
	"context"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/viewer"
)

func TestAWebhookIsReadyOnceItIsCreated(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		created := w.Webhook(t)
		row := created.Integration
		if len(created.SigningSecret.Reveal()) != 64 {
			t.Errorf("the signing secret has %d characters", len(created.SigningSecret.Reveal()))
		}
		if row.AuthKind != "API_KEY" || row.UserID != nil || strings.Join(row.SecretNames, " ") != "TOKEN" {
			t.Errorf("created %+v", row)
		}
		if health.Of(row).Reason != health.NotYetChecked || integration.StatusOf(row) != integration.Connected {
			t.Errorf("health = %+v, status %s", health.Of(row), integration.StatusOf(row))
		}
		events := w.Events(t, audit.Created)
		if len(events) != 1 || *events[0].IntegrationID != row.ID {
			t.Errorf("events = %v", events)
		}
		if len(w.Vendor.Calls("hook.example.com/ask")) != 0 {
			t.Error("creating called the webhook")
		}
	})
}

func TestSecretsInTheConfigAreSealedAndLeftOut(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		in := integrationtest.WebhookInput()
		in.Config["authentication"] = map[string]any{"type": "basic", "username": "ada", "password": "pass-marked"}
		in.Secrets = map[string]any{"UNUSED": "spare-marked"}
		created, err := w.Create(w.Ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		row := created.Integration
		authentication, _ := row.Config["authentication"].(map[string]any)
		if authentication["username"] != "ada" || authentication["password"] != nil || row.AuthKind != "BASIC" {
			t.Errorf("config = %v, kind %s", row.Config, row.AuthKind)
		}
		if strings.Join(row.SecretNames, " ") != "UNUSED authentication.password" {
			t.Errorf("secret names = %v", row.SecretNames)
		}
	})
}

func TestCreateRefusesBadInputAndWritesNothing(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		long := strings.Repeat("ß", 150)
		type input = integration.CreateInput
		huge, nobody := strings.Repeat("marked", 9000), w.NewID(id.Personality)
		url := func(to any) func(*input) { return func(in *input) { in.Config["url"] = to } }
		for name, c := range map[string]struct {
			change func(*input)
			want   string
		}{
			"unknown provider":           {func(in *input) { in.Provider = "nope" }, "INVALID input.provider"},
			"a kind that is not offered": {func(in *input) { in.AuthKind = new("OAUTH2") }, "INVALID input.authKind"},
			"no name":                    {func(in *input) { in.Name = "" }, "INVALID input.name"},
			"a long name":                {func(in *input) { in.Name = long }, "INVALID input.name"},
			"odd visibility":             {func(in *input) { in.Visibility = "SOME" }, "INVALID input.visibility"},
			"private address":            {url("https://10.0.0.8/ask"), "TARGET_REFUSED input.config.url"},
			"metadata address":           {url("http://169.254.169.254/"), "TARGET_REFUSED input.config.url"},
			"local name":                 {url("https://localhost/ask"), "TARGET_REFUSED input.config.url"},
			"userinfo":                   {url("https://marked:secret@hook.example.com/"), "INVALID input.config.url"},
			"not a URL":                  {url(7), "INVALID input.config.url"},
			"no URL":                     {func(in *input) { delete(in.Config, "url") }, "INVALID input.config.url"},
			"missing secret":             {func(in *input) { in.Secrets = nil }, "INVALID input.secrets.TOKEN"},
			"secret that is no text":     {func(in *input) { in.Secrets["TOKEN"] = 7 }, "INVALID input.secrets.TOKEN"},
			"a secret's name":            {func(in *input) { in.Secrets["t-1"] = "marked" }, "INVALID input.secrets.t-1"},
			"huge secret":                {func(in *input) { in.Secrets["TOKEN"] = huge }, "INVALID input.secrets.TOKEN"},
			"secret of a wrong length": {func(in *input) {
				in.Config["authentication"] = map[string]any{"type": "bearer", "token": strings.Repeat("marked", 4000)}
			}, "INVALID input.config.authentication.token"},
			"unknown personality": {func(in *input) { in.PersonalityID = &nobody }, "NOT_FOUND input.personalityId"},
			"unknown user":        {func(in *input) { in.UserID = new(w.NewID(id.User)) }, "NOT_FOUND input.userId"},
		} {
			in := integrationtest.WebhookInput()
			c.change(&in)
			_, err := w.Create(w.Ctx, in)
			refusedAs(t, name, err, c.want)
			if strings.Contains(err.Error(), "marked") {
				t.Errorf("the error repeats the value: %v", err)
			}
		}
		if n := len(integrations(t, w)); n != 0 || len(w.Events(t, audit.Created)) != 0 {
			t.Errorf("%d integrations were written", n)
		}
	})
}

func TestUpdateMergesByNameAndNullRemoves(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Webhook(t).Integration
		update := func(in integration.UpdateInput) *integration.UpdateInput { in.ID = row.ID; return &in }
		now, err := w.Update(w.Ctx, *update(integration.UpdateInput{
			Name: new("Returns"), Enabled: new(false), SetPersonality: true, PersonalityID: &w.Personality.ID,
			Config:  map[string]any{"url": "https://other.example.com/ask"},
			Secrets: map[string]any{"SPARE": "spare"},
		}))
		if err != nil {
			t.Fatal(err)
		}
		if now.Name != "Returns" || now.Enabled || *now.PersonalityID != w.Personality.ID || now.Visibility != "PRIVATE" ||
			now.Config["url"] != "https://other.example.com/ask" || now.Config["capabilities"] == nil ||
			strings.Join(now.SecretNames, " ") != "SPARE TOKEN" {
			t.Errorf("updated %+v", now)
		}
		events := w.Events(t, audit.Updated)
		if len(events) != 1 || strings.Contains(strings.ToLower(events[0].String()), "spare\"") {
			t.Errorf("events = %v", events)
		}
		now, err = w.Update(w.Ctx, *update(integration.UpdateInput{
			SetPersonality: true, Secrets: map[string]any{"SPARE": nil, "TOKEN": nil},
		}))
		if err != nil || now.PersonalityID != nil || len(now.SecretNames) != 0 {
			t.Errorf("freed %+v, %v", now, err)
		}
		if integration.StatusOf(now) != integration.Incomplete || health.Of(now).Reason != health.NotConfigured ||
			health.Of(now).Action != health.UpdateConfig || !strings.Contains(health.Of(now).Message, "TOKEN") {
			t.Errorf("without its secret: %+v", health.Of(now))
		}
		now, err = w.Update(w.Ctx, *update(integration.UpdateInput{Secrets: map[string]any{"TOKEN": "new"}}))
		if err != nil || integration.StatusOf(now) != integration.Connected ||
			health.Of(now).Reason != health.NotYetChecked || health.Of(now).CheckedAt != nil {
			t.Errorf("with its secret again: %+v, %v", health.Of(now), err)
		}
	})
}

func TestUpdateKeepsSealedSettingsAndTakesAnotherWayToAuthenticate(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		in := integrationtest.WebhookInput()
		in.Config["authentication"] = map[string]any{"type": "bearer", "token": "first"}
		in.Secrets = nil
		created, err := w.Create(w.Ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		id := created.Integration.ID
		now, err := w.Update(w.Ctx, integration.UpdateInput{ID: id, Config: map[string]any{"url": "https://b.example.com/"}})
		if err != nil || strings.Join(now.SecretNames, " ") != "authentication.token" {
			t.Fatalf("a change elsewhere: %v, %v", now, err)
		}
		_, err = w.Update(w.Ctx, integration.UpdateInput{ID: id, Config: map[string]any{
			"authentication": map[string]any{"type": "bearer"},
		}})
		refused(t, err, problem.Invalid, "input", "config", "authentication", "token")
		now, err = w.Update(w.Ctx, integration.UpdateInput{ID: id, Config: map[string]any{
			"authentication": map[string]any{"type": "basic", "username": "ada", "password": "second"},
		}})
		if err != nil || now.AuthKind != "BASIC" || strings.Join(now.SecretNames, " ") != "authentication.password" {
			t.Errorf("another way: %+v, %v", now, err)
		}
		now, err = w.Update(w.Ctx, integration.UpdateInput{ID: id, Config: map[string]any{"authentication": nil}})
		if err != nil || now.AuthKind != "NONE" || len(now.SecretNames) != 0 {
			t.Errorf("no way: %+v, %v", now, err)
		}
	})
}

func TestSettingsThatWereAtFaultAreMendedByAnUpdate(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		if _, err := w.Health.Report(w.Ctx, row.ID, health.Finding{Reason: health.NotConfigured, Action: health.UpdateConfig}); err != nil {
			t.Fatal(err)
		}
		if row = w.Reload(t, row); integration.StatusOf(row) != integration.Incomplete {
			t.Fatalf("status = %s", integration.StatusOf(row))
		}
		row, err := w.Update(w.Ctx, integration.UpdateInput{ID: row.ID, Config: map[string]any{"room": "other"}})
		if err != nil || integration.StatusOf(row) != integration.Connected || health.Of(row).Reason != health.NotYetChecked {
			t.Errorf("updated = %+v, %v", row, err)
		}
	})
}

func TestUpdateRefusesBadInputAndChangesNothing(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Webhook(t).Integration
		type input = integration.UpdateInput
		type object = map[string]any
		nobody := w.NewID(id.Personality)
		for _, c := range []struct {
			in   input
			want string
		}{
			{input{ID: w.User.ID}, "INVALID input.id"},
			{input{ID: w.NewID(id.Integration)}, "NOT_FOUND input.id"},
			{input{ID: row.ID, Name: new(" ")}, "INVALID input.name"},
			{input{ID: row.ID, Config: object{"url": "https://127.0.0.1/"}}, "TARGET_REFUSED input.config.url"},
			{input{ID: row.ID, Config: object{"url": nil}}, "INVALID input.config.url"},
			{input{ID: row.ID, Config: object{"x": 1}}, "INVALID input.config.x"},
			{input{ID: row.ID, Secrets: object{"TOKEN": ""}}, "INVALID input.secrets.TOKEN"},
			{input{ID: row.ID, PersonalityID: &nobody}, "NOT_FOUND input.personalityId"},
		} {
			_, err := w.Update(w.Ctx, c.in)
			refusedAs(t, c.want, err, c.want)
		}
		_, err := w.Update(w.Foreign, integration.UpdateInput{ID: row.ID, Name: new("Mine")})
		refused(t, err, problem.NotFound, "input", "id")
		now := w.Reload(t, row)
		if now.Name != row.Name || !now.UpdatedAt.Equal(row.UpdatedAt) || len(w.Events(t, audit.Updated)) != 0 {
			t.Errorf("changed to %+v", now)
		}
	})
}

func TestPersonalityAccessFollowsItsRules(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Webhook(t).Integration
		decide := func(want integration.Decision) {
			t.Helper()
			got, err := w.AccessFor(w.Ctx, w.Reload(t, row), w.Personality.ID, "personalityId")
			if err != nil || got != want {
				t.Errorf("decision = %+v, %v, want %+v", got, err, want)
			}
		}
		set := func(allowed *bool) {
			t.Helper()
			if _, err := w.SetPersonalityAccess(w.Ctx, integration.SetPersonalityAccessInput{
				IntegrationID: row.ID,
				Access:        []integration.PersonalityAccess{{PersonalityID: w.Personality.ID, Allowed: allowed}},
			}); err != nil {
				t.Fatal(err)
			}
		}
		decide(integration.Decision{Allowed: true, Rule: integration.ByDefault})
		set(new(false))
		decide(integration.Decision{Allowed: false, Rule: integration.Explicit})
		set(new(true))
		decide(integration.Decision{Allowed: true, Rule: integration.Explicit})
		set(nil)
		decide(integration.Decision{Allowed: true, Rule: integration.ByDefault})
		other := w.NewID(id.Personality)
		if err := w.Store.Client(w.Ctx).Integration.UpdateOneID(row.ID).SetPersonalityID(other).Exec(w.Ctx); err != nil {
			t.Fatal(err)
		}
		decide(integration.Decision{Allowed: false, Rule: integration.ReservedForElse})
		if _, err := w.Update(w.Ctx, integration.UpdateInput{ID: row.ID, Enabled: new(false)}); err != nil {
			t.Fatal(err)
		}
		decide(integration.Decision{Allowed: false, Rule: integration.NotEnabled})
		if n := len(w.Events(t, audit.AccessChanged)); n != 3 {
			t.Errorf("%d events", n)
		}
		_, err := w.AccessFor(w.Ctx, row, other, "personalityId")
		refused(t, err, problem.NotFound, "personalityId")
		for _, named := range [][]string{{other}, {w.Personality.ID, w.Personality.ID}, {w.User.ID}} {
			in := integration.SetPersonalityAccessInput{IntegrationID: row.ID}
			for _, one := range named {
				in.Access = append(in.Access, integration.PersonalityAccess{PersonalityID: one, Allowed: new(true)})
			}
			if _, err := w.SetPersonalityAccess(w.Ctx, in); err == nil {
				t.Errorf("access for %v was set", named)
			}
		}
	})
}

func TestAUserConnectsAndChangesOnlyTheirOwn(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		v, _ := viewer.From(w.Ctx)
		v.User, v.Actor = w.User.ID, w.User.ID
		ctx := viewer.With(t.Context(), v)
		in := w.ConnectInput(w.User)
		in.UserID = nil
		attempt, err := w.Service.Connect(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		back := w.CallbackInput(w.User, attempt)
		back.UserID = nil
		row, err := w.Callback(ctx, back)
		if err != nil || *row.UserID != w.User.ID {
			t.Fatalf("connected %+v, %v", row, err)
		}
		theirs := w.Connect(t, w.Other)
		for what, try := range map[string]func(context.Context) error{
			"update": func(ctx context.Context) error {
				_, err := w.Update(ctx, integration.UpdateInput{ID: theirs.ID})
				return err
			},
			"disconnect": func(ctx context.Context) error { _, err := w.Disconnect(ctx, theirs.ID); return err },
			"refresh":    func(ctx context.Context) error { _, err := w.Refresh(ctx, theirs.ID); return err },
			"check":      func(ctx context.Context) error { _, err := w.CheckHealth(ctx, theirs.ID); return err },
		} {
			if err := try(ctx); !problem.Is(err, problem.NotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := w.Disconnect(ctx, row.ID); err != nil {
			t.Errorf("disconnecting their own: %v", err)
		}
	})
}
