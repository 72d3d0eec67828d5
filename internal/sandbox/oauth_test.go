package sandbox_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/sandbox"
	"github.com/patchbay/patchbay/internal/seal"
)

func TestAConsentBecomesTokensThatOpenTheCalendar(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	v := oauth.NewVerifier()
	res, page := get(t, w.authorizeURL(v, "calendar.readonly", "gmail.readonly"))
	for _, want := range []string{w.Client("google").ID, "app.example.com", calendarScope, mailScope, "ada@example.com",
		"grace@example.com", `value="allow"`, `value="refuse"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("policy %q", csp)
	}
	if strings.Contains(page, "src=") || strings.Contains(page, "href=") {
		t.Error("the page loads something")
	}

	form := url.Values{"page": {"1"}, "decision": {"allow"}, "account": {"grace@example.com"},
		"scope_granted": {calendarScope}}
	res, _ = visit(t, request(t, http.MethodPost, w.authorizeURL(v, "calendar.readonly", "gmail.readonly"), form))
	got := back(t, res)
	if got.Get("scope") != calendarScope || got.Get("iss") != "https://accounts.google.com" {
		t.Errorf("sent back with %v", got)
	}
	tok, err := w.wire().Exchange(t.Context(), got.Get("code"), v, redirectURL)
	if err != nil {
		t.Fatal(err)
	}
	if len(tok.Scopes) != 1 || tok.Scopes[0] != "calendar.readonly" || tok.ExpiresIn != 3599*time.Second ||
		tok.Refresh.IsZero() || !strings.EqualFold(tok.Type, "Bearer") {
		t.Errorf("token %+v", tok)
	}
	status, doc := w.call(tok.Access, calendarBase+"/users/me/calendarList/primary")
	if status != 200 || doc["id"] != "grace@example.com" {
		t.Errorf("%d %v", status, doc)
	}
	if status, doc := w.call(tok.Access, mailBase+"/profile"); status != 403 || reason(doc) != "insufficientPermissions" {
		t.Errorf("an unticked scope gave %d %v", status, doc)
	}
	if n := w.Requests("oauth2.googleapis.com", "/token"); n != 1 {
		t.Errorf("%d token requests", n)
	}
}

func TestACurlGoesThroughConsent(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	at := func() string { return w.authorizeURL(oauth.NewVerifier(), "calendar.readonly", "gmail.readonly") }
	header := request(t, http.MethodGet, at(), nil)
	header.Header.Set("Sandbox-Consent", "allow")
	for name, req := range map[string]*http.Request{
		"by parameter": request(t, http.MethodGet, at()+"&sandbox_consent=allow", nil),
		"by header":    header,
		"by form":      request(t, http.MethodPost, at(), url.Values{"decision": {"allow"}}),
	} {
		res, _ := visit(t, req)
		if got := back(t, res); got.Get("code") == "" || got.Get("scope") != calendarScope+" "+mailScope {
			t.Errorf("%s: %v", name, got)
		}
	}
	res, _ := get(t, at()+"&sandbox_consent=allow&sandbox_scopes="+url.QueryEscape(mailScope))
	if got := back(t, res); got.Get("scope") != mailScope {
		t.Errorf("chosen scopes: %v", got)
	}
	res, _ = get(t, at()+"&sandbox_consent=allow&sandbox_account=eve@example.com")
	if res.StatusCode != 400 {
		t.Errorf("an unknown account got %d", res.StatusCode)
	}
}

func TestARefusalGoesBackToTheClient(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	at := w.authorizeURL(oauth.NewVerifier(), "calendar.readonly")
	for name, form := range map[string]url.Values{
		"refuse":       {"decision": {"refuse"}},
		"all unticked": {"decision": {"allow"}, "page": {"1"}},
	} {
		res, _ := visit(t, request(t, http.MethodPost, at, form))
		if got := back(t, res); got.Get("error") != "access_denied" || got.Has("code") {
			t.Errorf("%s: %v", name, got)
		}
	}
	if len(w.Grants()) != 0 {
		t.Errorf("grants %v", w.Grants())
	}
}

func TestWhatAVendorDoesNotTrustStaysOnItsOwnPage(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	good := w.authorizeURL(oauth.NewVerifier(), "calendar.readonly")
	change := func(key, value string) string {
		u, _ := url.Parse(good)
		q := u.Query()
		q.Set(key, value)
		u.RawQuery = q.Encode()
		return u.String() + "&sandbox_consent=allow"
	}
	for name, u := range map[string]string{
		"unknown client":      change("client_id", "google-000000000000.apps.sandbox.example"),
		"redirect to script":  change("redirect_uri", "javascript:alert(1)"),
		"relative redirect":   change("redirect_uri", "/callback"),
		"redirect with user":  change("redirect_uri", "https://a:b@example.com/"),
		"unknown scope":       change("scope", "https://www.googleapis.com/auth/everything"),
		"no scope":            change("scope", ""),
		"implicit flow":       change("response_type", "token"),
		"short challenge":     change("code_challenge", "abc"),
		"unknown challenge":   change("code_challenge_method", "S512"),
		"markup in the scope": change("scope", "<script>alert(1)</script>"),
	} {
		res, page := get(t, u)
		if res.StatusCode < 400 || res.Header.Get("Location") != "" {
			t.Errorf("%s: %d to %q", name, res.StatusCode, res.Header.Get("Location"))
		}
		if strings.Contains(page, "<script") {
			t.Errorf("%s: markup is shown as it came", name)
		}
	}
}

// post sends a form to the token host and returns the status and the OAuth error.
func (w *world) post(path string, form url.Values) (int, string, string) {
	w.t.Helper()
	res, err := w.http.Do(request(w.t, http.MethodPost, "https://oauth2.googleapis.com"+path, form))
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var doc map[string]any
	decode(w.t, res.Body, &doc)
	code, _ := doc["error"].(string)
	text, _ := doc["error_description"].(string)
	return res.StatusCode, code, text
}

func TestACodeIsGoodOnceForItsVerifierItsClientAndItsRedirect(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	fresh := func() (string, seal.Secret) {
		v := oauth.NewVerifier()
		res, _ := get(t, w.authorizeURL(v, "calendar.readonly")+"&sandbox_consent=allow")
		return back(t, res).Get("code"), v
	}
	exchange := func(edit func(url.Values)) (int, string, string) {
		code, v := fresh()
		c := w.Client("google")
		form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {v.Reveal()},
			"redirect_uri": {redirectURL}, "client_id": {c.ID}, "client_secret": {c.Secret.Reveal()}}
		edit(form)
		return w.post("/token", form)
	}
	other := w.Client("other")
	for name, c := range map[string]struct {
		edit   func(url.Values)
		status int
		code   string
	}{
		"as it should be":  {func(url.Values) {}, 200, ""},
		"wrong verifier":   {func(f url.Values) { f.Set("code_verifier", strings.Repeat("x", 43)) }, 400, "invalid_grant"},
		"no verifier":      {func(f url.Values) { f.Del("code_verifier") }, 400, "invalid_grant"},
		"unknown code":     {func(f url.Values) { f.Set("code", "4/0Anothing") }, 400, "invalid_grant"},
		"another redirect": {func(f url.Values) { f.Set("redirect_uri", "https://evil.example/") }, 400, "invalid_grant"},
		"wrong secret":     {func(f url.Values) { f.Set("client_secret", "guess") }, 401, "invalid_client"},
		"no client":        {func(f url.Values) { f.Del("client_id") }, 401, "invalid_client"},
		"expired":          {func(url.Values) { w.clock.Add(11 * time.Minute) }, 400, "invalid_grant"},
		"password grant":   {func(f url.Values) { f.Set("grant_type", "password") }, 400, "invalid_request"},
		"client credentials": {func(f url.Values) { f.Set("grant_type", "client_credentials") }, 400,
			"unsupported_grant_type"},
		"no grant type": {func(f url.Values) { f.Del("grant_type") }, 400, "unsupported_grant_type"},
		"another known client": {func(f url.Values) {
			f.Set("client_id", other.ID)
			f.Set("client_secret", other.Secret.Reveal())
		}, 400, "invalid_grant"},
	} {
		if status, code, _ := exchange(c.edit); status != c.status || code != c.code {
			t.Errorf("%s: %d %s", name, status, code)
		}
	}

	code, v := fresh()
	if _, err := w.wire().Exchange(t.Context(), code, v, redirectURL); err != nil {
		t.Fatal(err)
	}
	_, err := w.wire().Exchange(t.Context(), code, v, redirectURL)
	if e, ok := errors.AsType[*oauth.Error](err); !ok || e.Kind != oauth.Rejected || e.Code != "invalid_grant" {
		t.Errorf("a code used twice gave %v", err)
	}
}

func TestARefreshKeepsTheRefreshTokenAsGoogleDoes(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	w.clock.Add(time.Hour)
	if status, doc := w.call(tok.Access, listURL); status != 401 || reason(doc) != "authError" {
		t.Errorf("an expired token gave %d %v", status, doc)
	}
	for range 2 {
		next, err := w.wire().Refresh(t.Context(), tok.Refresh)
		if err != nil {
			t.Fatal(err)
		}
		if !next.Refresh.IsZero() || next.Access == tok.Access {
			t.Errorf("a refresh gave %+v", next)
		}
		if status, _ := w.call(next.Access, calendarBase+"/users/me/calendarList"); status != 200 {
			t.Errorf("the refreshed token gave %d", status)
		}
	}
	w.clock.Add(181 * 24 * time.Hour)
	if _, err := w.wire().Refresh(t.Context(), tok.Refresh); err == nil {
		t.Error("a refresh token that nobody used for half a year still works")
	}
}

func TestARefreshTokenIsTheClientsOwnAndItsScopesAreTheMost(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	mine, other := w.Client("google"), w.Client("other")
	ask := func(c oauth.Client, scope string) (int, string, string) {
		return w.post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tok.Refresh.Reveal()},
			"client_id": {c.ID}, "client_secret": {c.Secret.Reveal()}, "scope": {scope}})
	}
	if status, code, _ := ask(other, ""); status != 400 || code != "invalid_grant" {
		t.Errorf("another client got %d %s", status, code)
	}
	if status, code, _ := ask(mine, mailScope); status != 400 || code != "invalid_scope" {
		t.Errorf("a wider scope got %d %s", status, code)
	}
	if status, _, _ := ask(mine, calendarScope); status != 200 {
		t.Errorf("the same scope got %d", status)
	}
}

func TestRotationUsesUpTheRefreshToken(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{RotateRefreshTokens: true})
	tok := w.connect("ada@example.com", "calendar.readonly")
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	var next *oauth.Token
	for range 8 {
		wg.Go(func() {
			got, err := w.wire().Refresh(t.Context(), tok.Refresh)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
				next = got
			} else if e, ok := errors.AsType[*oauth.Error](err); !ok || e.Kind != oauth.Rejected {
				t.Errorf("a loser got %v", err)
			}
		})
	}
	wg.Wait()
	if won != 1 || next.Refresh.IsZero() || next.Refresh == tok.Refresh {
		t.Fatalf("%d of 8 refreshes won: %+v", won, next)
	}
	if _, err := w.wire().Refresh(t.Context(), next.Refresh); err != nil {
		t.Errorf("the next token: %v", err)
	}
}

func TestWithoutOfflineAccessThereIsNoRefreshToken(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	connect := func(params map[string]string) *oauth.Token {
		server := googleServer()
		server.Authorize.Params = params
		v := oauth.NewVerifier()
		u, err := server.AuthorizeURL(w.Client("google"), oauth.AuthorizeRequest{
			State: "state-1234567890", Verifier: v, RedirectURL: redirectURL, Scopes: []string{"calendar.readonly"}})
		if err != nil {
			t.Fatal(err)
		}
		res, _ := get(t, w.AuthorizeURL(u)+"&sandbox_consent=allow")
		tok, err := w.wire().Exchange(t.Context(), back(t, res).Get("code"), v, redirectURL)
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	if tok := connect(nil); !tok.Refresh.IsZero() {
		t.Error("online access gave a refresh token")
	}
	offline := map[string]string{"access_type": "offline"}
	if tok := connect(offline); tok.Refresh.IsZero() {
		t.Error("the first offline access gave no refresh token")
	}
	if tok := connect(offline); !tok.Refresh.IsZero() {
		t.Error("the second offline access gave a refresh token without a new consent")
	}
}

func TestRevocationEndsTheGrant(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	kept := w.connect("ada@example.com", "calendar.readonly")
	for name, pick := range map[string]func(*oauth.Token) seal.Secret{
		"by refresh token": func(t *oauth.Token) seal.Secret { return t.Refresh },
		"by access token":  func(t *oauth.Token) seal.Secret { return t.Access },
	} {
		tok := w.connect("ada@example.com", "calendar.readonly")
		if err := w.wire().Revoke(t.Context(), pick(tok)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if status, _ := w.call(tok.Access, calendarBase+"/users/me/calendarList"); status != 401 {
			t.Errorf("%s: the access token gave %d", name, status)
		}
		c := w.Client("google")
		status, code, text := w.post("/token", url.Values{"grant_type": {"refresh_token"},
			"refresh_token": {tok.Refresh.Reveal()}, "client_id": {c.ID}, "client_secret": {c.Secret.Reveal()}})
		if status != 400 || code != "invalid_grant" || text != "Token has been expired or revoked." {
			t.Errorf("%s: %d %s %s", name, status, code, text)
		}
		if status, code, _ := w.post("/revoke", url.Values{"token": {tok.Refresh.Reveal()}}); status != 400 ||
			code != "invalid_token" {
			t.Errorf("%s: again gave %d %s", name, status, code)
		}
	}
	if status, _ := w.call(kept.Access, calendarBase+"/users/me/calendarList"); status != 200 {
		t.Errorf("another grant of the account was hit: %d", status)
	}
}

func TestAClientMayProveItselfByBasic(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	wire := w.wire()
	wire.Server.Token.Client = oauth.ClientBasic
	if _, err := wire.Refresh(t.Context(), tok.Refresh); err != nil {
		t.Fatal(err)
	}
	wire.Client.Secret = seal.NewSecret("guess")
	_, err := wire.Refresh(t.Context(), tok.Refresh)
	if e, ok := errors.AsType[*oauth.Error](err); !ok || e.Kind != oauth.Misconfigured {
		t.Errorf("a wrong secret gave %v", err)
	}
}

func TestACallWithoutAKnownTokenIsRefusedAsGoogleDoes(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	for _, token := range []string{"", "guess", "ya29.a0" + strings.Repeat("A", 64)} {
		status, doc := w.call(seal.NewSecret(token), calendarBase+"/calendars/primary/events")
		if status != 401 || reason(doc) != "authError" {
			t.Errorf("%q gave %d %v", token, status, doc)
		}
	}
}

func TestUserinfoTellsWhatItsScopesAllow(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	server := googleServer()
	for _, name := range []string{"openid", "email", "profile"} {
		server.Scopes = append(server.Scopes, oauth.Scope{Name: name})
	}
	for scope, want := range map[string]string{"openid": "", "email": "grace@example.com", "profile": ""} {
		v := oauth.NewVerifier()
		u, err := server.AuthorizeURL(w.Client("google"), oauth.AuthorizeRequest{
			State: "state-1234567890", Verifier: v, RedirectURL: redirectURL, Scopes: []string{scope}})
		if err != nil {
			t.Fatal(err)
		}
		res, _ := get(t, w.AuthorizeURL(u)+"&sandbox_consent=allow&login_hint=grace@example.com")
		tok, err := w.wire().Exchange(t.Context(), back(t, res).Get("code"), v, redirectURL)
		if err != nil {
			t.Fatal(err)
		}
		status, doc := w.call(tok.Access, "https://www.googleapis.com/oauth2/v2/userinfo")
		email, _ := doc["email"].(string)
		if status != 200 || doc["id"] == "" || email != want || (doc["given_name"] == "Grace") != (scope == "profile") {
			t.Errorf("%s: %d %v", scope, status, doc)
		}
	}
}
