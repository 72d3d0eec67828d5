package provider_test

import (
	"net/http"
	"testing"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
)

func TestEachRequestGetsTheTokenThatItNeeds(t *testing.T) {
	t.Parallel()
	const post, search = "https://slack.com/api/chat.postMessage", "https://slack.com/api/search.messages"
	both := map[string]string{"user_token": "xoxp-1", "bot_token": "xoxb-1"}
	for name, c := range map[string]struct {
		provider, kind, url string
		config              map[string]any
		secrets             map[string]string
		want                string
	}{
		"the person's token searches": {"slack", provider.APIKey, search, nil, both, "Bearer xoxp-1"},
		"the bot's token posts":       {"slack", provider.APIKey, post, nil, both, "Bearer xoxb-1"},
		"unless the person's should": {"slack", provider.APIKey, post, map[string]any{"post_as": "user"}, both,
			"Bearer xoxp-1"},
		"a bot alone does everything":    {"slack", provider.APIKey, search, nil, map[string]string{"bot_token": "xoxb-1"}, "Bearer xoxb-1"},
		"a person alone does everything": {"slack", provider.APIKey, post, nil, map[string]string{"user_token": "xoxp-1"}, "Bearer xoxp-1"},
		"what was granted goes first":    {"slack", provider.OAuth2, post, nil, nil, "Bearer granted"},
		"a granted token of a help desk": {"zendesk", provider.OAuth2, "https://acme.zendesk.com/api/v2/tickets", nil, nil, "Bearer granted"},
		"a typed-in token of a help desk": {"zendesk", provider.Basic, "https://acme.zendesk.com/api/v2/tickets",
			map[string]any{"subdomain": "acme", "email": "ann@example.com"}, map[string]string{"api_token": "abc"},
			"Basic YW5uQGV4YW1wbGUuY29tL3Rva2VuOmFiYw=="},
		"a typed-in token of an inbox": {"intercom", provider.APIKey, "https://api.eu.intercom.io/me",
			map[string]any{"region": "eu"}, map[string]string{"access_token": "dG9r"}, "Bearer dG9r"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			credential := provider.Credential{Kind: c.kind, Config: c.config, Secrets: map[string]seal.Secret{}}
			if c.kind == provider.OAuth2 {
				credential.Access = seal.NewSecret("granted")
			}
			for name, secret := range c.secrets {
				credential.Secrets[name] = seal.NewSecret(secret)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := builtin(t, c.provider).Authenticate(req, credential); err != nil {
				t.Fatal(err)
			}
			if got := req.Header.Get("Authorization"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheConfigSaysWhichCredentialIsMeant(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		provider string
		config   map[string]any
		kind     string
		valid    bool
	}{
		"nothing is a grant":      {"slack", map[string]any{}, provider.OAuth2, true},
		"a bot's token":           {"slack", map[string]any{"bot_token": "xoxb-12-ab"}, provider.APIKey, true},
		"a person's token":        {"slack", map[string]any{"user_token": "xoxp-12-ab"}, provider.APIKey, true},
		"the one for the other":   {"slack", map[string]any{"user_token": "xoxb-12-ab"}, provider.APIKey, false},
		"a help desk":             {"zendesk", map[string]any{"subdomain": "acme"}, provider.OAuth2, true},
		"a help desk's token":     {"zendesk", map[string]any{"subdomain": "acme", "email": "a@example.com", "api_token": "0123456789abcdef"}, provider.Basic, true},
		"another's host":          {"zendesk", map[string]any{"subdomain": "evil.example/"}, provider.OAuth2, false},
		"a region that is none":   {"intercom", map[string]any{"region": "mars"}, provider.OAuth2, false},
		"an inbox of some region": {"intercom", map[string]any{"region": "au", "access_token": "dG9rOmFi"}, provider.APIKey, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := builtin(t, c.provider)
			if kind := p.KindFor(c.config); kind != c.kind {
				t.Errorf("meant for %s, want %s", kind, c.kind)
			}
			if err := p.ValidateConfig(c.kind, c.config); (err == nil) != c.valid {
				t.Errorf("got %v", err)
			}
		})
	}
}
