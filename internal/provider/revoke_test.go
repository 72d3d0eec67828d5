package provider_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/internal/provider"
)

// revocable is the small manifest with an access that is looked for and then deleted.
var revocable = strings.Replace(tickets, "auth:\n", `auth:
  oauth2:
    authorize: { url: "https://tickets.example/authorize" }
    token: { url: "https://tickets.example/token" }
  revoke:
    requests:
      - '{ method: "GET", path: "/tokens/\(.config.desk)" }'
      - 'if .answer.id then { method: "DELETE", path: "/tokens/\(.answer.id)" } else null end'
    ok: .status == 204 or .body.gone == true
`, 1)

func TestARevocationIsWhatTheManifestAsksAndTheAnswersSay(t *testing.T) {
	t.Parallel()
	p := decode(t, revocable)
	if !p.Revocable() || p.RevokeReason(provider.OAuth2) != "" {
		t.Error("it cannot be revoked")
	}
	type exchange struct {
		status int
		body   string
	}
	down := errors.New("down")
	for name, c := range map[string]struct {
		answers []exchange
		asked   []string
		verdict provider.VerdictKind
	}{
		"given back": {
			[]exchange{{200, `{"id":7}`}, {204, ""}},
			[]string{"GET https://api.tickets.example/v1/tokens/main", "DELETE https://api.tickets.example/v1/tokens/7"}, provider.OK,
		},
		"not needed":       {[]exchange{{200, `{"gone":true}`}}, nil, provider.OK},
		"not given back":   {[]exchange{{200, `{"id":7}`}, {200, `{"gone":false}`}}, nil, provider.Failed},
		"a page":           {[]exchange{{200, `{"id":7}`}, {200, `<html>`}}, nil, provider.Transient},
		"unknown by then":  {[]exchange{{200, `{"id":7}`}, {401, `{}`}}, nil, provider.Rejected},
		"unknown at once":  {[]exchange{{401, `{"id":7}`}}, []string{"GET https://api.tickets.example/v1/tokens/main"}, provider.Rejected},
		"too many":         {[]exchange{{429, `{"id":7}`}}, nil, provider.RateLimited},
		"no answer at all": {nil, nil, ""},
	} {
		var asked []string
		v, err := p.Revoke(t.Context(), nil, func(r *provider.Request) (provider.Response, error) {
			if len(asked) == len(c.answers) {
				return provider.Response{}, down
			}
			one := c.answers[len(asked)]
			asked = append(asked, r.Summary())
			return provider.Response{Status: one.status, Body: []byte(one.body)}, nil
		})
		if v.Kind != c.verdict || (err != nil) != (c.verdict == "") {
			t.Errorf("%s: %v, %v", name, v, err)
		}
		if d := cmp.Diff(c.asked, asked); c.asked != nil && d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestWhatIsGrantedCanBeGivenBackInOneWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, want string }{
		"in none":      {revocable[strings.Index(revocable, "  revoke:\n"):strings.Index(revocable, "  api_key")], "", "needs a url, or a reason"},
		"in two":       {"  revoke:\n", "    revoke: { url: \"https://tickets.example/revoke\" }\n  revoke:\n", "in place of the url"},
		"in no words":  {"  revoke:\n", "    revoke: { reason: Cannot. }\n  revoke:\n", "in place of the url"},
		"by nothing":   {revocable[strings.Index(revocable, "    requests:"):strings.Index(revocable, "    ok:")], "", "needs requests"},
		"for no OAuth": {revocable[strings.Index(revocable, "  oauth2:"):strings.Index(revocable, "  revoke:\n")], "", "for what auth.oauth2 grants"},
	} {
		text := strings.Replace(revocable, c.old, c.new, 1)
		_, findings := provider.Decode("tickets.yaml", []byte(text))
		if text == revocable || len(findings) != 1 || !strings.Contains(findings[0].Error(), c.want) {
			t.Errorf("%s: %v", name, findings)
		}
	}
}

func TestAFixtureShowsARevocation(t *testing.T) {
	t.Parallel()
	p := decode(t, revocable)
	answer := func(status int, body any) provider.Answer { return provider.Answer{Status: status, Body: body} }
	look := provider.Fixture{Request: "GET https://api.tickets.example/v1/tokens/main", Answer: answer(200, map[string]any{"id": 7})}
	drop := provider.Fixture{Request: "DELETE https://api.tickets.example/v1/tokens/7", Answer: answer(204, nil)}
	for name, c := range map[string]struct {
		fixture provider.Fixture
		want    string
	}{
		"whole":             {provider.Fixture{Each: []provider.Fixture{look, drop}}, ""},
		"another request":   {provider.Fixture{Each: []provider.Fixture{look, look}}, "request"},
		"too few":           {provider.Fixture{Each: []provider.Fixture{look}}, "more requests"},
		"too many":          {provider.Fixture{Each: []provider.Fixture{look, drop, drop}}, "fewer requests"},
		"another verdict":   {provider.Fixture{Each: []provider.Fixture{look, drop}, Verdict: provider.Rejected}, "verdict"},
		"one exchange only": {provider.Fixture{Request: look.Request, Answer: answer(200, map[string]any{"gone": true})}, ""},
	} {
		c.fixture.Shows = provider.ShowsRevoke
		err := p.Replay(t.Context(), c.fixture)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
