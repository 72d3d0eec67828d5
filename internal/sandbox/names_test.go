package sandbox_test

import (
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/provider/catalog"
)

func TestNamesAreToldAsTheFixturesTellThem(t *testing.T) {
	t.Parallel()
	w := startWith(t, catalog.FS)
	for _, c := range []struct{ address, want, not string }{
		{"https://slack.com/api/users.info?user=W4", "Bo Li", ""},
		{"https://slack.com/api/users.info?user=U012AB3CDE", "Egon Spengler", ""},
		{"https://slack.com/api/users.info?user=U0SOMEBODY", `"ok":true`, "missing_scope"},
		{"https://api.hubapi.com/crm/owners/2026-03?limit=500", "Maria", "MISSING_SCOPES"},
		{"https://api.hubapi.com/crm/pipelines/2026-03/deals", "Contract Sent", ""},
		{"https://api.hubapi.com/crm/pipelines/2026-03/tickets", "Support Pipeline", ""},
		{"https://api.hubapi.com/crm/properties/2026-03/contacts/lifecyclestage", "Trial", ""},
		{"https://api.intercom.io/admins", "Ciaran7 Lee", "forbidden"},
		{"https://api.eu.intercom.io/admins", "Ciaran7 Lee", "forbidden"},
	} {
		got := w.send("GET", c.address, "", "Authorization: Bearer xoxp-12345678", "Intercom-Version: 2.15")
		if got.status != 200 || !strings.Contains(got.text, c.want) || c.not != "" && strings.Contains(got.text, c.not) {
			t.Errorf("%s: %d %s", c.address, got.status, got.text)
		}
	}
}
