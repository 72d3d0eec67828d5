package provider_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

func TestAHostThatIsMadeFromTheConfigCannotBeEscaped(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("hosts: [api.tickets.example]", `hosts: ["{desk}.tickets.example"]`,
		"base_url: https://api.tickets.example/v1", `base_url: "https://{desk}.tickets.example/v1"`).Replace(tickets)
	p := decode(t, text)
	list := p.Capabilities[0]
	r, err := list.Request(t.Context(), provider.Input{Config: map[string]any{"desk": "berlin"}})
	if err != nil || !strings.HasPrefix(r.URL, "https://berlin.tickets.example/v1/desks/berlin/") {
		t.Fatalf("got %v, %v", r, err)
	}
	for _, desk := range []string{
		"evil.example/", "evil.example?", "evil.example#", "evil.example:443/", "a@evil.example/", `evil.example\`,
		"https://evil.example/", "//evil.example/", "evil.example/%00",
	} {
		_, err := list.Request(t.Context(), provider.Input{Config: map[string]any{"desk": desk}})
		if !problem.Is(err, problem.TargetRefused) {
			t.Errorf("%q: %v", desk, err)
		}
	}
}

func TestTokensAreAskedForAtTheManifestsHosts(t *testing.T) {
	t.Parallel()
	if d := cmp.Diff([]string{"oauth2.googleapis.com"}, builtin(t, "gmail").OAuthHosts(nil)); d != "" {
		t.Error(d)
	}
	if got := decode(t, tickets).OAuthHosts(nil); got != nil {
		t.Errorf("without OAuth: %v", got)
	}
}
