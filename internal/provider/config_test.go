package provider_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// faults returns the fields that an error points at, sorted, and fails when a message repeats what is marked.
func faults(t *testing.T, err error) []string {
	t.Helper()
	var out []string
	for _, e := range problem.All(err) {
		out = append(out, strings.Join(e.Field, "."))
		if e.Code != problem.Invalid || e.Message == "" {
			t.Errorf("%s: %s %q", e.Field, e.Code, e.Message)
		}
	}
	if err != nil && strings.Contains(err.Error(), "marked") {
		t.Errorf("the error repeats a value: %v", err)
	}
	return slices.Sorted(slices.Values(out))
}

func TestConfigFaultsNameTheFieldAndNoValue(t *testing.T) {
	t.Parallel()
	p := builtin(t, "custom_webhook")
	long := make([]any, 60)
	for i := range long {
		long[i] = "x"
	}
	deep := any("marked")
	for range 40 {
		deep = map[string]any{"a": deep}
	}
	for name, c := range map[string]struct {
		kind   string
		change map[string]any
		want   []string
	}{
		"good":               {provider.APIKey, nil, nil},
		"nothing":            {provider.None, map[string]any{"url": nil, "authentication": nil, "capabilities": nil}, []string{"config.capabilities", "config.url"}},
		"an unknown setting": {provider.APIKey, map[string]any{"urll": "marked"}, []string{"config.urll"}},
		"a literal token":    {provider.APIKey, map[string]any{"authentication": map[string]any{"type": "bearer", "token": 7}}, []string{"config.authentication.token"}},
		"an empty token":     {provider.APIKey, map[string]any{"authentication": map[string]any{"type": "bearer", "token": ""}}, []string{"config.authentication.token"}},
		"a huge token":       {provider.APIKey, map[string]any{"authentication": map[string]any{"type": "bearer", "token": strings.Repeat("marked", 1000)}}, []string{"config.authentication.token"}},
		"no token":           {provider.APIKey, map[string]any{"authentication": map[string]any{"type": "bearer"}}, []string{"config.authentication.token"}},
		"no password":        {provider.Basic, map[string]any{"authentication": map[string]any{"type": "basic", "username": "marked"}}, []string{"config.authentication.password"}},
		"another kind":       {provider.Basic, nil, []string{"config.authentication.type"}},
		"an unknown type":    {provider.APIKey, map[string]any{"authentication": map[string]any{"type": "marked"}}, []string{"config.authentication.type"}},
		"a header that is none": {provider.APIKey, map[string]any{"authentication": map[string]any{"type": "header", "header": "marked: x\r\n", "value": "v"}},
			[]string{"config.authentication.header"}},
		"a header of the wire": {provider.APIKey, map[string]any{"authentication": map[string]any{"type": "header", "header": "Content-Length", "value": "v"}},
			[]string{"config.authentication.header"}},
		"our own header": {provider.APIKey, map[string]any{"authentication": map[string]any{"type": "header", "header": "patchbay-signature", "value": "v"}},
			[]string{"config.authentication.header"}},
		"a URL with a password": {provider.APIKey, map[string]any{"url": "https://me:marked@x.example/"}, []string{"config.url"}},
		"a URL of another kind": {provider.APIKey, map[string]any{"url": "gopher://marked/"}, []string{"config.url"}},
		"no capabilities":       {provider.APIKey, map[string]any{"capabilities": []any{}}, []string{"config.capabilities"}},
		"a capability without a name": {provider.APIKey, map[string]any{"capabilities": []any{map[string]any{"trigger_phrases": []any{"x"}}}},
			[]string{"config.capabilities.0.name"}},
		"two of the same name": {provider.APIKey, map[string]any{"capabilities": []any{
			map[string]any{"name": "a", "trigger_phrases": []any{"x"}}, map[string]any{"name": "a", "trigger_phrases": []any{"y"}}}},
			[]string{"config.capabilities"}},
		"too many phrases": {provider.APIKey, map[string]any{"capabilities": []any{map[string]any{"name": "a", "trigger_phrases": long}}},
			[]string{"config.capabilities.0.trigger_phrases"}},
		"a placeholder elsewhere": {provider.APIKey, map[string]any{"url": "https://x.example/{{API_KEY}}"}, []string{"config.url"}},
		"a placeholder in lower case": {provider.APIKey, map[string]any{"authentication": map[string]any{"type": "bearer", "token": "{{marked}}"}},
			[]string{"config.authentication.token"}},
		"many placeholders": {provider.APIKey, map[string]any{"authentication": map[string]any{"type": "bearer", "token": strings.Repeat("{{A}}", 100)}},
			[]string{"config"}},
		"too deep":     {provider.APIKey, map[string]any{"authentication": deep}, []string{"config"}},
		"too large":    {provider.APIKey, map[string]any{"authentication": strings.Repeat("marked", 20_000)}, []string{"config"}},
		"no such kind": {provider.OAuth2, nil, []string{"authKind"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := webhookConfig()
			for k, v := range c.change {
				if v == nil {
					delete(config, k)
				} else {
					config[k] = v
				}
			}
			if d := cmp.Diff(c.want, faults(t, p.ValidateConfig(c.kind, config))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTheKindFollowsFromTheConfig(t *testing.T) {
	t.Parallel()
	p := builtin(t, "custom_webhook")
	for want, authentication := range map[string]map[string]any{
		provider.APIKey: {"type": "header", "header": "X-Key", "value": "v"},
		provider.Basic:  {"type": "basic", "username": "u", "password": "p"},
		provider.None:   {"type": "none"},
	} {
		if got := p.KindFor(withAuthentication(authentication)); got != want {
			t.Errorf("%v: want %s, got %s", authentication, want, got)
		}
	}
	if got := p.KindFor(map[string]any{}); got != provider.None {
		t.Errorf("nothing at all: %s", got)
	}
	if got := builtin(t, "gmail").KindFor(nil); got != provider.OAuth2 {
		t.Errorf("mail: %s", got)
	}
}

func TestSecretsAreSplitOffAndJoinedAgain(t *testing.T) {
	t.Parallel()
	p := builtin(t, "custom_webhook")
	config := withAuthentication(map[string]any{"type": "basic", "username": "me", "password": "prefix {{A}}", "token": "{{WHOLE}}"})
	before := config["authentication"].(map[string]any)
	public, secrets := p.SplitSecrets(config)
	if d := cmp.Diff(map[string]string{"authentication.password": "prefix {{A}}"}, secrets); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(any(map[string]any{"type": "basic", "username": "me", "token": "{{WHOLE}}"}), public["authentication"]); d != "" {
		t.Error(d)
	}
	if len(before) != 4 {
		t.Error("the caller's config was changed")
	}
	if d := cmp.Diff(config, p.JoinSecrets(public, secrets)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"A", "WHOLE"}, p.PlaceholderNames(config)); d != "" {
		t.Error(d)
	}
	for _, odd := range []map[string]any{nil, {"authentication": "x"}, {"authentication": map[string]any{"password": 7}}} {
		public, secrets := p.SplitSecrets(odd)
		p.JoinSecrets(public, secrets)
		if len(secrets) != 0 {
			t.Errorf("%v: %v", odd, secrets)
		}
	}
}

func TestSecretsAreThoseThatThePlaceholdersName(t *testing.T) {
	t.Parallel()
	p := builtin(t, "custom_webhook")
	for name, c := range map[string]struct {
		secrets map[string]string
		want    []string
	}{
		"good":       {map[string]string{"API_KEY": "marked"}, nil},
		"missing":    {nil, []string{"secrets.API_KEY"}},
		"empty":      {map[string]string{"API_KEY": ""}, []string{"secrets.API_KEY"}},
		"not needed": {map[string]string{"API_KEY": "marked", "OTHER": "marked"}, []string{"secrets.OTHER"}},
		"a bad name": {map[string]string{"API_KEY": "marked", "authentication.token": "marked"}, []string{"secrets.authentication.token"}},
		"too long":   {map[string]string{"API_KEY": strings.Repeat("marked", 9000)}, []string{"secrets.API_KEY"}},
	} {
		if d := cmp.Diff(c.want, faults(t, p.ValidateSecrets(webhookConfig(), c.secrets))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestAnAliasIsTheSameSetting(t *testing.T) {
	t.Parallel()
	p := builtin(t, "google_calendar")
	list := capability(t, p, "list_events")
	for _, config := range []map[string]any{{"calendar_id": "team"}, {"default_calendar": "team"}} {
		if err := p.ValidateConfig(provider.OAuth2, config); err != nil {
			t.Errorf("%v: %v", config, err)
		}
		public, _ := p.SplitSecrets(config)
		if d := cmp.Diff(map[string]any{"calendar_id": "team"}, public); d != "" {
			t.Error(d)
		}
		r, err := list.Request(t.Context(), provider.Input{Config: config})
		if err != nil || !strings.Contains(r.URL, "/calendars/team/events") {
			t.Errorf("%v: %v %v", config, r, err)
		}
	}
	both := map[string]any{"calendar_id": "a", "default_calendar": "b"}
	if d := cmp.Diff([]string{"config.default_calendar"}, faults(t, p.ValidateConfig("", both))); d != "" {
		t.Error(d)
	}
	zone := map[string]any{"timezone": "Mars/Base"}
	if d := cmp.Diff([]string{"config.timezone"}, faults(t, p.ValidateConfig("", zone))); d != "" {
		t.Error(d)
	}
	schema := p.ConfigSchema("")
	properties, _ := schema["properties"].(map[string]any)
	if got := slices.Sorted(maps.Keys(properties)); !slices.Equal(got, []string{"calendar_id", "credentials", "default_calendar", "timezone"}) {
		t.Errorf("the schema shows %v", got)
	}
	if p.ConfigSchema(provider.Basic) != nil {
		t.Error("there is a schema for a kind that is not offered")
	}
}

func TestAConfigCannotLeaveItsPlaceInTheAddress(t *testing.T) {
	t.Parallel()
	list := capability(t, builtin(t, "google_calendar"), "list_events")
	for _, id := range []string{"../../users/me", "a/b?c=d#e", "%2e%2e/x", "@evil.example", "\n"} {
		r, err := list.Request(t.Context(), provider.Input{Config: map[string]any{"calendar_id": id}, TimeZone: "UTC"})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(r.URL, "/") != 7 || !strings.HasPrefix(r.URL, "https://www.googleapis.com/calendar/v3/calendars/") {
			t.Errorf("%q became %s", id, r.URL)
		}
	}
}

func TestACapabilityWithoutItsScopeIsOff(t *testing.T) {
	t.Parallel()
	p := builtin(t, "google_calendar")
	for granted, want := range map[string]string{
		"calendar.readonly": "list_events search_events free_busy", "calendar.freebusy": "free_busy",
		"calendar.events.readonly": "list_events search_events", "calendar.calendarlist.readonly": "",
	} {
		var got []string
		for _, c := range p.CapabilitiesFor(nil, []string{granted}) {
			got = append(got, c.Name)
			if d := cmp.Diff([]string{"calendar.readonly"}, c.RequiredScopes()); d != "" {
				t.Error(d)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: want %s, got %v", granted, want, got)
		}
	}
	if len(p.CapabilitiesFor(nil, nil)) != len(p.Capabilities) || len(p.CapabilitiesFor(nil, []string{})) != 0 {
		t.Error("nil must leave nothing out, and no scope at all everything")
	}
}

// A config does not say which way to authenticate it is for, so where two ways differ over a default the first decides,
// each time.
func TestADefaultIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	const one = "properties: { api_key: {"
	text := strings.Replace(tickets, one, "properties: { desk: { type: string, default: first }, api_key: {", 1)
	text = strings.Replace(text, "  send: '{ headers", "  basic:\n    revoke: Delete it.\n"+
		"    config: { properties: { desk: { type: string, default: second } } }\n  send: '{ headers", 1)
	p := decode(t, text)
	for range 50 {
		r, err := p.Capabilities[0].First(t.Context(), provider.Input{Config: map[string]any{}, Limit: 1})
		if err != nil || !strings.Contains(r.Summary(), "/desks/first/") {
			t.Fatalf("%v, %v", r, err)
		}
	}
}
