package provider_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/patchbay/patchbay/internal/provider"
)

// findingsOf lints one manifest with its fixtures and returns all that is found.
func findingsOf(name, manifest, fixtures string) string {
	var all []string
	for _, f := range provider.Lint(fstest.MapFS{
		name + ".yaml": {Data: []byte(manifest)}, name + ".fixtures.yaml": {Data: []byte(fixtures)},
	}) {
		all = append(all, f.Error())
	}
	return strings.Join(all, "\n")
}

func TestTheLintRefusesAnErrorThatNoFixtureShows(t *testing.T) {
	t.Parallel()
	manifest, fixtures := complete(t)
	late := swap(t, manifest, "\naccount:", "  - { when: .status == 410, is: revoked }\n\naccount:")
	hidden := swap(t, manifest, "\naccount:", "  - { when: .status == 403 and .body.wait_seconds > 0, is: transient }\n\naccount:")
	const gone = "- { shows: error, answer: { status: 410 }, verdict: revoked }\n"
	for name, c := range map[string]struct{ manifest, fixtures, message string }{
		"one that is shown":              {late, fixtures + "\n" + gone, ""},
		"one that is not":                {late, fixtures, "tickets.yaml:28: no fixture shows this error, which is revoked"},
		"one that an earlier rule hides": {hidden, fixtures, "no fixture shows this error, which is transient"},
	} {
		got := findingsOf("tickets", c.manifest, c.fixtures)
		if c.message == "" && got != "" || !strings.Contains(got, c.message) {
			t.Errorf("%s: want %q, got %s", name, c.message, got)
		}
	}
}

func TestWhatTheWireSendsIsComparedAsAWhole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ provider, from, to, message string }{
		"a client that proves itself elsewhere": {"gmail", "client: post, body: form", "client: basic, body: form", "token (the person unticked nothing): form: want"},
		"a form as JSON":                        {"gmail", "client: post, body: form", "client: post, body: json", "form: what is sent is JSON"},
		"JSON as a form":                        {"zendesk", "body: json", "body: form", "token (an end is asked for, and the status is 201): body: it is not JSON"},
		"a parameter more":                      {"gmail", "client: post, body: form", "client: post, body: form, params: { a: b }", "a:b"},
		"a parameter less":                      {"zendesk", "refresh_token_expires_in: 7776000 }", "}", "body: want"},
		"a number that is text":                 {"zendesk", "{ expires_in: 7200,", `{ expires_in: "7200",`, "body: want"},
	} {
		got := findingsOf(c.provider, swap(t, file(t, c.provider+".yaml"), c.from, c.to), file(t, c.provider+".fixtures.yaml"))
		if !strings.Contains(got, c.message) {
			t.Errorf("%s: want %q, got %s", name, c.message, got)
		}
	}
}

func TestTheLintRefusesAnOkThatNoFixtureNeeds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ provider, from, to, message string }{
		"of a probe":      {"zendesk", "  case: a good status with nobody in it proves nothing\n  input: { config: *config }\n  request: GET https://acme.zendesk.com/api/v2/users/me\n  answer: { body: { user: { id: null, name: Anonymous user, role: end-user } } }\n  verdict: failed", "  input: { config: *config }\n  request: GET https://acme.zendesk.com/api/v2/users/me\n  answer: { status: 401 }\n  verdict: rejected", "only the probe's ok decides"},
		"of a revocation": {"slack", "{ ok: true, revoked: false } }\n  verdict: failed", "{ ok: true, revoked: true } }", "only the ok of auth.revoke decides"},
	} {
		got := findingsOf(c.provider, file(t, c.provider+".yaml"), swap(t, file(t, c.provider+".fixtures.yaml"), c.from, c.to))
		if !strings.Contains(got, c.message) || strings.Count(got, "\n") > 0 {
			t.Errorf("%s: want %q alone, got %s", name, c.message, got)
		}
	}
}

func TestTheLintRefusesACredentialThatIsNotShownOrNotSentSo(t *testing.T) {
	t.Parallel()
	manifest, fixtures := complete(t)
	slack := func(from, to string) [3]string {
		return [3]string{"slack", swap(t, file(t, "slack.yaml"), from, to), file(t, "slack.fixtures.yaml")}
	}
	for name, c := range map[string]struct {
		files   [3]string
		message string
	}{
		"one that is not shown":      {[3]string{"tickets", manifest, swap(t, fixtures, "- shows: credential", "- shows: error")}, "no fixture shows the credential of API_KEY"},
		"another header":             {[3]string{"tickets", swap(t, manifest, `"X-Api-Key"`, `"X-Key"`), fixtures}, "headers: want map[X-Api-Key:0123456789], got map[X-Key:0123456789]"},
		"a parameter in its place":   {[3]string{"tickets", swap(t, manifest, `headers: { "X-Api-Key"`, `query: { "key"`), fixtures}, "request: want"},
		"one that is no secret":      {[3]string{"tickets", swap(t, manifest, ", writeOnly: true", ""), fixtures}, "the config holds no secret"},
		"one that is not valid":      {[3]string{"tickets", swap(t, manifest, "minLength: 8", "minLength: 11"), fixtures}, "credential: INVALID"},
		"a kind that there is not":   {[3]string{"tickets", manifest, swap(t, fixtures, "kind: API_KEY", "kind: BASIC")}, `"BASIC" is not one of API_KEY`},
		"one that means another":     {slack("        bot_token:\n", "        robot_token:\n"), "credential (a bot's token alone): kind: the config means"},
		"a token for another's call": {slack(`.config.post_as == "bot"`, `.config.post_as != "bot"`), "credential (of both, the bot's posts): headers: want"},
	} {
		if got := findingsOf(c.files[0], c.files[1], c.files[2]); !strings.Contains(got, c.message) {
			t.Errorf("%s: want %q, got %s", name, c.message, got)
		}
	}
}
