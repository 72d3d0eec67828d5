package provider_test

import (
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// writing is tickets with two writes, of which one may be sent twice.
const writing = tickets + `  - name: close_ticket
    description: Close a ticket
    effect: write
    repeatable: true
    arguments: { required: [number], properties: { number: { type: integer }, note: { type: string, maxLength: 5 } } }
    request: '{ method: "PUT", path: "/tickets/\(.arguments.number)", body: { note: .arguments.note } }'
    result: custom_record
    results: '{ title: "Closed", data: { number: $in.arguments.number } }'
  - name: create_ticket
    description: Create a ticket
    effect: write
    arguments: { properties: { subject: { type: string } } }
    request: '{ method: "POST", path: "/tickets", body: .arguments }'
    result: custom_record
    results: '{ title: .subject }'
`

func TestOnlyWhatDoesNoHarmTwiceMayBeRepeated(t *testing.T) {
	t.Parallel()
	p := decode(t, writing)
	for name, want := range map[string]bool{"list_tickets": true, "close_ticket": true, "create_ticket": false} {
		if got := capability(t, p, name).MayRepeat(); got != want {
			t.Errorf("%s may be repeated: %v", name, got)
		}
	}
}

func TestAReadThatClaimsToBeRepeatableIsAFault(t *testing.T) {
	t.Parallel()
	_, findings := provider.Decode("tickets.yaml", []byte(strings.Replace(tickets, "effect: read", "effect: read\n    repeatable: true", 1)))
	if len(findings) != 1 || findings[0].Line != 26 || !strings.Contains(findings[0].Message, "repeatable") {
		t.Errorf("findings = %v", findings)
	}
}

func TestAWriteMayBeAnsweredWithNothing(t *testing.T) {
	t.Parallel()
	p := decode(t, writing)
	in := provider.Input{Arguments: map[string]any{"number": 7}}
	for _, body := range []string{"", " \n"} {
		page, err := capability(t, p, "close_ticket").Map(t.Context(), in, provider.Response{Status: 204, Body: []byte(body)})
		if err != nil || len(page.Results) != 1 || page.Results[0].Title != "Closed" || page.Results[0].Data["number"] != 7 {
			t.Errorf("%q: %+v, %v", body, page, err)
		}
	}
	_, err := capability(t, p, "close_ticket").Map(t.Context(), in, provider.Response{Status: 200, Body: []byte("<html>")})
	if !problem.Is(err, problem.ProviderFailed) {
		t.Errorf("a web page: %v", err)
	}
}

func TestEveryFaultOfTheArgumentsIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	err := capability(t, decode(t, writing), "close_ticket").ValidateArguments(map[string]any{
		"note": "far too long", "colour": "secret-1",
	})
	got := map[string]string{}
	for _, e := range problem.All(err) {
		got[strings.Join(e.Field, ".")] = e.Message
	}
	if len(got) != 3 || got["arguments.number"] != "This argument is missing." ||
		got["arguments.colour"] != "There is no such argument." || !strings.Contains(got["arguments.note"], "at most 5") {
		t.Errorf("faults = %v", got)
	}
	if strings.Contains(err.Error(), "secret-1") || strings.Contains(err.Error(), "far too long") {
		t.Errorf("a fault repeats a value: %v", err)
	}
}

func TestAFormIsExplainedInTheManifestsWords(t *testing.T) {
	t.Parallel()
	p := decode(t, strings.Replace(writing, "properties: { subject: { type: string } }",
		"properties: { due: { type: string, description: 'A day, as YYYY-MM-DD.', pattern: '^\\d{4}' },"+
			" keys: { type: array, items: { type: string, pattern: '^[A-Z]+$' } } }", 1))
	err := capability(t, p, "create_ticket").ValidateArguments(map[string]any{"due": "tomorrow", "keys": []any{"a"}})
	got := map[string]string{}
	for _, e := range problem.All(err) {
		got[strings.Join(e.Field, ".")] = e.Message
	}
	if got["arguments.due"] != `It must have the form ^\d{4}. It is: A day, as YYYY-MM-DD.` ||
		got["arguments.keys.0"] != "It must have the form ^[A-Z]+$." {
		t.Errorf("faults = %v", got)
	}
}
