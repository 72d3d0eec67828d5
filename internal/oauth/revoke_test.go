package oauth_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/seal"
)

func TestRevocationIsDoneWhenTheTokenIsGone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		kind   oauth.Kind
	}{
		"done": {200, "", ""}, "done with a page": {200, "<html>", ""}, "no content": {204, "", ""},
		"already gone":      {400, `{"error":"invalid_token"}`, ""},
		"another refusal":   {400, `{"error":"odd"}`, oauth.Transient},
		"a page":            {400, `<html>`, oauth.Transient},
		"ill":               {503, `{"error":"invalid_token"}`, oauth.Transient},
		"a refused client":  {401, `{"error":"invalid_client"}`, oauth.Misconfigured},
		"an error with 200": {200, `{"ok":false,"error":"fatal"}`, oauth.Transient},
		"too many requests": {429, ``, oauth.Transient},
		"the wrong address": {404, ``, oauth.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent url.Values
			w := vendor(t, func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				sent = r.PostForm
				says(c.status, c.body)(w, r)
			})
			err := w.Revoke(t.Context(), seal.NewSecret(mark))
			if c.kind == "" && err != nil {
				t.Error(err)
			}
			if e, ok := errors.AsType[*oauth.Error](err); c.kind != "" && (!ok || e.Kind != c.kind) {
				t.Error(err)
			}
			want := []string{"client_id", "client_secret", "token", "token_type_hint"}
			if got := slices.Sorted(maps.Keys(sent)); !slices.Equal(got, want) {
				t.Errorf("sent %v", got)
			}
		})
	}
	w := vendor(t, says(200, ""))
	w.Server.Revoke = oauth.Revoke{Reason: "sign out at the vendor"}
	err := w.Revoke(t.Context(), seal.NewSecret("x"))
	if e, ok := errors.AsType[*oauth.Error](err); !ok || e.Kind != oauth.Misconfigured {
		t.Error("a server without an endpoint revoked")
	}
}

func TestARevocationPicksTheTokenThatEndsTheGrant(t *testing.T) {
	t.Parallel()
	access, refresh := seal.NewSecret("a"), seal.NewSecret("r")
	if got := (oauth.Revoke{}).Pick(access, refresh).Reveal(); got != "r" {
		t.Error(got)
	}
	if got := (oauth.Revoke{Send: oauth.SendAccess}).Pick(access, refresh).Reveal(); got != "a" {
		t.Error(got)
	}
	if got := (oauth.Revoke{}).Pick(access, seal.Secret{}).Reveal(); got != "a" {
		t.Error(got)
	}
}

func TestANumberThatIsAskedForStaysOneInJSON(t *testing.T) {
	t.Parallel()
	var sent string
	w := vendor(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent = string(body)
		_, _ = io.WriteString(w, `{"access_token":"a"}`)
	})
	w.Server.Token.Params = map[string]any{"expires_in": uint64(7200)}
	for body, want := range map[oauth.Body]string{oauth.BodyJSON: `"expires_in":7200`, oauth.BodyForm: "expires_in=7200"} {
		w.Server.Token.Body = body
		if _, err := w.Refresh(t.Context(), seal.NewSecret("refresh")); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(sent, want) {
			t.Errorf("as %s: %s", body, sent)
		}
	}
}

func TestADescriptionNamesEveryFault(t *testing.T) {
	t.Parallel()
	if err := server("https://vendor.example").Validate(); err != nil {
		t.Error(err)
	}
	if err := server("http://127.0.0.1:4000").Validate(); err != nil {
		t.Errorf("an operator's own server: %v", err)
	}
	s := server("http://vendor.example")
	s.PKCE, s.Token.Client, s.Token.Body, s.Revoke = "plain", "header", "xml", oauth.Revoke{Send: "both", Ends: "all"}
	s.Scopes = append(s.Scopes, oauth.Scope{Name: "mail"})
	s.Refresh.Margin, s.Token.Params = -1, map[string]any{"at": 1.5}
	err := s.Validate()
	for _, key := range []string{
		"token.url", "token.client", "token.body", "token.params", "pkce", "revoke.send", "revoke.ends", "refresh", "scopes[2]",
	} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("no fault names %s: %v", key, err)
		}
	}
}
