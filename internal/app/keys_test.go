package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent/credential"
	"github.com/patchbay/patchbay/internal/app"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

// sealedServer is a running server whose ring file and database a test may change behind its back.
type sealedServer struct {
	*running
	vendor             *vendor
	database, ringFile string
	key                string
	args               []string
}

func newSealedServer(t *testing.T, database string, flags ...string) *sealedServer {
	t.Helper()
	v := newVendor(t)
	s := &sealedServer{vendor: v, database: database, ringFile: newRingFile(t)}
	command(t, "migrate", "--database", database)
	s.key = strings.TrimSpace(command(t, "apikey", "create", "--database", database, "--company", "Acme"))
	s.args = []string{
		"--database", database, "--listen", "127.0.0.1:0", "--log-level", "info",
		"--egress-allow", strings.TrimPrefix(v.URL, "http://"), "--manifests", manifests(t, v.URL),
		"--oauth-clients", `{"google":{"client_id":"client","client_secret":"secret"}}`,
	}
	s.args = append(s.args, flags...)
	s.running = s.start(t)
	return s
}

func (s *sealedServer) start(t *testing.T) *running {
	t.Helper()
	return start(t, s.key, append([]string{"serve", "--key-ring-file", s.ringFile}, s.args...)...)
}

func newRingFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keyring.json")
	ring, err := seal.NewRing()
	if err != nil {
		t.Fatal(err)
	}
	if err := seal.WriteRingFile(path, ring); err != nil {
		t.Fatal(err)
	}
	return path
}

// webhook creates an integration with a sealed secret and returns its id.
func (s *sealedServer) webhook() string {
	s.t.Helper()
	hook := s.mutate("integrationCreate", "integration { id }", s.hookInput())
	return at(hook, "integration", "id").(string)
}

// question asks a webhook and returns the payload.
func (s *sealedServer) question(id string) map[string]any {
	s.t.Helper()
	return s.attempt("integrationQuery", "result { results { title } }", map[string]any{
		"integrationId": id, "query": "order status of 1001",
	})
}

func (s *sealedServer) answers(id string) {
	s.t.Helper()
	payload := s.question(id)
	if errs, _ := payload["userErrors"].([]any); len(errs) > 0 || at(payload, "result", "results", 0) == nil {
		s.t.Errorf("asked %s: %s", id, text(payload))
	}
}

func (s *sealedServer) isUnreadable(id string) {
	s.t.Helper()
	payload := s.question(id)
	if at(payload, "userErrors", 0, "code") != "REAUTHORIZATION_REQUIRED" ||
		!strings.Contains(text(payload), "An administrator has to restore the key") {
		s.t.Errorf("asked %s: %s", id, text(payload))
	}
	got := s.ask(`query($id: ID!) { integration(id: $id) { health { status reason nextAction message } } }`,
		map[string]any{"id": id})
	state := at(got, "integration", "health")
	if at(state, "status") != "DISCONNECTED" || at(state, "reason") != "SECRET_UNREADABLE" ||
		at(state, "nextAction") != "CONTACT_ADMIN" {
		s.t.Errorf("health = %s", text(state))
	}
}

func TestASecretThatNoKeyOpensIsToldAtThePublicDoorAndCrashesNothing(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		s := newSealedServer(t, database)
		good, moved := s.webhook(), s.webhook()
		s.answers(good)
		s.answers(moved)

		db := storetest.Open(t, store.Options{URL: database})
		system := viewer.System(t.Context())
		rows := db.Client(system).Credential
		theirs := rows.Query().Where(credential.IntegrationID(good)).OnlyX(system)
		rows.Update().Where(credential.IntegrationID(moved)).SetSecrets(theirs.Secrets).ExecX(system)
		s.isUnreadable(moved)
		s.answers(good)

		if code := s.stop(); code != 0 {
			t.Fatalf("the server ended with code %d", code)
		}
		right := s.ringFile
		s.ringFile = newRingFile(t) // somebody else's
		s.running = s.start(t)
		s.isUnreadable(good)
		s.answers(s.webhook())
		out := command(t, "keys", "list", "--database", database, "--key-ring-file", s.ringFile)
		if !regexp.MustCompile(`(?m)^\d+ +missing +2 `).MatchString(out) {
			t.Errorf("the missing key is not listed:\n%s", out)
		}
		if code := s.stop(); code != 0 {
			t.Fatalf("the server ended with code %d", code)
		}
		s.ringFile = right
		s.running = s.start(t)
		s.answers(good)
	})
}

// TestBehaviour19KeysAreReplacedWhileTheServerRuns goes through docs/keys.md.
func TestBehaviour19KeysAreReplacedWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		s := newSealedServer(t, database)
		ring, db := []string{"--key-ring-file", s.ringFile}, []string{"--database", database}
		keys := func(step string, args ...string) string {
			t.Helper()
			return command(t, append([]string{"keys", step}, args...)...)
		}
		before := s.webhook()
		old := regexp.MustCompile(`(?m)^(\d+) +seals +1 `).FindStringSubmatch(keys("list", append(db, ring...)...))[1]
		added := strings.TrimSpace(keys("add", ring...))
		between := s.webhook()
		keys("promote", append(ring, added)...)
		after := s.webhook() // the server has noticed by itself
		list := keys("list", append(db, ring...)...)
		if !regexp.MustCompile(`(?m)^`+old+` +opens +2 `).MatchString(list) ||
			!regexp.MustCompile(`(?m)^`+added+` +seals +1 `).MatchString(list) {
			t.Errorf("after the promotion:\n%s", list)
		}
		drop := func() (string, int) {
			var out bytes.Buffer
			args := append(append([]string{"keys", "drop", old}, db...), ring...)
			code := app.Main(t.Context(), args, &out, &out)
			return out.String(), code
		}
		if out, code := drop(); code == 0 || !strings.Contains(out, "keys rotate first") {
			t.Errorf("drop of a key in use: %d %s", code, out)
		}
		rotated := keys("rotate", append(db, ring...)...)
		for _, want := range []string{
			`credentials.secrets +` + old + ` +2 +0`, `credentials.secrets +` + added + ` +1 +3`,
			`credentials.secrets +all +3 +3 +equal`, `2 values sealed again with key ` + added,
		} {
			if !regexp.MustCompile(want).MatchString(rotated) {
				t.Errorf("rotate lacks %q:\n%s", want, rotated)
			}
		}
		if out, code := drop(); code == 0 || !strings.Contains(out, "try again in") {
			t.Errorf("drop right after the promotion: %d %s", code, out)
		}
		past := time.Now().Add(-time.Hour)
		if err := os.Chtimes(s.ringFile, past, past); err != nil {
			t.Fatal(err)
		}
		if out, code := drop(); code != 0 {
			t.Errorf("drop: %d %s", code, out)
		}
		for _, id := range []string{before, between, after, s.webhook()} {
			s.answers(id)
		}
		if !strings.Contains(s.Log.String(), "the key ring has changed and was read again") {
			t.Error("the log does not tell of the change")
		}
	})
}
