package provider_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
)

func webhookConfig() map[string]any {
	return map[string]any{
		"url":            "https://api.example.com/ai-query",
		"authentication": map[string]any{"type": "bearer", "token": "{{API_KEY}}"},
		"capabilities": []any{map[string]any{
			"name": "get_order_status", "description": "Where an order is", "trigger_phrases": []any{"order status"},
		}},
	}
}

func withAuthentication(authentication map[string]any) map[string]any {
	config := webhookConfig()
	config["authentication"] = authentication
	return config
}

// asked renders the one question of a webhook's config.
func asked(t *testing.T, p *provider.Provider, config map[string]any) *http.Request {
	t.Helper()
	c := p.CapabilitiesFor(config, nil)[0]
	r, err := c.Request(t.Context(), provider.Input{
		Config: config, Query: "where is <it> & why?", User: provider.Asker{UserID: "user_1", ExternalID: "ext"},
		Context: provider.Context{ConversationID: "conv_1", PersonalityID: "per_1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	req, err := r.HTTP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestAWebhookReceivesExactlyTheDocumentedBody(t *testing.T) {
	t.Parallel()
	req := asked(t, builtin(t, "custom_webhook"), webhookConfig())
	body, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"capability": "get_order_status", "query": "where is <it> & why?",
		"user":    map[string]any{"user_id": "user_1", "external_id": "ext"},
		"context": map[string]any{"conversation_id": "conv_1", "personality_id": "per_1"},
	}
	if d := cmp.Diff(any(want), got); d != "" {
		t.Error(d)
	}
	if req.Method != "POST" || req.URL.String() != "https://api.example.com/ai-query" ||
		req.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s %v", req.Method, req.URL, req.Header)
	}
}

func TestACredentialGoesWhereTheConfigSays(t *testing.T) {
	t.Parallel()
	p := builtin(t, "custom_webhook")
	secrets := map[string]seal.Secret{"API_KEY": seal.NewSecret("s3cret{{API_KEY}}$1"), "authentication.password": seal.NewSecret("pässword:x")}
	for name, c := range map[string]struct {
		kind           string
		authentication map[string]any
		header, want   string
	}{
		"bearer": {provider.APIKey, map[string]any{"type": "bearer", "token": "{{API_KEY}}"}, "Authorization", "Bearer s3cret{{API_KEY}}$1"},
		"header": {provider.APIKey, map[string]any{"type": "header", "header": "X-Key", "value": "k={{API_KEY}};v=1"}, "X-Key", "k=s3cret{{API_KEY}}$1;v=1"},
		"basic":  {provider.Basic, map[string]any{"type": "basic", "username": "me"}, "Authorization", "Basic bWU6cMOkc3N3b3JkOng="},
		"none":   {provider.None, map[string]any{"type": "none"}, "Authorization", ""},
		"absent": {provider.None, nil, "Authorization", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := withAuthentication(c.authentication)
			if c.authentication == nil {
				delete(config, "authentication")
			}
			req := asked(t, p, config)
			err := p.Authenticate(req, provider.Credential{
				Kind: c.kind, Config: config, Secrets: secrets, SigningKey: seal.NewSecret("key"), Now: time.Unix(1, 0),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := req.Header.Get(c.header); got != c.want {
				t.Errorf("want %q, got %q", c.want, got)
			}
		})
	}
}

func TestACredentialThatCannotBeSentIsAnErrorWithoutIt(t *testing.T) {
	t.Parallel()
	p := builtin(t, "custom_webhook")
	for name, c := range map[string]struct {
		authentication map[string]any
		secrets        map[string]string
		key            string
	}{
		"a secret is missing":       {map[string]any{"type": "bearer", "token": "{{API_KEY}}"}, nil, "key"},
		"a secret is empty":         {map[string]any{"type": "bearer", "token": "{{API_KEY}}"}, map[string]string{"API_KEY": ""}, "key"},
		"the token is missing":      {map[string]any{"type": "bearer"}, nil, "key"},
		"the value is missing":      {map[string]any{"type": "header", "header": "X-Key"}, nil, "key"},
		"the password is missing":   {map[string]any{"type": "basic", "username": "a"}, nil, "key"},
		"a line break in a secret":  {map[string]any{"type": "bearer", "token": "{{API_KEY}}"}, map[string]string{"API_KEY": "marked\r\nX-Evil: 1"}, "key"},
		"a header of the wire":      {map[string]any{"type": "header", "header": "Host", "value": "marked"}, nil, "key"},
		"a name that is no header":  {map[string]any{"type": "header", "header": "X Key:", "value": "marked"}, nil, "key"},
		"a colon in the user name":  {map[string]any{"type": "basic", "username": "a:b", "password": "marked"}, nil, "key"},
		"a secret that is a novel":  {map[string]any{"type": "bearer", "token": "{{API_KEY}}"}, map[string]string{"API_KEY": strings.Repeat("marked", 9000)}, "key"},
		"no key to sign with":       {map[string]any{"type": "none"}, nil, ""},
		"a token that is an object": {map[string]any{"type": "bearer", "token": map[string]any{"a": "marked"}}, nil, "key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := withAuthentication(c.authentication)
			secrets := map[string]seal.Secret{}
			for k, v := range c.secrets {
				secrets[k] = seal.NewSecret(v)
			}
			req := asked(t, p, config)
			err := p.Authenticate(req, provider.Credential{
				Kind: provider.APIKey, Config: config, Secrets: secrets, SigningKey: seal.NewSecret(c.key), Now: time.Unix(1, 0),
			})
			if err == nil || len(problem.All(err)) == 0 {
				t.Fatalf("want a problem, got %v; headers %v", err, req.Header)
			}
			if strings.Contains(err.Error(), "marked") {
				t.Errorf("the error tells: %v", err)
			}
		})
	}
}

func TestAnAccessTokenGoesOutAsABearerToken(t *testing.T) {
	t.Parallel()
	p := builtin(t, "gmail")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://gmail.googleapis.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Authenticate(req, provider.Credential{Kind: provider.OAuth2, Access: seal.NewSecret("ya29")}); err != nil {
		t.Fatal(err)
	}
	if got := req.Header.Get("Authorization"); got != "Bearer ya29" {
		t.Errorf("got %q", got)
	}
	if err := p.Authenticate(req, provider.Credential{Kind: provider.OAuth2}); err == nil {
		t.Error("a credential without a token was sent")
	}
}

func TestOnlyAnAddressOfTheConfigIsCalled(t *testing.T) {
	t.Parallel()
	p := builtin(t, "custom_webhook")
	for name, c := range map[string]struct {
		url  string
		code problem.Code
	}{
		"a password":   {"https://me:marked@api.example.com/", problem.TargetRefused},
		"another kind": {"ftp://api.example.com/", problem.TargetRefused},
		"a file":       {"file:///etc/passwd", problem.TargetRefused},
		"nothing":      {"", problem.Invalid},
		"no address":   {"https://", problem.TargetRefused},
		"control":      {"https://a\x00b/", problem.TargetRefused},
	} {
		config := webhookConfig()
		config["url"] = c.url
		_, err := p.CapabilitiesFor(config, nil)[0].Request(t.Context(), provider.Input{Config: config})
		if !problem.Is(err, c.code) || strings.Contains(err.Error(), "marked") {
			t.Errorf("%s: want %s, got %v", name, c.code, err)
		}
	}
	config := webhookConfig()
	config["url"] = "https://API.example.com:8443/x?tenant=7#top"
	r, err := p.CapabilitiesFor(config, nil)[0].Request(t.Context(), provider.Input{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	if r.Summary() != "POST https://API.example.com:8443/x?tenant=7" {
		t.Errorf("got %s", r.Summary())
	}
	if d := cmp.Diff([]string{"api.example.com"}, p.HostsFor(config)); d != "" {
		t.Error(d)
	}
}

func TestAConfiguredCapabilityNeedsItsShape(t *testing.T) {
	t.Parallel()
	p := builtin(t, "custom_webhook")
	for _, odd := range []any{nil, "x", []any{nil, 1, map[string]any{}, map[string]any{"name": 7}}} {
		if got := p.CapabilitiesFor(map[string]any{"capabilities": odd}, nil); len(got) != 0 {
			t.Errorf("%v made %d capabilities", odd, len(got))
		}
	}
	c := p.CapabilitiesFor(webhookConfig(), []string{})[0]
	if c.Effect != provider.Read || c.ValidateArguments(nil) != nil || c.ValidateArguments(map[string]any{"x": 1}) == nil {
		t.Errorf("got %+v", c)
	}
}
