package app_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent/credential"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

// TestAKillSwitchThatIsKilledGoesOnWithWhatIsLeft kills the process while a vendor that never answers is being told.
func TestAKillSwitchThatIsKilledGoesOnWithWhatIsLeft(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		s := newSealedServer(t, database)
		calendar, hook := s.calendar("ada"), s.webhook()
		asked, over := make(chan struct{}, 1), make(chan struct{})
		silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			asked <- struct{}{}
			<-over
		}))
		t.Cleanup(func() { close(over); silent.Close() })
		revoke := func(more ...string) []string {
			return append(append([]string{
				"revoke", "--company", "Acme", "--yes", "--key-ring-file", s.ringFile,
			}, s.args...), more...)
		}
		args := revoke("--egress-allow", strings.TrimPrefix(silent.URL, "http://"))
		args[slices.Index(args, "--manifests")+1] = revokingAt(t, s.vendor.URL, silent.URL)
		process := newVictim(t, args...)
		select {
		case <-asked:
		case <-time.After(patience):
			t.Fatalf("the vendor was not told:\n%s", process.said)
		}
		process.kill(t, database)

		for _, id := range []string{calendar, hook} {
			if payload := s.question(id); at(payload, "userErrors", 0, "code") != "NOT_FOUND" {
				t.Errorf("%s is still in use: %s", id, text(payload))
			}
		}
		if code := s.stop(); code != 0 { // or its background would go on with the rest
			t.Fatalf("the server ended with code %d", code)
		}
		db := storetest.Open(t, store.Options{URL: database})
		system := viewer.System(t.Context())
		rows := db.Client(system).Credential
		row := rows.Query().Where(credential.IntegrationID(calendar)).OnlyX(system)
		if row.State != "ending" || row.LeaseOwner == nil {
			t.Fatalf("the credential is %s, its lease %v", row.State, row.LeaseUntil)
		}
		// A minute later; the other credential may have been under way as well.
		rows.Update().Where(credential.LeaseOwnerNotNil()).SetLeaseUntil(time.Now().Add(-time.Second)).ExecX(system)
		out := command(t, revoke()...)
		if !strings.Contains(out, "\t"+calendar+"\tgoogle_calendar\tREVOKED\t") {
			t.Errorf("the second run:\n%s", out)
		}
		if n := rows.Query().CountX(system); n != 0 || strings.Count(s.vendor.requests(), "POST /revoke") != 1 {
			t.Errorf("%d credentials are left", n)
		}
	})
}

// revokingAt is manifests with another address for revocations.
func revokingAt(t *testing.T, base, revoke string) string {
	t.Helper()
	path := filepath.Join(manifests(t, base), "google_calendar.yaml")
	manifest, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(manifest), base+"/revoke", revoke+"/revoke")
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(path)
}
