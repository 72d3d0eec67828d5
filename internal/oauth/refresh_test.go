package oauth_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/internal/oauth"
)

func TestAMintAsksWithTheClientsProofForWhatWasGranted(t *testing.T) {
	t.Parallel()
	var sent url.Values
	w := vendor(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		sent = r.PostForm
		says(201, `{"access_token":"next","expires_in":60}`)(w, r)
	})
	w.Server.Token.ExchangeParams = map[string]string{"only": "codes"}
	got, err := w.Mint(t.Context(), []string{"calendar.readonly", "of-the-vendors-own"})
	if err != nil || got.Access.Reveal() != "next" || got.ExpiresIn != time.Minute || !got.Refresh.IsZero() {
		t.Errorf("got %+v, %v", got, err)
	}
	want := url.Values{
		"grant_type": {"client_credentials"}, "scope": {"https://scopes.example/calendar.readonly of-the-vendors-own"},
		"client_id": {"client-1"}, "client_secret": {mark + "-client"}, "expiring": {"1"},
	}
	if d := cmp.Diff(want, sent); d != "" {
		t.Error(d)
	}
	if _, err := w.Mint(t.Context(), nil); err != nil || sent.Has("scope") {
		t.Errorf("without scopes: %v, %v", sent, err)
	}
}

func TestARefreshTokenIsLostWhenItsGraceIsOver(t *testing.T) {
	t.Parallel()
	spent := noon.Add(-time.Minute)
	for name, c := range map[string]struct {
		rules oauth.Refresh
		lost  bool
	}{
		"no grace":    {oauth.Refresh{Rotates: true}, true},
		"a long one":  {oauth.Refresh{Rotates: true, Grace: oauth.Grace(2 * time.Minute)}, false},
		"just over":   {oauth.Refresh{Rotates: true, Grace: oauth.Grace(time.Minute)}, true},
		"for ever":    {oauth.Refresh{Rotates: true, Grace: oauth.GraceAlways}, false},
		"no rotation": {oauth.Refresh{}, false},
	} {
		if got := c.rules.Lost(spent, noon); got != c.lost {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, g := range []oauth.Grace{oauth.GraceAlways, oauth.Grace(90 * time.Second)} {
		text, err := g.MarshalText()
		var back oauth.Grace
		if err != nil || back.UnmarshalText(text) != nil || back != g {
			t.Errorf("%v is written as %s", g, text)
		}
	}
}
