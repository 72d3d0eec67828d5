package sandbox_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/sandbox"
	"github.com/patchbay/patchbay/internal/seal"
)

// desk is the authorization server that acme_desk describes, of the team blue.
func (w *world) desk() *oauth.Server {
	w.t.Helper()
	p, ok := w.catalog.Get("acme_desk")
	if !ok {
		w.t.Fatal("there is no acme_desk")
	}
	server, err := p.Auth.OAuth2.For(map[string]any{"team": "blue"})
	if err != nil {
		w.t.Fatal(err)
	}
	return server
}

func (w *world) deskWire() *oauth.Wire {
	return &oauth.Wire{Server: w.desk(), Client: w.Client("acme_desk"), HTTP: w.http, Now: w.clock.Now}
}

// deskPage is where a person's browser is sent, and the verifier of that.
func (w *world) deskPage(scopes ...string) (string, oauth.AuthorizeRequest) {
	w.t.Helper()
	r := oauth.AuthorizeRequest{
		State: "state-1234567890", Verifier: oauth.NewVerifier(), RedirectURL: redirectURL, Scopes: scopes,
	}
	u, err := w.desk().AuthorizeURL(w.Client("acme_desk"), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.AuthorizeURL(u), r
}

// allow goes through the consent page and returns the token.
func (w *world) allow(scopes ...string) *oauth.Token {
	w.t.Helper()
	page, r := w.deskPage(scopes...)
	res, _ := get(w.t, page+"&sandbox_consent=allow")
	token, err := w.deskWire().Exchange(w.t.Context(), back(w.t, res).Get("code"), r.Verifier, redirectURL)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

func bearer(t *oauth.Token) string { return "Authorization: Bearer " + t.Access.Reveal() }

func TestAManifestsConsentBecomesATokenLikeThatOfItsFixture(t *testing.T) {
	t.Parallel()
	w := startWith(t, acme())
	page, r := w.deskPage("tickets", "write", "stay")
	_, text := get(t, page)
	for _, want := range []string{"Acme Desk", "See tickets", "tickets:read", "Change tickets", "app.example.com"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	res, _ := get(t, page+"&sandbox_consent=allow&sandbox_scopes="+url.QueryEscape("tickets:read keep_me"))
	came := back(t, res)
	if err := w.desk().VerifyAnswer(w.Client("acme_desk"), came); err != nil || came.Get("desk") != "blue.desk.example" ||
		came.Get("iss") != "https://acme.example" {
		t.Errorf("sent back with %v: %v", came, err)
	}
	token, err := w.deskWire().Exchange(t.Context(), came.Get("code"), r.Verifier, redirectURL)
	if err != nil {
		t.Fatal(err)
	}
	if token.ExpiresIn != 30*time.Minute || token.Refresh.IsZero() || token.Type != "user" ||
		!slices.Equal(token.Scopes, []string{"tickets", "stay"}) || token.Extra["team"].(map[string]any)["name"] != "Blue" {
		t.Errorf("%+v", token)
	}
	if got := w.send("GET", deskBase+"/me", "", bearer(token)); got.body["id"] != "u1" {
		t.Errorf("%s", got.text)
	}
	if _, err := w.deskWire().Exchange(t.Context(), came.Get("code"), r.Verifier, redirectURL); err == nil {
		t.Error("a code worked twice")
	}
}

func TestATokenRequestMustBeAsTheManifestSays(t *testing.T) {
	t.Parallel()
	w := startWith(t, acme())
	code := func() string {
		page, _ := w.deskPage("tickets")
		page = strings.NewReplacer("code_challenge=", "ignored=", "code_challenge_method=", "ignored=").Replace(page)
		res, _ := get(t, page+"&sandbox_consent=allow")
		return back(t, res).Get("code")
	}
	const address = "https://blue.desk.example/oauth/token"
	client := w.Client("acme_desk")
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(client.ID+":"+client.Secret.Reveal()))
	good := func() string {
		return `{"grant_type":"authorization_code","code":"` + code() + `","redirect_uri":"` + redirectURL + `"}`
	}
	if got := w.send("POST", address, good(), basic); got.status != 201 {
		t.Errorf("as it should be: %d %s", got.status, got.text)
	}
	inBody := strings.Replace(good(), "{", `{"client_id":"`+client.ID+`","client_secret":"`+client.Secret.Reveal()+`",`, 1)
	for name, got := range map[string]said{
		"the client in the body": w.send("POST", address, inBody),
		"no client":              w.send("POST", address, good()),
		"another client's": w.send("POST", address, good(), "Authorization: Basic "+
			base64.StdEncoding.EncodeToString([]byte(w.Client("google").ID+":x"))),
		"a form": w.send("POST", address, "grant_type=authorization_code", basic,
			"Content-Type: application/x-www-form-urlencoded"),
		"no JSON":          w.send("POST", address, "{", basic),
		"a list":           w.send("POST", address, "[]", basic),
		"a made-up code":   w.send("POST", address, strings.Replace(good(), `"code":"`, `"code":"x`, 1), basic),
		"another redirect": w.send("POST", address, strings.Replace(good(), "tenant=7", "tenant=8", 1), basic),
		"no grant type":    w.send("POST", address, "{}", basic),
		"GET":              w.send("GET", address, "", basic),
	} {
		if got.status < 400 || got.status > 405 || got.body["error"] == nil {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
}

func TestRefreshTokensRotateAndEndAsTheManifestSays(t *testing.T) {
	t.Parallel()
	w := startWith(t, acme())
	first := w.allow("tickets")
	second, err := w.deskWire().Refresh(t.Context(), first.Refresh)
	if err != nil || second.Refresh.IsZero() || second.ExpiresIn != 30*time.Minute {
		t.Fatalf("%+v %v", second, err)
	}
	if _, err := w.deskWire().Refresh(t.Context(), first.Refresh); err != nil {
		t.Errorf("in its grace, a spent refresh token: %v", err)
	}
	w.clock.Add(3 * time.Minute)
	got := w.send("POST", "https://blue.desk.example/oauth/token",
		`{"grant_type":"refresh_token","refresh_token":"`+first.Refresh.Reveal()+`"}`, w.basic())
	if got.status != 400 || got.body["hint"] != "it was used before" {
		t.Errorf("a spent refresh token: %d %s", got.status, got.text)
	}
	refused := func(token *oauth.Token) bool {
		got := w.send("GET", deskBase+"/me", "", bearer(token))
		return got.status == 200 && got.body["why"] == "bad_token" && got.header.Get("X-Why") == "token"
	}
	if refused(second) {
		t.Error("a fresh token is refused")
	}
	w.clock.Add(31 * time.Minute)
	if !refused(second) {
		t.Error("a token outlives its lifetime")
	}
	third, err := w.deskWire().Refresh(t.Context(), second.Refresh)
	if err != nil || refused(third) {
		t.Fatalf("after expiry: %v", err)
	}
	if err := w.deskWire().Revoke(t.Context(), third.Refresh); err != nil {
		t.Errorf("revoke: %v", err)
	}
	if !refused(third) {
		t.Error("a token outlives its revocation")
	}
	if err := w.deskWire().Revoke(t.Context(), third.Refresh); err != nil {
		t.Errorf("revoking what is gone: %v", err)
	}
}

func (w *world) basic() string {
	client := w.Client("acme_desk")
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(client.ID+":"+client.Secret.Reveal()))
}

func TestAnAPIAsksForACredentialThatIsGood(t *testing.T) {
	t.Parallel()
	w := startWith(t, acme())
	good, google := w.allow("tickets"), w.connect("ada@example.com", "calendar.readonly")
	open := func(headers ...string) bool { return w.send("GET", deskBase+"/me", "", headers...).body["id"] == "u1" }
	if !open(bearer(good)) || !open(deskKey) {
		t.Error("a good credential is refused")
	}
	for name, headers := range map[string][]string{
		"none":                        nil,
		"an empty key":                {"X-Desk-Key: "},
		"an unknown token":            {"Authorization: Bearer xyz"},
		"another vendor's token":      {bearer(google)},
		"a token as a key":            {"X-Desk-Key: " + good.Access.Reveal() + "x"},
		"a refresh token":             {"Authorization: Bearer " + good.Refresh.Reveal()},
		"a key in the wrong place":    {"Authorization: Bearer desk_12345678"},
		"a token without its bearing": {"Authorization: " + good.Access.Reveal()},
	} {
		if open(headers...) {
			t.Errorf("%s is let in", name)
		}
	}
	if status, _ := w.call(good.Access, listURL); status == http.StatusOK {
		t.Errorf("the desk's token opens a calendar: %d", status)
	}
}

func TestAKeyIsGoodUntilItIsRevoked(t *testing.T) {
	t.Parallel()
	w := startWith(t, acme())
	open := func(key string) bool { return w.send("GET", deskBase+"/me", "", "X-Desk-Key: "+key).body["id"] == "u1" }
	if !open("one") || !open("two") || len(w.Grants()) != 2 {
		t.Fatalf("%v", w.Grants())
	}
	if _, err := w.Faults().Add(sandbox.Fault{Kind: sandbox.Revoke, Grant: w.Grants()[0].ID}); err != nil {
		t.Fatal(err)
	}
	if open("one") == open("two") {
		t.Error("one of two keys was to end")
	}
	if n, err := w.Faults().Revoke(""); n != 1 || err != nil || open("one") || open("two") || !open("three") {
		t.Errorf("%d %v", n, err)
	}
	w.clock.Add(24 * time.Hour)
	if open("one") || !open("three") {
		t.Error("a day changes what a key is")
	}
}

func TestFaultsAreWordedAsTheFixturesWordThem(t *testing.T) {
	t.Parallel()
	w := startWith(t, acme())
	token := w.allow("tickets")
	for _, c := range []struct {
		fault  sandbox.Fault
		status int
		want   string
	}{
		{sandbox.Fault{Kind: sandbox.TooManyRequests, RetryAfter: 3 * time.Second}, 200, "slow_down"},
		{sandbox.Fault{Kind: sandbox.RateLimited}, 200, "slow_down"},
		{sandbox.Fault{Kind: sandbox.Unauthorized}, 200, "bad_token"},
		{sandbox.Fault{Kind: sandbox.ServerError}, 500, "error"},
		{sandbox.Fault{Kind: sandbox.HTML}, 200, "<!DOCTYPE html>"},
		{sandbox.Fault{Kind: sandbox.Answer, Status: 418, Body: "teapot"}, 418, "teapot"},
	} {
		c.fault.Times, c.fault.Host, c.fault.Account = 1, "blue.desk.example", "ada@example.com"
		if _, err := w.Faults().Add(c.fault); err != nil {
			t.Fatal(err)
		}
		if got := w.send("GET", "https://green.desk.example/api/me", "", bearer(token)); got.body["id"] != "u1" {
			t.Errorf("%s at another host: %s", c.fault.Kind, got.text)
		}
		got := w.send("GET", deskBase+"/me", "", bearer(token))
		if got.status != c.status || !strings.Contains(got.text, c.want) ||
			c.fault.RetryAfter > 0 && got.header.Get("Retry-After") != "3" {
			t.Errorf("%s: %d %s %v", c.fault.Kind, got.status, got.text, got.header)
		}
		if got := w.send("GET", deskBase+"/me", "", bearer(token)); got.body["id"] != "u1" {
			t.Errorf("after %s: %s", c.fault.Kind, got.text)
		}
	}
	for kind, code := range map[sandbox.FaultKind]string{
		sandbox.TooManyRequests: "rate_limit_exceeded", sandbox.ServerError: "server_error",
		sandbox.Unauthorized: "invalid_client",
	} {
		if _, err := w.Faults().Add(sandbox.Fault{Kind: kind, Path: "/oauth/token", Times: 1}); err != nil {
			t.Fatal(err)
		}
		if got := w.send("POST", "https://blue.desk.example/oauth/token", "{}", w.basic()); got.body["error"] != code {
			t.Errorf("%s at the token endpoint: %d %s", kind, got.status, got.text)
		}
	}
}

func TestAClientGetsATokenForItselfOnceTheLastHasEnded(t *testing.T) {
	t.Parallel()
	w := startWith(t, acme())
	p, _ := w.catalog.Get("acme_mint")
	wire := &oauth.Wire{Server: p.Auth.OAuth2, Client: w.Client("acme_mint"), HTTP: w.http, Now: w.clock.Now}
	open := func(token *oauth.Token) bool {
		return w.send("GET", "https://mint.example/api/me", "", bearer(token)).status == 200
	}
	minted, err := wire.Mint(t.Context(), []string{"all"})
	if err != nil || !minted.Refresh.IsZero() || !open(minted) || !slices.Equal(minted.Scopes, []string{"all"}) {
		t.Fatalf("%+v %v", minted, err)
	}
	for name, body := range map[string]string{
		"an unknown scope": "grant_type=client_credentials&scope=none&client_id=" + wire.Client.ID + "&client_secret=" +
			wire.Client.Secret.Reveal(),
		"no proof": "grant_type=client_credentials&scope=all",
	} {
		got := w.send("POST", "https://mint.example/token", body, "Content-Type: application/x-www-form-urlencoded")
		if got.status < 400 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	u, err := p.Auth.OAuth2.AuthorizeURL(wire.Client, oauth.AuthorizeRequest{
		State: "state-1234567890", RedirectURL: redirectURL, Scopes: []string{"all"}})
	if err != nil {
		t.Fatal(err)
	}
	res, _ := get(t, w.AuthorizeURL(u)+"&sandbox_consent=allow")
	token, err := wire.Exchange(t.Context(), back(t, res).Get("code"), seal.Secret{}, redirectURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wire.Refresh(t.Context(), token.Refresh); err == nil {
		t.Error("a token is renewed while it works")
	}
	w.clock.Add(11 * time.Minute)
	if open(token) || open(minted) {
		t.Error("a token outlives its lifetime")
	}
	if again, err := wire.Refresh(t.Context(), token.Refresh); err != nil || !open(again) {
		t.Errorf("once it has ended: %v", err)
	}
}
