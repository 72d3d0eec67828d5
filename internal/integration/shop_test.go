package integration_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"testing"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

const shopToken = `{"ok":true,"access_token":"robot","authed_user":{"access_token":"access-1","refresh_token":"refresh-1",` +
	`"expires_in":3600,"scope":"read_orders,read_products"}}`

// openShop is the vendor of a shop of that name.
func openShop(w *integrationtest.World, name string) {
	w.Vendor.Answer(name+".example.com/token", 201, shopToken)
	w.Vendor.Answer(name+".example.com/revoke", 200, `{}`)
	w.Vendor.Answer(name+".example.com/api/shop", 200, `{"id":"`+name+`","name":"The shop"}`)
	w.Vendor.Answer(name+".example.com/api/orders", 200, `{"orders":[]}`)
}

func shopInput(w *integrationtest.World, config map[string]any) integration.ConnectInput {
	in := w.ConnectInput(w.User)
	in.Provider, in.Config = "acme_shop", config
	return in
}

func connectShop(t *testing.T, w *integrationtest.World, name string) *ent.Integration {
	t.Helper()
	attempt, err := w.Service.Connect(w.Ctx, shopInput(w, map[string]any{"shop": name}))
	if err != nil {
		t.Fatal(err)
	}
	row, err := w.Callback(w.Ctx, shopBack(w, attempt, name))
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// shopBack is what comes back from a shop's consent page, signed.
func shopBack(w *integrationtest.World, attempt *integration.Attempt, name string) integration.CallbackInput {
	in := w.CallbackInput(w.User, attempt)
	in.Provider = "acme_shop"
	in.Parameters = signed(url.Values{
		"code": {*in.Code}, "state": {in.State}, "shop": {name + ".example.com"}, "timestamp": {"1700000000"},
	}, "client-secret")
	return in
}

// signed adds the signature to parameters.
func signed(parameters url.Values, key string) map[string]any {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(parameters.Encode()))
	out := map[string]any{"hmac": hex.EncodeToString(mac.Sum(nil))}
	for name := range parameters {
		out[name] = parameters.Get(name)
	}
	return out
}

// sentJSON is the body of the last request to an address of the vendor.
func sentJSON(t *testing.T, w *integrationtest.World, where string) map[string]string {
	t.Helper()
	calls := w.Vendor.Calls(where)
	if len(calls) == 0 {
		t.Fatalf("nothing was sent to %s", where)
	}
	var out map[string]string
	if err := json.Unmarshal([]byte(calls[len(calls)-1].Body), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnAddressOfTheIntegrationsOwnIsUsedFromTheConsentToTheRevocation(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		openShop(w, "north")
		attempt, err := w.Service.Connect(w.Ctx, shopInput(w, map[string]any{"shop": "north"}))
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(attempt.AuthorizationURL)
		q := u.Query()
		if u.Host != "north.example.com" || q.Get("user_scope") != "read_orders,read_products" || q.Has("scope") {
			t.Errorf("the consent page is %s", attempt.AuthorizationURL)
		}
		row := connectShop(t, w, "north")
		if got := sentJSON(t, w, "north.example.com/token"); got["expiring"] != "1" || got["flavour"] != "plain" ||
			got["grant_type"] != "authorization_code" {
			t.Errorf("the exchange sent %v", got)
		}
		if integration.StatusOf(row) != integration.Connected || len(row.Scopes) != 2 || *row.AccountID != "north" {
			t.Errorf("connected as %s, %v", integration.StatusOf(row), row.Scopes)
		}

		w.Vendor.Answer("north.example.com/token", 201, // a renewal may bring the token at the top
			`{"ok":true,"access_token":"access-2","refresh_token":"refresh-2","expires_in":3600}`)
		if _, err := w.Refresh(w.Ctx, row.ID); err != nil {
			t.Fatal(err)
		}
		got := sentJSON(t, w, "north.example.com/token")
		if _, exchange := got["expiring"]; exchange || got["refresh_token"] != "refresh-1" || got["flavour"] != "plain" {
			t.Errorf("the renewal sent %v", got)
		}
		if _, err := w.CheckHealth(w.Ctx, row.ID); err != nil {
			t.Fatal(err)
		}
		asked := w.Vendor.Calls("north.example.com/api/shop")
		if got := asked[len(asked)-1].Header.Get("X-Acme-Token"); got != "access-2" {
			t.Errorf("the probe came with %q", got)
		}

		gone, err := w.Disconnect(w.Ctx, row.ID)
		if err != nil || gone.Outcome != credential.Revoked {
			t.Errorf("disconnected with %+v, %v", gone, err)
		}
		if got := sentJSON(t, w, "north.example.com/revoke"); got["token"] != "refresh-2" {
			t.Errorf("the revocation sent %v", got)
		}
	})
}

func TestAnAnswerThatSaysNoWithAStatusOfSuccessEndsTheAccessOnlyWithATerminalCode(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		openShop(w, "north")
		row := connectShop(t, w, "north")
		w.Vendor.Answer("north.example.com/token", 200, `{"ok":false,"error":"fatal_error"}`)
		if _, err := w.Refresh(w.Ctx, row.ID); !problem.Is(err, problem.ProviderFailed) {
			t.Errorf("an error of the vendor's own: %v", err)
		}
		if now := w.Reload(t, row); integration.StatusOf(now) != integration.Connected {
			t.Errorf("after an error that says nothing about the grant it is %s", integration.StatusOf(now))
		}
		w.Vendor.Answer("north.example.com/token", 200, `{"ok":false,"error":"token_revoked"}`)
		if _, err := w.Refresh(w.Ctx, row.ID); !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("a terminal code: %v", err)
		}
		if now := w.Reload(t, row); health.Of(now).Reason != health.RefreshRejected {
			t.Errorf("after a terminal code it is %s", health.Of(now).Reason)
		}
	})
}

func TestATokenThatLiesElsewhereThanTheOneAskedForIsNotTaken(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		openShop(w, "north")
		w.Vendor.Answer("north.example.com/token", 200, `{"ok":true,"access_token":"robot","authed_user":{"id":"U1"}}`)
		attempt, err := w.Service.Connect(w.Ctx, shopInput(w, map[string]any{"shop": "north"}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Callback(w.Ctx, shopBack(w, attempt, "north"))
		refused(t, err, problem.ProviderFailed)
	})
}

func TestASettingThatIsNoPartOfAnAddressIsRefusedBeforeAnAddressIsMade(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		for name, c := range map[string]struct {
			config map[string]any
			want   string
		}{
			"absent":         {nil, "INVALID input.config.shop"},
			"another host":   {map[string]any{"shop": "evil.test/"}, "INVALID input.config.shop"},
			"a fragment":     {map[string]any{"shop": "evil.test#"}, "INVALID input.config.shop"},
			"user info":      {map[string]any{"shop": "a:b@evil"}, "INVALID input.config.shop"},
			"no text":        {map[string]any{"shop": 7}, "INVALID input.config.shop"},
			"another kind's": {map[string]any{"shop": "north", "access_token": "x"}, "INVALID input.config.access_token"},
		} {
			_, err := w.Service.Connect(w.Ctx, shopInput(w, c.config))
			refusedAs(t, name, err, c.want)
		}
		if n := len(attempts(t, w)); n != 0 {
			t.Errorf("%d attempts were written", n)
		}
	})
}

func TestWhereTheAccessWasGrantedDoesNotChangeUnderAConnection(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		openShop(w, "north")
		openShop(w, "south")
		row := connectShop(t, w, "north")
		_, err := w.Update(w.Ctx, integration.UpdateInput{ID: row.ID, Config: map[string]any{"shop": "south"}})
		refused(t, err, problem.Invalid, "input", "config", "shop")

		in := shopInput(w, map[string]any{"shop": "south"})
		in.IntegrationID, in.AcceptOtherAccount = &row.ID, true
		attempt, err := w.Service.Connect(w.Ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		again, err := w.Callback(w.Ctx, shopBack(w, attempt, "south"))
		if err != nil {
			t.Fatal(err)
		}
		if again.ID != row.ID || *again.AccountID != "south" || again.Config["shop"] != "south" {
			t.Errorf("connected again as %s, %v", *again.AccountID, again.Config)
		}
		// what was granted at the first address is given back there, although the integration speaks of another by now
		retryRevocations(t, w)
		if len(w.Vendor.Calls("north.example.com/revoke")) != 1 || len(w.Vendor.Calls("south.example.com/revoke")) != 0 {
			t.Error("the old grant was not given back where it was granted")
		}
	})
}

func TestOnlyTheHostsOfTheIntegrationsOwnServerAreReached(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		p, _ := w.Catalog.Get("acme_shop")
		wire, err := w.Credentials.Wire(p, map[string]any{"shop": "north"})
		if err != nil {
			t.Fatal(err)
		}
		for _, elsewhere := range []string{"https://south.example.com/token", "https://login.example.com/token"} {
			res, err := wire.HTTP.Get(elsewhere)
			if err == nil {
				_ = res.Body.Close()
			}
			if !problem.Is(err, problem.TargetRefused) {
				t.Errorf("%s: %v", elsewhere, err)
			}
		}
		if _, err := w.Credentials.Wire(p, map[string]any{"shop": "evil.test/"}); !problem.Is(err, problem.Invalid) {
			t.Errorf("a setting that is no part of an address: %v", err)
		}
	})
}

func TestBothWaysToAuthenticateCanBeChosenAndExchanged(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		openShop(w, "north")
		kind := provider.APIKey
		made, err := w.Create(w.Ctx, integration.CreateInput{
			UserID: &w.User.ID, Provider: "acme_shop", AuthKind: &kind, Name: "Shop", Enabled: true,
			Visibility: integration.Private,
			Config:     map[string]any{"shop": "north", "access_token": "typed-in", "label": "mine"},
		})
		if err != nil {
			t.Fatal(err)
		}
		row, err := w.CheckHealth(w.Ctx, made.Integration.ID)
		if err != nil || health.Of(row).Reason != health.OK || row.AuthKind != provider.APIKey {
			t.Fatalf("with a key: %s, %v", health.Of(row).Reason, err)
		}
		in := shopInput(w, nil) // the shop is known, and what belongs to the key alone is left behind
		in.IntegrationID = &row.ID
		attempt, err := w.Service.Connect(w.Ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		row, err = w.Callback(w.Ctx, shopBack(w, attempt, "north"))
		if err != nil {
			t.Fatal(err)
		}
		if row.AuthKind != provider.OAuth2 || row.Config["shop"] != "north" || row.Config["label"] != nil ||
			len(row.SecretNames) != 0 {
			t.Errorf("by authorization: %s, %v, %v", row.AuthKind, row.Config, row.SecretNames)
		}
		first, err := w.Create(w.Ctx, integration.CreateInput{
			UserID: &w.User.ID, Provider: "acme_shop", AuthKind: ptr(provider.OAuth2), Name: "Second",
			Visibility: integration.Private, Config: map[string]any{"shop": "north"},
		})
		if err != nil || integration.StatusOf(first.Integration) != integration.Incomplete {
			t.Errorf("chosen before the consent: %v", err)
		}
	})
}

func ptr[T any](v T) *T { return &v }
