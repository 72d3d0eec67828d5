package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// regions is the small manifest with a host for each region.
var regions = strings.NewReplacer(
	"hosts: [api.tickets.example]", "hosts: [\"{api_host}\"]",
	"base_url: https://api.tickets.example/v1", "base_url: \"https://{api_host}/v1\"\nderive: '. as $c | { api_host: ({ us: \"api.tickets.example\", "+
		"eu: \"api.eu.tickets.example\" }[$c.region]), \"api_team\": \"\\($c.desk)-team\" }'",
	"desk: { type: string, default: main, maxLength: 40 }",
	"desk: { type: string, default: main, maxLength: 40 }, region: { type: string, default: us }",
	`"/desks/\(.config.desk | @uri)/tickets"`, `"/desks/\(.config.api_team)/tickets"`,
).Replace(tickets)

func TestPropertiesAreDerivedFromTheConfig(t *testing.T) {
	t.Parallel()
	p := decode(t, regions)
	for region, want := range map[string]string{
		"":     "GET https://api.tickets.example/v1/desks/main-team/tickets?limit=20 [api.tickets.example]",
		"eu":   "GET https://api.eu.tickets.example/v1/desks/main-team/tickets?limit=20 [api.eu.tickets.example]",
		"mars": "",
	} {
		config := map[string]any{"region": region}
		r, err := p.Capabilities[0].Request(t.Context(), provider.Input{Config: config})
		if want == "" {
			if !problem.Is(err, problem.Invalid) || len(p.HostsFor(config)) != 0 {
				t.Errorf("%s: %v, hosts %v", region, err, p.HostsFor(config))
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Summary() + " " + fmt.Sprint(p.HostsFor(config)); got != want {
			t.Errorf("%s: want %s, got %s", region, want, got)
		}
		if len(config) != 1 {
			t.Errorf("the config itself has become %v", config)
		}
	}
}

func TestWhatIsDerivedCanNeitherBeSetNorSeen(t *testing.T) {
	t.Parallel()
	p := decode(t, regions)
	config := map[string]any{"api_key": "12345678", "api_host": "evil.example"}
	if err := p.ValidateConfig(provider.APIKey, config); !problem.Is(err, problem.Invalid) {
		t.Errorf("a derived property was taken: %v", err)
	}
	for _, region := range []string{"eu", "mars"} { // even in a config that was never validated
		config["region"] = region
		if got := fmt.Sprint(p.HostsFor(config)); strings.Contains(got, "evil") {
			t.Errorf("%s: hosts %s", region, got)
		}
	}
	if properties := p.ConfigSchema("")["properties"].(map[string]any); properties["api_host"] != nil {
		t.Error("the schema shows what is derived")
	}
	public, _ := p.SplitSecrets(map[string]any{"region": "eu"})
	if public["api_host"] != nil {
		t.Errorf("the stored config is %v", public)
	}
}

func TestFaultsOfADerivation(t *testing.T) {
	t.Parallel()
	rest := regions[strings.Index(regions, "derive: ")+len("derive: ") : strings.Index(regions, "\nconfig:")]
	for expression, message := range map[string]string{
		`'{ region: "us", api_host: "x" }'`:              "region is a config property already",
		`'if .region then { api_host: "x" } else . end'`: "whose names are written out",
		`'{ (.region): "x" }'`:                           "whose names are written out",
		`'"x"'`:                                          "whose names are written out",
		`'{ host: "x", api_team: "y" }'`:                 "{api_host} is neither a config property nor derived",
	} {
		_, findings := provider.Decode("tickets.yaml", []byte(strings.Replace(regions, rest, expression, 1)))
		if len(findings) == 0 || !strings.Contains(findings[0].Message, message) {
			t.Errorf("%s: %v", expression, findings)
		}
	}
}

func TestTheNextPageMayBeAWholeAddress(t *testing.T) {
	t.Parallel()
	c := decode(t, strings.Replace(tickets, `{ method: "GET",
        path: "/desks/\(.config.desk | @uri)/tickets", query: { limit, page } }`,
		`if .page then { url: .page } else { path: "/tickets", query: { limit } } end`, 1)).Capabilities[0]
	answer := func(next string) (provider.Page, error) {
		return c.Map(t.Context(), provider.Input{}, provider.Response{Status: 200, Body: []byte(`{"tickets":[],"next":"` + next + `"}`)})
	}
	for next, code := range map[string]problem.Code{
		"https://api.tickets.example/v1/tickets?cursor=a%20b&limit=2": "",
		"https://API.tickets.example/v1/other":                        "",
		"https://evil.example/v1/tickets":                             problem.TargetRefused,
		"https://api.tickets.example.evil.example/":                   problem.TargetRefused,
		"https://api.tickets.example@evil.example/":                   problem.TargetRefused,
		"http://api.tickets.example/v1/tickets":                       problem.TargetRefused,
		"file:///etc/passwd":                                          problem.TargetRefused,
		"/v1/tickets?cursor=a":                                        problem.TargetRefused,
		"//evil.example/":                                             problem.TargetRefused,
	} {
		page, err := answer(next)
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Request(t.Context(), provider.Input{Page: page.Next})
		if problem.CodeOf(err) != code || err == nil && r.Summary() != "GET "+next {
			t.Errorf("%s: %v, %v", next, r, err)
		}
	}
}
