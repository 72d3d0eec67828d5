package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// regional is the small manifest with an authorization server of each customer's own.
var regional = strings.Replace(tickets, "auth:\n", `auth:
  oauth2:
    authorize: { url: "https://{region}.tickets.example/authorize" }
    token: { url: "https://{region}.tickets.example/token" }
    revoke: { reason: Sign out. }
    config: { required: [region], properties: { region: { type: string, pattern: "^[a-z]+$" } } }
`, 1)

func TestTheOAuthAddressesAreMadeFromTheConfig(t *testing.T) {
	t.Parallel()
	p := decode(t, regional)
	s, err := p.OAuthFor(map[string]any{"region": "eu"})
	if err != nil || s.Token.URL != "https://eu.tickets.example/token" {
		t.Errorf("got %+v, %v", s, err)
	}
	_, err = p.OAuthFor(nil)
	if all := problem.All(err); len(all) != 1 || strings.Join(all[0].Field, ".") != "config.region" {
		t.Errorf("without it: %v", err)
	}
	if got := p.OAuthHosts(map[string]any{"region": "eu"}); len(got) != 1 || got[0] != "eu.tickets.example" {
		t.Errorf("the hosts are %v", got)
	}
	if s, err := decode(t, tickets).OAuthFor(nil); s != nil || err != nil {
		t.Errorf("without OAuth: %v, %v", s, err)
	}
}

func TestEachWayToAuthenticateHasItsOwnConfig(t *testing.T) {
	t.Parallel()
	p := decode(t, regional)
	for name, c := range map[string]struct {
		kind   string
		config map[string]any
		fault  string
	}{
		"by authorization":             {provider.OAuth2, map[string]any{"region": "eu", "desk": "a"}, ""},
		"without what it needs":        {provider.OAuth2, map[string]any{"desk": "a"}, "config.region"},
		"with a key":                   {provider.APIKey, map[string]any{"api_key": "12345678"}, ""},
		"with the other kind's region": {provider.APIKey, map[string]any{"api_key": "12345678", "region": "eu"}, "config.region"},
		"with the other kind's key":    {provider.OAuth2, map[string]any{"region": "eu", "api_key": "12345678"}, "config.api_key"},
	} {
		all := problem.All(p.ValidateConfig(c.kind, c.config))
		if c.fault == "" && len(all) > 0 || c.fault != "" && (len(all) != 1 || strings.Join(all[0].Field, ".") != c.fault) {
			t.Errorf("%s: %v", name, all)
		}
	}
}

func TestAnAddressThatReceivesTheClientsSecretIsBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, want string }{
		"by nothing":     {`type: string, pattern: "^[a-z]+$"`, "type: string", "must bound it"},
		"by a part":      {`"^[a-z]+$"`, `"[a-z]+"`, "from ^ to $"},
		"by a beginning": {`"^[a-z]+$"`, `"^[a-z]+"`, "from ^ to $"},
		"by a secret":    {`type: string, pattern`, "type: string, writeOnly: true, pattern", "is a secret"},
		"not there":      {"properties: { region: {", "properties: { area: {", "{region} is neither a config property"},
		"perhaps":        {"required: [region], ", "", "must be required"},
		"an import of nothing": {"    config: { required: [region]", "    import: paste\n    config: { required: [region]",
			`import: "paste" must be a writeOnly`},
		"plain http":       {"https://{region}.tickets.example/token", "http://{region}.tickets.example/token", "token.url"},
		"with a user name": {"https://{region}.tickets.example/token", "https://a@{region}.tickets.example/token", "token.url"},
	} {
		text := strings.Replace(regional, c.old, c.new, 1)
		_, findings := provider.Decode("tickets.yaml", []byte(text))
		if text == regional || len(findings) == 0 || !strings.Contains(findings[0].Error(), c.want) {
			t.Errorf("%s: %v", name, findings)
		}
	}
}

func TestHowTokensAreRenewedIsReadFromTheManifest(t *testing.T) {
	t.Parallel()
	with := func(refresh string) string {
		return strings.Replace(regional, "    revoke: { reason", "    refresh: { "+refresh+" }\n    revoke: { reason", 1)
	}
	always := decode(t, with("rotates: true, margin: 5m, grace: always, mint: client_credentials")).Auth.OAuth2.Refresh
	if always.Grace != oauth.GraceAlways || always.Mint != oauth.MintClientCredentials {
		t.Errorf("got %+v", always)
	}
	late := decode(t, with("rotates: true, early: refused, grace: 90s")).Auth.OAuth2.Refresh
	if late.Grace != oauth.Grace(90*time.Second) || late.Early != oauth.EarlyRefused {
		t.Errorf("got %+v", late)
	}
	for refresh, want := range map[string]string{
		"rotates: true, grace: sometimes":           "grace is a duration",
		"rotates: true, grace: -1s":                 "grace is a duration",
		"grace: 2m":                                 "is for refresh tokens that rotate",
		"rotates: true, early: refused, margin: 5m": "leaves no margin",
		"early: never":                              "must be refused",
		"mint: password":                            "must be client_credentials",
	} {
		_, findings := provider.Decode("tickets.yaml", []byte(with(refresh)))
		if len(findings) != 1 || !strings.Contains(findings[0].Error(), want) {
			t.Errorf("%s: %v", refresh, findings)
		}
	}
}
