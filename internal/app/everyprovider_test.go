package app_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
	"github.com/patchbay/patchbay/internal/sandbox"
)

// TestEveryProviderCanBeConnectedAndAsked goes the whole way with every provider of the catalog and every kind of
// credential, in the sandbox: connect or create, prove, ask each capability that reads, call each that writes, renew;
// then the vendor asks for patience, the person takes the credential back, connects anew and disconnects. It knows no
// provider.
func TestEveryProviderCanBeConnectedAndAsked(t *testing.T) {
	t.Parallel()
	r := serve(t, "sqlite:"+filepath.Join(t.TempDir(), "patchbay.db"))
	userID := at(r.mutate("userCreate", "user { id }", map[string]any{"externalId": "ada"}), "user", "id").(string)
	c, err := provider.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.playable() {
		manifest, _ := c.Get(p.Provider)
		for _, way := range p.Ways {
			t.Run(p.Provider+"/"+way.AuthKind, func(t *testing.T) {
				w := &walk{running: r.within(t), Playable: p, manifest: manifest, way: way, user: userID}
				w.connect()
				w.prove()
				for _, q := range p.Questions {
					w.question(q)
				}
				for _, c := range p.Writes {
					w.call(c)
				}
				w.beRenewed()
				w.beRefused()
				w.disconnect()
			})
		}
	}
}

// within returns the same server for a part of the test.
func (r *running) within(t *testing.T) *running {
	part := *r
	part.t = t
	return &part
}

// playable asks the sandbox which providers it plays.
func (r *running) playable() []sandbox.Playable {
	r.t.Helper()
	var list struct{ Providers []sandbox.Playable }
	r.control("providers", &list)
	if len(list.Providers) < 3 {
		r.t.Fatalf("the sandbox plays only %v", list.Providers)
	}
	return list.Providers
}

// grants asks the sandbox what its people have allowed.
func (r *running) grants() []sandbox.Grant {
	r.t.Helper()
	var list struct{ Grants []sandbox.Grant }
	r.control("grants", &list)
	return list.Grants
}

// control reads one of the sandbox's own lists.
func (r *running) control(list string, into any) {
	r.t.Helper()
	resp, err := http.Get(r.Sandbox + "/_sandbox/" + list) //nolint:noctx // a test
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		r.t.Fatal(err)
	}
}

// walk is one provider, connected in one way.
type walk struct {
	*running
	sandbox.Playable
	manifest    *provider.Provider
	way         sandbox.Way
	user        string
	integration string
}

func (w *walk) connect() {
	w.t.Helper()
	if w.way.AuthKind != provider.OAuth2 {
		made := w.mutate("integrationCreate", "integration { id }", map[string]any{
			"userId": w.user, "provider": w.Provider, "authKind": w.way.AuthKind, "name": w.Title, "config": w.way.Config,
		})
		w.integration = at(made, "integration", "id").(string)
		return
	}
	var scopes []string
	offered := w.ask(`query($n: String!) { provider(name: $n) { scopes { name } } }`, map[string]any{"n": w.Provider})
	for _, s := range at(offered, "provider", "scopes").([]any) {
		scopes = append(scopes, at(s, "name").(string))
	}
	started := w.mutate("integrationConnect", "authorizationUrl state", map[string]any{
		"userId": w.user, "provider": w.Provider, "config": w.way.Config, "scopes": scopes,
	})
	if status, page, _ := w.browse(started["authorizationUrl"].(string)); status != http.StatusOK {
		w.t.Fatalf("the last page: %d\n%s", status, page)
	}
	attempt := w.ask(`query($s: String!) {
		connectAttempt(state: $s) { status failure { message } integration { id } } }`, map[string]any{"s": started["state"]})
	if at(attempt, "connectAttempt", "status") != "SUCCEEDED" {
		w.t.Fatalf("the attempt: %v", attempt)
	}
	w.integration = at(attempt, "connectAttempt", "integration", "id").(string)
}

// prove has the credential probed. What has no probe is not unhealthy.
func (w *walk) prove() {
	w.t.Helper()
	checked := w.attempt("integrationCheckHealth", "integration { health { status reason message } }",
		map[string]any{"id": w.integration})
	health := at(checked, "integration", "health")
	if at(health, "reason") != "OK" && at(health, "reason") != "NOT_YET_CHECKED" {
		w.t.Errorf("health: %v", checked)
	}
}

// question asks what somebody asked when the golden questions were written. It must lead to the capability; where it
// speaks of things that no fixture has, what the sandbox proposes must be answered.
func (w *walk) question(q sandbox.Question) {
	w.t.Helper()
	for _, text := range []string{golden(w.t, w.Provider, q), q.Query} {
		planned := w.query(text, true)
		if at(planned, "result", "capability", "name") != q.Capability {
			w.t.Errorf("%s: %q: %v", q.Capability, text, planned)
			return
		}
		got := w.query(text, false)
		if results, _ := at(got, "result", "results").([]any); len(results) > 0 {
			return
		}
		code := at(got, "userErrors", 0, "code")
		if text == q.Query || code != nil && code != "NOT_FOUND" {
			w.t.Errorf("%s: %q found nothing: %v", q.Capability, text, got)
			return
		}
	}
}

func (w *walk) query(text string, dry bool) map[string]any {
	w.t.Helper()
	return w.attempt("integrationQuery", "result { capability { name } plan { request } results { title content } }",
		map[string]any{"integrationId": w.integration, "query": text, "dryRun": dry})
}

// golden returns the first golden question of a capability, or the one that is proposed.
func golden(t *testing.T, provider string, q sandbox.Question) string {
	t.Helper()
	rows, err := os.ReadFile(filepath.Join("..", "question", "testdata", "golden", provider+".txt"))
	if err != nil {
		return q.Query
	}
	for row := range strings.Lines(string(rows)) {
		cells := strings.Split(strings.TrimSpace(row), " | ")
		if len(cells) >= 3 && cells[0] == provider && cells[2] == q.Capability {
			return cells[1]
		}
	}
	return q.Query
}

// call runs a capability that writes.
func (w *walk) call(c sandbox.Call) {
	w.t.Helper()
	got := w.attempt("integrationInvoke", "result { capability { name } results { title } }", map[string]any{
		"integrationId": w.integration, "capability": c.Capability, "arguments": c.Arguments,
	})
	if errs := at(got, "userErrors").([]any); len(errs) > 0 {
		w.t.Errorf("%s: %v", c.Capability, errs)
	}
}

// beRenewed has the access token end, if it is one that does.
func (w *walk) beRenewed() {
	w.t.Helper()
	now := w.ask(`query($i: ID!) { integration(id: $i) { health { tokenExpiresAt } } }`,
		map[string]any{"i": w.integration})
	if at(now, "integration", "health", "tokenExpiresAt") == nil {
		return
	}
	w.fault(`{"kind": "expire"}`)
	if got := w.query(w.Questions[0].Query, false); len(at(got, "userErrors").([]any)) > 0 {
		w.t.Errorf("once the access token has ended: %v", got)
	}
}

// disconnect connects again and takes everything back, at the vendor too where that is possible.
func (w *walk) disconnect() {
	w.t.Helper()
	w.connect()
	gone := w.mutate("integrationDisconnect", "revocation { outcome }", map[string]any{"id": w.integration})
	want := "UNSUPPORTED"
	if w.way.AuthKind == provider.OAuth2 && w.manifest.Revocable() {
		want = "REVOKED"
	}
	if got := at(gone, "revocation", "outcome"); got != want && w.way.AuthKind != provider.None {
		w.t.Errorf("disconnected: %v, want %s", gone, want)
	}
	for _, g := range w.grants() {
		if want == "REVOKED" && g.Group == w.manifest.ClientGroup() && g.RevokedAt == nil {
			w.t.Errorf("the vendor still honours %+v", g)
		}
	}
}

// beRefused has the vendor refuse a question for now, and then for good.
func (w *walk) beRefused() {
	w.t.Helper()
	if len(w.Questions) == 0 || w.way.AuthKind == provider.None {
		return
	}
	q := w.Questions[0]
	again := func(fault string) any {
		w.fault(fault)
		return at(w.query(q.Query, false), "userErrors", 0, "code")
	}
	if code := again(`{"kind": "too_many_requests", "times": 1}`); code != "PROVIDER_RATE_LIMITED" {
		w.t.Errorf("after too many requests: %v", code)
	}
	if code := again(`{"kind": "revoke"}`); code != "REAUTHORIZATION_REQUIRED" {
		w.t.Errorf("after the revocation: %v", code)
	}
}
