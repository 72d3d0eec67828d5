package oauth_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/seal"
)

func regional() *oauth.Server {
	return &oauth.Server{
		Issuer:    "https://{shop}.example",
		Authorize: oauth.Authorize{URL: "https://{shop}.example/{tenant}/authorize"},
		Token:     oauth.TokenEndpoint{URL: "https://{shop}.example/{tenant}/token"},
		Revoke:    oauth.Revoke{URL: "https://{host}/revoke"},
	}
}

func TestSettingsOfAnIntegrationStandInTheAddresses(t *testing.T) {
	t.Parallel()
	s := regional()
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	if got := s.Properties(); !slices.Equal(got, []string{"host", "shop", "tenant"}) {
		t.Errorf("it names %v", got)
	}
	got, err := s.For(map[string]any{"shop": "north-1", "tenant": "common", "host": "eu.api.example"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Issuer != "https://north-1.example" || got.Authorize.URL != "https://north-1.example/common/authorize" ||
		got.Token.URL != "https://north-1.example/common/token" || got.Revoke.URL != "https://eu.api.example/revoke" {
		t.Errorf("got %+v", got)
	}
	if s.Token.URL != "https://{shop}.example/{tenant}/token" {
		t.Error("the description itself was changed")
	}
}

func TestASettingThatWouldChangeTheAddressIsRefusedAndNotRepeated(t *testing.T) {
	t.Parallel()
	for _, value := range []any{
		nil, "", 7, "a/b", "a?b", "a#b", "a@b", "a:1", `a\b`, "a b", "a%2fb", "é", ".", "..", "a.", ".a", "-a", "a\n",
		"{host}", strings.Repeat("a", 254),
	} {
		config := map[string]any{"shop": value, "tenant": "common", "host": "eu.api.example"}
		_, err := regional().For(config)
		e, ok := errors.AsType[*oauth.SettingError](err)
		if !ok || e.Name != "shop" {
			t.Errorf("%q: %v", value, err)
			continue
		}
		if text, _ := value.(string); len(text) > 3 && strings.Contains(e.Error(), text) {
			t.Errorf("the error repeats %q", text)
		}
	}
}

func TestATokenIsFoundWhereTheManifestSays(t *testing.T) {
	t.Parallel()
	const below = `{"ok":true,"access_token":"robot","refresh_token":"robots","a":{"b":{"access_token":"mine","expires_in":60,"scope":"mail"}}}`
	const top = `{"ok":true,"access_token":"mine","refresh_token":"next"}`
	for name, c := range map[string]struct {
		status               int
		answer               string
		exchanged, refreshed string // "" where there is no token
	}{
		"below":                 {201, below, "mine", "mine"},
		"at the top":            {200, top, "", "mine"},
		"nowhere":               {200, `{"a":{"b":{}}}`, "", ""},
		"below something else":  {200, `{"a":"b"}`, "", ""},
		"below, and it is null": {200, `{"a":{"b":{"access_token":null}}}`, "", ""},
	} {
		w := vendor(t, says(c.status, c.answer))
		w.Server.Token.At = "a.b"
		got, err := w.Exchange(t.Context(), "code", seal.Secret{}, "")
		check(t, name+", exchanged", got, err, c.exchanged)
		if c.exchanged != "" && (!got.Refresh.IsZero() || got.ExpiresIn == 0 || !slices.Equal(got.Scopes, []string{"mail"})) {
			t.Errorf("%s: what goes with the token is not the token's: %+v", name, got)
		}
		got, err = w.Refresh(t.Context(), seal.NewSecret("r"))
		check(t, name+", renewed", got, err, c.refreshed)
	}
}

func check(t *testing.T, name string, got *oauth.Token, err error, want string) {
	t.Helper()
	if want == "" {
		if e, ok := errors.AsType[*oauth.Error](err); !ok || e.Kind != oauth.Transient {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	if err != nil || got.Access.Reveal() != want {
		t.Errorf("%s: %v", name, err)
	}
}
