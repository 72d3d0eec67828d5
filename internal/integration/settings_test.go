package integration_test

import (
	"context"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/ent/usagecounter"
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
		for name, c := range map[string]struct {
			change func(*integration.CreateInput)
			code   problem.Code
			field  []string
		}{
			"unknown provider":           {func(in *integration.CreateInput) { in.Provider = "nope" }, problem.Invalid, []string{"input", "provider"}},
			"a kind that is not offered": {func(in *integration.CreateInput) { in.AuthKind = new("OAUTH2") }, problem.Invalid, []string{"input", "authKind"}},
			"no name":                    {func(in *integration.CreateInput) { in.Name = "" }, problem.Invalid, []string{"input", "name"}},
			"a long name":                {func(in *integration.CreateInput) { in.Name = long }, problem.Invalid, []string{"input", "name"}},
			"odd visibility":             {func(in *integration.CreateInput) { in.Visibility = "SOME" }, problem.Invalid, []string{"input", "visibility"}},
			"private address":            {func(in *integration.CreateInput) { in.Config["url"] = "https://10.0.0.8/ask" }, problem.TargetRefused, []string{"input", "config", "url"}},
			"metadata address":           {func(in *integration.CreateInput) { in.Config["url"] = "http://169.254.169.254/" }, problem.TargetRefused, []string{"input", "config", "url"}},
			"local name":                 {func(in *integration.CreateInput) { in.Config["url"] = "https://localhost/ask" }, problem.TargetRefused, []string{"input", "config", "url"}},
			"userinfo":                   {func(in *integration.CreateInput) { in.Config["url"] = "https://marked:secret@hook.example.com/" }, problem.Invalid, []string{"input", "config", "url"}},
			"not a URL":                  {func(in *integration.CreateInput) { in.Config["url"] = 7 }, problem.Invalid, []string{"input", "config", "url"}},
			"no URL":                     {func(in *integration.CreateInput) { delete(in.Config, "url") }, problem.Invalid, []string{"input", "config", "url"}},
			"missing secret":             {func(in *integration.CreateInput) { in.Secrets = nil }, problem.Invalid, []string{"input", "secrets", "TOKEN"}},
			"secret that is no text":     {func(in *integration.CreateInput) { in.Secrets["TOKEN"] = 7 }, problem.Invalid, []string{"input", "secrets", "TOKEN"}},
			"secret's name":              {func(in *integration.CreateInput) { in.Secrets["token-1"] = "marked" }, problem.Invalid, []string{"input", "secrets", "token-1"}},
			"huge secret":                {func(in *integration.CreateInput) { in.Secrets["TOKEN"] = strings.Repeat("marked", 9000) }, problem.Invalid, []string{"input", "secrets", "TOKEN"}},
			"secret of a wrong length": {func(in *integration.CreateInput) {
				in.Config["authentication"] = map[string]any{"type": "bearer", "token": strings.Repeat("marked", 4000)}
			}, problem.Invalid, []string{"input", "config", "authentication", "token"}},
			"unknown personality": {func(in *integration.CreateInput) { in.PersonalityID = new(w.NewID(id.Personality)) }, problem.NotFound, []string{"input", "personalityId"}},
			"unknown user":        {func(in *integration.CreateInput) { in.UserID = new(w.NewID(id.User)) }, problem.NotFound, []string{"input", "userId"}},
		} {
			in := integrationtest.WebhookInput()
			c.change(&in)
			_, err := w.Create(w.Ctx, in)
			t.Log(name)
			refused(t, err, c.code, c.field...)
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
		if err != nil || integration.StatusOf(now) != integration.Connected || health.Of(now).Reason != health.NotYetChecked {
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

func TestUpdateRefusesBadInputAndChangesNothing(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Webhook(t).Integration
		for _, c := range []struct {
			in    integration.UpdateInput
			code  problem.Code
			field []string
		}{
			{integration.UpdateInput{ID: w.User.ID}, problem.Invalid, []string{"input", "id"}},
			{integration.UpdateInput{ID: w.NewID(id.Integration)}, problem.NotFound, []string{"input", "id"}},
			{integration.UpdateInput{ID: row.ID, Name: new(" ")}, problem.Invalid, []string{"input", "name"}},
			{integration.UpdateInput{ID: row.ID, Config: map[string]any{"url": "https://127.0.0.1/"}}, problem.TargetRefused, []string{"input", "config", "url"}},
			{integration.UpdateInput{ID: row.ID, Config: map[string]any{"url": nil}}, problem.Invalid, []string{"input", "config", "url"}},
			{integration.UpdateInput{ID: row.ID, Config: map[string]any{"x": 1}}, problem.Invalid, []string{"input", "config", "x"}},
			{integration.UpdateInput{ID: row.ID, Secrets: map[string]any{"TOKEN": ""}}, problem.Invalid, []string{"input", "secrets", "TOKEN"}},
			{integration.UpdateInput{ID: row.ID, PersonalityID: new(w.NewID(id.Personality)), SetPersonality: true}, problem.NotFound, []string{"input", "personalityId"}},
		} {
			_, err := w.Update(w.Ctx, c.in)
			refused(t, err, c.code, c.field...)
		}
		_, err := w.Update(w.Foreign, integration.UpdateInput{ID: row.ID, Name: new("Mine")})
		refused(t, err, problem.NotFound, "input", "id")
		if now := w.Reload(t, row); now.Name != row.Name || !now.UpdatedAt.Equal(row.UpdatedAt) || len(w.Events(t, audit.Updated)) != 0 {
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

func TestStatsCountTodayAndAllInOneStatement(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		asked, quiet := w.Webhook(t).Integration, w.Webhook(t).Integration
		for day, n := range map[string]int64{"2026-11-22": 3, "2026-11-21": 4} {
			err := w.Store.Client(w.Ctx).UsageCounter.Create().SetID(w.NewID(id.UsageCounter)).
				SetIntegrationID(asked.ID).SetDay(day).SetQueries(n).Exec(w.Ctx)
			if err != nil {
				t.Fatal(err)
			}
		}
		got, err := w.Stats(w.Ctx, asked.ID, quiet.ID)
		if err != nil || got[asked.ID] != (integration.Stats{QueriesToday: 3, QueriesTotal: 7}) || got[quiet.ID] != (integration.Stats{}) {
			t.Errorf("stats = %+v, %v", got, err)
		}
		foreign, err := w.Stats(w.Foreign, asked.ID)
		if err != nil || foreign[asked.ID] != (integration.Stats{}) {
			t.Errorf("another company sees %+v, %v", foreign, err)
		}
		if n := w.Store.Client(w.Ctx).UsageCounter.Query().Where(usagecounter.IntegrationID(asked.ID)).CountX(w.Ctx); n != 2 {
			t.Errorf("%d counters", n)
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
