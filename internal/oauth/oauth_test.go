package oauth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/seal"
)

const mark = "MARKED-SECRET-7f3a"

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func server(at string) *oauth.Server {
	return &oauth.Server{
		Authorize: oauth.Authorize{
			URL: "https://login.example/authorize?fixed=1", Params: map[string]string{"access_type": "offline"},
		},
		Token:   oauth.TokenEndpoint{URL: at + "/token", Params: map[string]any{"expiring": "1"}},
		Refresh: oauth.Refresh{Terminal: []string{"token_revoked"}},
		Revoke:  oauth.Revoke{URL: at + "/revoke"},
		Scopes: []oauth.Scope{
			{Name: "calendar.readonly", Value: "https://scopes.example/calendar.readonly"},
			{Name: "mail"},
		},
	}
}

// vendor answers every request with handle and returns a wire to it.
func vendor(t *testing.T, handle http.HandlerFunc) *oauth.Wire {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return &oauth.Wire{
		Server: server(s.URL), Client: oauth.Client{ID: "client-1", Secret: seal.NewSecret(mark + "-client")},
		HTTP: s.Client(), Now: func() time.Time { return noon },
	}
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestTheAuthorizationURLCarriesAnS256ChallengeAndTheVendorsScopes(t *testing.T) {
	t.Parallel()
	s, verifier := server("https://login.example"), oauth.NewVerifier()
	raw, err := s.AuthorizeURL(oauth.Client{ID: "client-1"}, oauth.AuthorizeRequest{
		State: "st", Verifier: verifier, RedirectURL: "https://app.example/cb", Scopes: []string{"mail", "calendar.readonly"},
	})
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(raw)
	sum := sha256.Sum256([]byte(verifier.Reveal()))
	want := url.Values{
		"fixed": {"1"}, "access_type": {"offline"}, "client_id": {"client-1"}, "response_type": {"code"}, "state": {"st"},
		"redirect_uri": {"https://app.example/cb"}, "scope": {"mail https://scopes.example/calendar.readonly"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(raw, verifier.Reveal()) {
		t.Error("the URL holds the verifier")
	}
}

func TestAnAuthorizationURLIsRefusedWithoutWhatMakesItSafe(t *testing.T) {
	t.Parallel()
	whole := oauth.AuthorizeRequest{State: "st", Verifier: oauth.NewVerifier(), Scopes: []string{"mail"}}
	for name, spoil := range map[string]func(*oauth.AuthorizeRequest, *oauth.Client){
		"no state":         func(r *oauth.AuthorizeRequest, _ *oauth.Client) { r.State = "" },
		"no verifier":      func(r *oauth.AuthorizeRequest, _ *oauth.Client) { r.Verifier = seal.Secret{} },
		"an unknown scope": func(r *oauth.AuthorizeRequest, _ *oauth.Client) { r.Scopes = []string{"everything"} },
		"no client":        func(_ *oauth.AuthorizeRequest, c *oauth.Client) { c.ID = "" },
	} {
		r, c := whole, oauth.Client{ID: "client-1"}
		spoil(&r, &c)
		if u, err := server("https://login.example").AuthorizeURL(c, r); err == nil {
			t.Errorf("%s: got %s", name, u)
		}
	}
	s := server("https://login.example")
	s.PKCE, s.Authorize.ScopeSeparator = oauth.PKCENone, ","
	got, err := s.AuthorizeURL(oauth.Client{ID: "c"}, oauth.AuthorizeRequest{
		State: "s", Scopes: []string{"mail", "calendar.readonly"},
	})
	if err != nil || strings.Contains(got, "challenge") || !strings.Contains(got, "scope=mail%2Chttps") {
		t.Errorf("without PKCE: %s, %v", got, err)
	}
}

func TestAnExchangeSendsWhatTheManifestSays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		client oauth.ClientAuth
		body   oauth.Body
	}{
		"post form": {}, "basic form": {client: oauth.ClientBasic},
		"post json": {body: oauth.BodyJSON}, "basic json": {client: oauth.ClientBasic, body: oauth.BodyJSON},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := map[string]string{}
			var user, password string
			w := vendor(t, func(w http.ResponseWriter, r *http.Request) {
				user, password, _ = r.BasicAuth()
				if c.body == oauth.BodyJSON {
					_ = json.NewDecoder(r.Body).Decode(&got)
				} else {
					_ = r.ParseForm()
					for k := range r.PostForm {
						got[k] = r.PostForm.Get(k)
					}
				}
				_, _ = io.WriteString(w, `{"access_token":"a"}`)
			})
			w.Server.Token.Client, w.Server.Token.Body = c.client, c.body
			w.Client.Secret = seal.NewSecret("a b:c%")
			if _, err := w.Exchange(t.Context(), "the-code", seal.NewSecret("ver"), "https://app.example/cb"); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{
				"grant_type": "authorization_code", "code": "the-code", "code_verifier": "ver",
				"redirect_uri": "https://app.example/cb", "expiring": "1",
			}
			if c.client == oauth.ClientBasic {
				if user != "client-1" || password != url.QueryEscape("a b:c%") {
					t.Errorf("basic = %q %q", user, password)
				}
			} else {
				want["client_id"], want["client_secret"] = "client-1", "a b:c%"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestATokenKeepsOnlyWhatTheAnswerSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer  string
		refresh string
		expires time.Duration
		scopes  []string
		extra   map[string]any
	}{
		"everything": {
			answer: `{"access_token":"a","refresh_token":"r","expires_in":3599,"token_type":"Bearer",
				"scope":"https://scopes.example/calendar.readonly mail openid","id_token":"x",
				"authed_user":{"id":"U1","access_token":"y"},"bot_id":"b"}`,
			refresh: "r", expires: 3599 * time.Second, scopes: []string{"calendar.readonly", "mail", "openid"},
			extra: map[string]any{"bot_id": "b", "authed_user": map[string]any{"id": "U1"}},
		},
		"nothing else":            {answer: `{"access_token":"a"}`, extra: map[string]any{}},
		"a null refresh token":    {answer: `{"access_token":"a","refresh_token":null,"expires_in":null}`},
		"seconds as a string":     {answer: `{"access_token":"a","expires_in":"60"}`, expires: time.Minute},
		"seconds beyond reason":   {answer: `{"access_token":"a","expires_in":1e300}`, expires: 10 * 365 * 24 * time.Hour},
		"a lifetime that is past": {answer: `{"access_token":"a","expires_in":-5}`},
		"scopes as a list":        {answer: `{"access_token":"a","scope":["mail","mail"]}`, scopes: []string{"mail"}},
		"scopes with commas":      {answer: `{"access_token":"a","scope":"mail,other"}`, scopes: []string{"mail", "other"}},
		"an empty scope":          {answer: `{"access_token":"a","scope":""}`},
		"an error that is empty":  {answer: `{"access_token":"a","error":"","ok":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tok, err := vendor(t, says(200, c.answer)).Refresh(t.Context(), seal.NewSecret("old"))
			if err != nil {
				t.Fatal(err)
			}
			if tok.Access.Reveal() != "a" || tok.Refresh.Reveal() != c.refresh || tok.ExpiresIn != c.expires {
				t.Errorf("got %q %q %v", tok.Access.Reveal(), tok.Refresh.Reveal(), tok.ExpiresIn)
			}
			if diff := cmp.Diff(c.scopes, tok.Scopes); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.extra, tok.Extra); c.extra != nil && diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOnlyDefinitiveEvidenceIsARejection(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		kind   oauth.Kind
		code   string
	}{
		"a dead grant": {
			400, `{"error":"invalid_grant","error_description":"` + mark + `"}`, oauth.Rejected, "invalid_grant",
		},
		"a dead grant with status 200": {200, `{"ok":false,"error":"token_revoked"}`, oauth.Rejected, "token_revoked"},
		"a terminal code beside a token": {
			200, `{"access_token":"a","error":"token_revoked"}`, oauth.Rejected, "token_revoked",
		},
		"an ill server that says so": {503, `{"error":"invalid_grant"}`, oauth.Transient, "invalid_grant"},
		"too many requests":          {429, `{"error":"invalid_grant"}`, oauth.Transient, "invalid_grant"},
		"a refused client":           {401, `{"error":"invalid_client"}`, oauth.Misconfigured, "invalid_client"},
		"an unauthorized client": {
			403, `{"error":"unauthorized_client"}`, oauth.Misconfigured, "unauthorized_client",
		},
		"an unknown code":               {400, `{"error":"something_new"}`, oauth.Transient, "something_new"},
		"an error object":               {400, `{"error":{"code":"invalid_grant","text":"` + mark + `"}}`, oauth.Transient, ""},
		"not ok without a code":         {200, `{"ok":false,"access_token":"a"}`, oauth.Transient, ""},
		"a page":                        {200, `<html>` + mark, oauth.Transient, ""},
		"a page that refuses":           {400, `<html>invalid_grant</html>`, oauth.Transient, ""},
		"nothing":                       {200, ``, oauth.Transient, ""},
		"an empty access token":         {200, `{"access_token":"","refresh_token":"` + mark + `"}`, oauth.Transient, ""},
		"a number for a token":          {200, `{"access_token":17}`, oauth.Transient, ""},
		"a list":                        {200, `["` + mark + `"]`, oauth.Transient, ""},
		"null":                          {200, `null`, oauth.Transient, ""},
		"two documents":                 {200, `{"access_token":"a"}{"access_token":"b"}`, oauth.Transient, ""},
		"cut JSON":                      {200, `{"access_token":"` + mark, oauth.Transient, ""},
		"a huge answer":                 {200, `{"access_token":"` + strings.Repeat("x", 1<<20) + `"}`, oauth.Transient, ""},
		"a redirect":                    {302, `{}`, oauth.Transient, ""},
		"a code that repeats the token": {400, `{"error":"` + mark + `-refresh"}`, oauth.Transient, ""},
		"a code that is a sentence":     {400, `{"error":"the grant ` + mark + ` is unknown"}`, oauth.Transient, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := vendor(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				says(c.status, c.body)(w, r)
			})
			for step, call := range map[string]func() (*oauth.Token, error){
				"refresh": func() (*oauth.Token, error) { return w.Refresh(t.Context(), seal.NewSecret(mark+"-refresh")) },
				"exchange": func() (*oauth.Token, error) {
					return w.Exchange(t.Context(), mark+"-refresh", seal.NewSecret(mark), "")
				},
			} {
				tok, err := call()
				e, ok := errors.AsType[*oauth.Error](err)
				if !ok || tok != nil || e.Kind != c.kind || e.Code != c.code || e.HTTPStatus != c.status {
					t.Errorf("%s: %v (%+v)", step, err, e)
				}
				if strings.Contains(fmt.Sprintf("%v %+v", err, e), mark) {
					t.Errorf("%s: the error holds a secret: %v", step, err)
				}
			}
		})
	}
}

func TestRetryAfterIsReadAndBounded(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"17": 17 * time.Second, "0": 0, "-4": 0, "999999999": oauth.MaxRetryAfter,
		"99999999999999999999999": 0, "soon": 0, "": 0,
		noon.Add(90 * time.Second).Format(http.TimeFormat):    90 * time.Second,
		noon.Add(-90 * time.Second).Format(http.TimeFormat):   0,
		noon.Add(1000 * time.Hour).Format(http.TimeFormat):    oauth.MaxRetryAfter,
		noon.AddDate(900, 0, 0).UTC().Format(http.TimeFormat): oauth.MaxRetryAfter,
	} {
		w := vendor(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", header)
			w.WriteHeader(429)
		})
		_, err := w.Refresh(t.Context(), seal.NewSecret("r"))
		if e, ok := errors.AsType[*oauth.Error](err); !ok || e.RetryAfter != want {
			t.Errorf("%q: %v, want %v", header, e.RetryAfter, want)
		}
	}
}

type broken struct{ err error }

func (b broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, b.err }

func TestANetworkThatFailsIsTransientAndQuotesNothing(t *testing.T) {
	t.Parallel()
	w := vendor(t, says(200, `{}`))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Refresh(ctx, seal.NewSecret(mark))
	if e, ok := errors.AsType[*oauth.Error](err); !ok || e.Kind != oauth.Transient || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	w.HTTP = &http.Client{Transport: broken{fmt.Errorf("malformed HTTP response %q", mark)}}
	_, err = w.Refresh(t.Context(), seal.NewSecret("r"))
	if e, ok := errors.AsType[*oauth.Error](err); !ok || e.Kind != oauth.Transient || strings.Contains(err.Error(), mark) {
		t.Errorf("malformed: %v", err)
	}
	w = vendor(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"access_token":"`+mark)
	})
	_, err = w.Refresh(t.Context(), seal.NewSecret("r"))
	if e, ok := errors.AsType[*oauth.Error](err); !ok || e.Kind != oauth.Transient || strings.Contains(err.Error(), mark) {
		t.Errorf("broken off: %v", err)
	}
}

func TestSecretsDoNotFollowARedirect(t *testing.T) {
	t.Parallel()
	calls := 0
	w := vendor(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Location", "/token")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	if _, err := w.Refresh(t.Context(), seal.NewSecret("r")); err == nil || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestAScopeThatAnswersNeverNameCountsWithTheOthers(t *testing.T) {
	t.Parallel()
	scope := ""
	w := vendor(t, func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(rw, `{"access_token":"a"%s}`, scope)
	})
	w.Server.Scopes = append(w.Server.Scopes, oauth.Scope{Name: "offline", Required: true, Unnamed: true})
	for answer, want := range map[string][]string{
		`,"scope":"mail"`: {"mail", "offline"}, `,"scope":"mail offline"`: {"mail", "offline"}, ``: nil,
	} {
		scope = answer
		got, err := w.Exchange(t.Context(), "code", seal.Secret{}, "")
		if err != nil || !slices.Equal(got.Scopes, want) {
			t.Errorf("%s: %v, %v", answer, got, err)
		}
	}
	w.Server.Scopes[2].Required = false
	if err := w.Server.Validate(); err == nil || !strings.Contains(err.Error(), "only a required scope") {
		t.Errorf("a scope that may not have been asked for: %v", err)
	}
}

func TestARefusalMayHaveItsCodeElsewhere(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		kind oauth.Kind
		code string
	}{
		`{"status":"token_revoked","message":"x"}`:            {oauth.Rejected, "token_revoked"},
		`{"status":"something_new"}`:                          {oauth.Transient, "something_new"},
		`{"status":400}`:                                      {oauth.Transient, ""},
		`{"error":"invalid_client","status":"token_revoked"}`: {oauth.Misconfigured, "invalid_client"},
		`{"status":"` + mark + `-refresh"}`:                   {oauth.Transient, ""},
	} {
		w := vendor(t, says(400, body))
		w.Server.Token.Error = "status"
		_, err := w.Refresh(t.Context(), seal.NewSecret(mark+"-refresh"))
		if e, ok := errors.AsType[*oauth.Error](err); !ok || e.Kind != want.kind || e.Code != want.code {
			t.Errorf("%s: %v", body, err)
		}
	}
	w := vendor(t, says(200, `{"status":"token_revoked","access_token":"a"}`))
	w.Server.Token.Error = "status"
	if _, err := w.Refresh(t.Context(), seal.NewSecret("r")); err != nil {
		t.Errorf("a token with a status: %v", err)
	}
}
