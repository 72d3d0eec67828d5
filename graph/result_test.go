package graph_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/internal/provider"
)

// kindsManifest is a provider with one capability for every kind of result, which is asked by the kind's name.
func kindsManifest() fstest.MapFS {
	text := `name: every_kind
title: Every kind
hosts: ["{url}"]
base_url: "{url}"
auth: { none: { revoke: Nothing. } }
config: { required: [url], properties: { url: { type: string } } }
account: { none: A test. }
probe: { none: A test. }
capabilities:
`
	for _, kind := range provider.Kinds() {
		text += "  - { name: " + kind + ", effect: read, phrases: [" + strings.ReplaceAll(kind, "_", " ") +
			"], request: '{}', result: " + kind + ", results: '.[]' }\n"
	}
	return fstest.MapFS{"every_kind.yaml": {Data: []byte(text)}}
}

func TestEveryKindOfResultHasItsType(t *testing.T) {
	kinds := map[string]struct{ name, answer, fields, want string }{
		"calendar_event": {
			"CalendarEvent", `"start":"2026-11-22T10:00:00","end":1795341600,"time_zone":"Europe/Zurich","attendees":["a"]`,
			"start end allDay startDate endDate timeZone location organizer attendees",
			"2026-11-22T09:00:00Z|2026-11-22T10:00:00Z|false|<nil>|<nil>|Europe/Zurich|<nil>|<nil>|[a]",
		},
		"email_message": {
			"EmailMessage", `"from":"a","to":["b"],"sent_at":"1795341600000","unread":true`, "from to sentAt unread",
			"a|[b]|2026-11-22T10:00:00Z|true",
		},
		"document_item": {"DocumentItem", `"author":"a","updated_at":"2026-11-22T10:00:00Z"`, "author updatedAt",
			"a|2026-11-22T10:00:00Z"},
		"work_item": {
			"WorkItem", `"key":"K-1","status":"s","priority":1,"assignee":"a","requester":"r",
				"created_at":"2026-11-22 10:00:00","updated_at":"2026-11-22T10:00:00+0000"`,
			"key status priority assignee requester createdAt updatedAt",
			"K-1|s|1|a|r|2026-11-22T10:00:00Z|2026-11-22T10:00:00Z",
		},
		"order": {
			"Order", `"number":1001,"status":"s","total":12.5,"currency":"CHF","customer":"c","placed_at":1795341600`,
			"number status total currency customer placedAt", "1001|s|12.5|CHF|c|2026-11-22T10:00:00Z",
		},
		"crm_record": {
			"CrmRecord", `"kind":"k","email":"e","phone":false,"stage":"s","amount":"1.50","owner":"o","updated_at":"soon"`,
			"kind email phone stage amount owner updatedAt", "k|e|<nil>|s|1.50|o|<nil>",
		},
		"chat_message": {"ChatMessage", `"author":"a","channel":"c","sent_at":"1795341600.000200"`,
			"author channel sentAt", "a|c|2026-11-22T10:00:00.0002Z"},
		"custom_record": {"CustomRecord", `"x":1`, "", ""},
	}
	both(t, func(t *testing.T, e *env) {
		var answer string
		vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, answer)
		}))
		defer vendor.Close()
		made := e.must("acme", createWebhook, map[string]any{"in": map[string]any{
			"provider": "every_kind", "name": "Kinds", "config": map[string]any{"url": vendor.URL},
		}}).at("integrationCreate", "integration", "id")
		for _, kind := range provider.Kinds() {
			c, ok := kinds[kind]
			if !ok {
				t.Errorf("%s is not tested", kind)
				continue
			}
			answer = `[{"title":"t","url":"https://x.example/",` + c.answer + `,"nothing":null},{}]`
			fragment := ""
			if c.fields != "" {
				fragment = " ... on " + c.name + " { " + c.fields + " }"
			}
			r := e.must("acme", `mutation($in: IntegrationQueryInput!) { integrationQuery(input: $in) {
				result { results { __typename title content url structuredData`+fragment+` } } userErrors { message } } }`,
				map[string]any{"in": map[string]any{"integrationId": made, "query": strings.ReplaceAll(kind, "_", " ")}})
			if len(r.at("integrationQuery", "userErrors").([]any)) > 0 {
				t.Fatalf("%s: %s", kind, r.body)
			}
			full := r.at("integrationQuery", "result", "results", 0).(map[string]any)
			empty := r.at("integrationQuery", "result", "results", 1).(map[string]any)
			var got []string
			for _, f := range strings.Fields(c.fields) {
				got = append(got, fmt.Sprint(full[f]))
			}
			if full["__typename"] != c.name || empty["__typename"] != c.name || full["title"] != "t" || empty["title"] != nil {
				t.Errorf("%s: %s", kind, r.body)
			}
			if d := cmp.Diff(c.want, strings.Join(got, "|")); d != "" {
				t.Errorf("%s: %s", kind, d)
			}
			if _, there := full["structuredData"].(map[string]any)["nothing"]; there {
				t.Errorf("%s: a null is kept: %s", kind, r.body)
			}
		}
	})
}
