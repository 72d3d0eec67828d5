package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/app"
	"github.com/patchbay/patchbay/internal/store/storetest"
)

// calendar connects the calendar of a new user and returns the integration's id.
func (s *sealedServer) calendar(externalID string) string {
	s.t.Helper()
	made := s.mutate("userCreate", "user { id }", map[string]any{"externalId": externalID})
	user := at(made, "user", "id")
	state := s.mutate("integrationConnect", "state", map[string]any{
		"userId": user, "provider": "google_calendar", "redirectUrl": "http://127.0.0.1:9/done",
	})["state"]
	done := s.mutate("integrationCallback", "integration { id }", map[string]any{
		"userId": user, "provider": "google_calendar", "code": "code", "state": state,
	})
	return at(done, "integration", "id").(string)
}

// TestTheKillSwitchEndsWhatMatchesBesideARunningServer goes through docs/incident.md.
func TestTheKillSwitchEndsWhatMatchesBesideARunningServer(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		s := newSealedServer(t, database)
		calendar, hook := s.calendar("ada"), s.webhook()
		report := filepath.Join(t.TempDir(), "report.tsv")
		revoke := func(args ...string) (string, int) {
			t.Helper()
			var out bytes.Buffer
			code := app.Main(t.Context(), append(append([]string{
				"revoke", "--key-ring-file", s.ringFile, "--report", report,
			}, s.args...), args...), &out, &out)
			return out.String(), code
		}
		says := func(out string, patterns ...string) {
			t.Helper()
			for _, p := range patterns {
				if !regexp.MustCompile(`(?m)` + p).MatchString(out) {
					t.Errorf("%q is not in\n%s", p, out)
				}
			}
		}
		out, code := revoke("--provider", "google_calendar", "--since", "1h")
		says(out, `\t`+calendar+`\tgoogle_calendar\twould end\t`, `^would end: 1 integrations, .* add --yes`)
		if _, err := os.Stat(report); code != 0 || err == nil || strings.Contains(out, hook) {
			t.Errorf("a rehearsal: %d, report: %v\n%s", code, err, out)
		}
		if strings.Contains(s.vendor.requests(), "/revoke") {
			t.Error("a rehearsal reached the vendor")
		}
		s.answers(hook)

		out, code = revoke("--provider", "google_calendar", "--since", "1h", "--yes")
		says(out, `\t`+calendar+`\tgoogle_calendar\tREVOKED\t$`, `^total: 1, 1 REVOKED$`)
		if code != 0 || strings.Contains(out, hook) {
			t.Errorf("code %d\n%s", code, out)
		}
		payload := s.question(calendar)
		if at(payload, "userErrors", 0, "code") != "NOT_FOUND" {
			t.Errorf("after the kill: %s", text(payload))
		}
		if n := strings.Count(s.vendor.requests(), "POST /revoke"); n != 1 {
			t.Errorf("%d revocations", n)
		}
		s.answers(hook)

		out, code = revoke("--company", "Acme", "--yes")
		says(out, `\t`+hook+`\tcustom_webhook\tUNSUPPORTED\t\S+`, `^total: 1, 1 UNSUPPORTED$`)
		if code != 0 {
			t.Errorf("code %d\n%s", code, out)
		}
		kept, err := os.ReadFile(report)
		if err != nil {
			t.Fatal(err)
		}
		says(string(kept), calendar, hook, ` provider=google_calendar since=`, `^total: 1, 1 REVOKED$`)
		trail := text(s.ask(`{ auditEvents(first: 20) { nodes { eventType actor integrationId details } } }`, nil))
		if strings.Count(trail, `"incident":`) != 2 {
			t.Errorf("the trail does not name the incidents: %s", trail)
		}
		if strings.Contains(out+string(kept), mark) {
			t.Error("a secret is in the report")
		}
	})
}
