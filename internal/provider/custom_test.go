package provider_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
)

// customAPI is a config of the custom API with one capability.
func customAPI(capability map[string]any) map[string]any {
	return map[string]any{
		"base_url": "https://api.example.com/v1", "auth_type": "none", "capabilities": []any{capability},
	}
}

func TestWhatCustomersConfigureNeverComputes(t *testing.T) {
	t.Parallel()
	p := builtin(t, "custom_api")
	deep := map[string]any{}
	for range 40 {
		deep = map[string]any{"a": deep}
	}
	for name, change := range map[string]map[string]any{
		"jq as a field path":                 {"results": ".items[] | env"},
		"a recursion":                        {"results": ".."},
		"a wildcard":                         {"fields": map[string]any{"title": "a[*]"}},
		"a path of a thousand steps":         {"results": strings.Repeat("a.", 999) + "a"},
		"a climbing path's query":            {"path": "/a?b=c"},
		"another host":                       {"path": "//evil.example/"},
		"a body that nests too deep":         {"body": deep},
		"a body that is too large":           {"body": strings.Repeat("x", 70_000)},
		"a header of the connection":         {"headers": map[string]any{"Host": "evil.example"}},
		"a credential as a header":           {"headers": map[string]any{"Authorization": "Bearer x"}},
		"arguments that are no schema":       {"arguments": map[string]any{"type": 7}},
		"arguments from elsewhere":           {"arguments": map[string]any{"$ref": "https://evil.example/schema.json"}},
		"arguments that refer to themselves": {"arguments": map[string]any{"properties": map[string]any{"a": map[string]any{"$ref": "#"}}}},
		"arguments that unfold":              {"arguments": unfolding(40)},
		"arguments with a secret":            {"arguments": map[string]any{"properties": map[string]any{"a": map[string]any{"type": "string", "writeOnly": true}}}},
		"an unknown key":                     {"request": "{}"},
		"an unknown part":                    {"takes": map[string]any{"x": "password"}},
	} {
		capability := map[string]any{"name": "one", "method": "GET", "path": "/one"}
		for key, value := range change {
			capability[key] = value
		}
		if name == "another host" { // the form allows it; the request must not leave the host
			for _, c := range p.CapabilitiesFor(customAPI(capability), nil) {
				r, err := c.Request(t.Context(), provider.Input{Config: customAPI(capability)})
				if err == nil && !strings.HasPrefix(r.URL, "https://api.example.com/") {
					t.Errorf("%s: %s", name, r.URL)
				}
			}
			continue
		}
		if err := p.ValidateConfig(provider.None, customAPI(capability)); !problem.Is(err, problem.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// unfolding is a small JSON Schema that asks 2^levels questions of a value.
func unfolding(levels int) map[string]any {
	parts := map[string]any{"a0": map[string]any{}}
	for i := range levels {
		next := map[string]any{"$ref": fmt.Sprintf("#/$defs/a%d", i)}
		parts[fmt.Sprintf("a%d", i+1)] = map[string]any{"allOf": []any{next, next}}
	}
	return map[string]any{"$defs": parts, "allOf": []any{map[string]any{"$ref": fmt.Sprintf("#/$defs/a%d", levels)}}}
}

func TestAValueThatATemplateRepeatsIsRefusedBeforeItFillsTheMemory(t *testing.T) { //nolint:paralleltest // measures
	p := builtin(t, "custom_api")
	config := customAPI(map[string]any{
		"name": "one", "method": "POST", "path": "/a", "body": strings.Repeat("{a}", 10_000),
	})
	one := p.CapabilitiesFor(config, nil)[0]
	in := provider.Input{Config: config, Arguments: map[string]any{"a": strings.Repeat("x", 50_000)}}
	var err error
	made := allocated(func() { _, err = one.Request(t.Context(), in) })
	if !problem.Is(err, problem.Invalid) || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a template of half a gigabyte: %v", err)
	}
	if made > 64<<20 {
		t.Errorf("it took %d MiB to find out", made>>20)
	}
}

func TestPlaceholdersAreFilledWithoutLeavingTheirPlace(t *testing.T) {
	t.Parallel()
	p := builtin(t, "custom_api")
	config := customAPI(map[string]any{
		"name": "one", "method": "POST", "path": "/a/{id}/b", "effect": "write",
		"query": map[string]any{"x": "{id}", "none": "{missing}"},
		"body":  map[string]any{"whole": "{list}", "part": "<{id}> {missing}", "none": "{missing}", "kept": "{NOT} {}", "n": 1},
	})
	request := func(arguments map[string]any) (*provider.Request, error) {
		return p.CapabilitiesFor(config, nil)[0].Request(t.Context(), provider.Input{Config: config, Arguments: arguments})
	}
	r, err := request(map[string]any{"id": "../x?y=1&z#é {list}", "list": []any{1, "two"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://api.example.com/v1/a/..%2Fx%3Fy=1&z%23%C3%A9%20%7Blist%7D/b?x=..%2Fx%3Fy%3D1%26z%23%C3%A9+%7Blist%7D"; r.URL != want {
		t.Errorf("url = %s", r.URL)
	}
	if want := `{"kept":"{NOT} {}","n":1,"part":"<../x?y=1&z#é {list}> ","whole":[1,"two"]}`; string(r.Body) != want {
		t.Errorf("body = %s", r.Body)
	}
	for name, id := range map[string]any{"nothing": nil, "blank": "  ", "the parent": "..", "an object": map[string]any{}, "too long": strings.Repeat("x", 2000)} {
		_, err := request(map[string]any{"id": id})
		if !problem.Is(err, problem.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := request(map[string]any{"id": "x", "list": strings.Repeat("x", 100_000)}); !problem.Is(err, problem.Invalid) {
		t.Errorf("a huge value: %v", err)
	}
}

// allocated returns how many bytes the process allocates while a function runs, so no other test may run then.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestTheBasicCredentialOfACustomAPIIsOneTextOrTwo(t *testing.T) {
	t.Parallel()
	p := builtin(t, "custom_api")
	for name, c := range map[string]struct {
		user        any
		token, want string
	}{
		"a user and a password":        {"me", "pass:word", "Basic bWU6cGFzczp3b3Jk"},
		"one text of both":             {nil, "me:pass:word", "Basic bWU6cGFzczp3b3Jk"},
		"a text that is not both":      {nil, "marked", ""},
		"a user that is a part of two": {"a:b", "marked", ""},
	} {
		config := customAPI(map[string]any{"name": "one", "method": "GET", "path": "/one"})
		config["auth_type"] = "basic"
		if c.user != nil {
			config["auth_name"] = c.user
		}
		req := asked(t, p, config)
		err := p.Authenticate(req, provider.Credential{
			Kind: provider.Basic, Config: config, Secrets: map[string]seal.Secret{"auth_token": seal.NewSecret(c.token)},
		})
		if got := req.Header.Get("Authorization"); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: want %q, got %q, %v", name, c.want, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "marked") {
			t.Errorf("%s: the error tells: %v", name, err)
		}
	}
	config := customAPI(map[string]any{"name": "one", "method": "GET", "path": "/one"})
	config["auth_type"], config["auth_token"] = "basic", "me:password"
	if err := p.ValidateConfig(provider.Basic, config); err != nil {
		t.Error(err)
	}
}

func TestWhatAQuestionFillsCanBeGivenByNameToo(t *testing.T) {
	t.Parallel()
	p := builtin(t, "custom_api")
	entry := map[string]any{
		"name": "order_status", "method": "GET", "path": "/orders/{order_id}", "takes": map[string]any{"order_id": "number", "q": "text"},
		"arguments": map[string]any{"properties": map[string]any{"q": map[string]any{"type": "string", "maxLength": 3}}},
	}
	config := map[string]any{"base_url": "https://api.example.com/v2", "capabilities": []any{entry}}
	c := p.CapabilitiesFor(config, nil)[0]
	for _, good := range []map[string]any{{"order_id": 42}, {"order_id": "A-7"}, {"q": "abc"}, {}} {
		if err := c.ValidateArguments(good); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	for _, bad := range []map[string]any{{"order_id": []any{1}}, {"q": "abcd"}, {"order": 1}} {
		if c.ValidateArguments(bad) == nil {
			t.Errorf("%v is taken", bad)
		}
	}
	r, err := c.Request(t.Context(), provider.Input{
		Config: config, Capability: "order_status", Arguments: map[string]any{"order_id": 42},
	})
	if err != nil || r.URL != "https://api.example.com/v2/orders/42" {
		t.Errorf("%+v, %v", r, err)
	}
}
