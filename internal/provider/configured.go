package provider

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/patchbay/patchbay/internal/problem"
)

// Configured describes capabilities that an integration's config lists: the property holds objects with name,
// description and trigger_phrases, and every one of them works as the Operation says. Where the config's schema lets it,
// an object has an effect of its own, and as arguments the JSON Schema of what an invocation by name takes.
type Configured struct {
	Property string `yaml:"property"`
	// Effect is that of capabilities that name none.
	Effect string `yaml:"effect"`
	// Describe says where a config may have an OpenAPI description in place of the list; nil where it cannot.
	Describe *Describe `yaml:"describe"`

	Operation `yaml:",inline"`
}

// Describe names the config properties that lead to an OpenAPI description.
type Describe struct {
	// Document holds the description itself, URL its address, and Operations the ids of those that are wanted.
	Document   string `yaml:"document"`
	URL        string `yaml:"url"`
	Operations string `yaml:"operations"`
	// BaseURL is set to the description's first server where the config has none.
	BaseURL string `yaml:"base_url"`
}

// configured makes the capabilities that a config lists. A config that breaks its schema yields fewer, never a panic.
func (p *Provider) configured(config map[string]any) []*Capability {
	var out []*Capability
	for _, fields := range p.listed(config) {
		name, _ := fields["name"].(string)
		if name == "" {
			continue
		}
		c := &Capability{
			Name: name, Effect: p.Configured.Effect, Phrases: texts(fields["trigger_phrases"]),
			Operation: p.Configured.Operation, arguments: emptyArguments,
		}
		c.Description, _ = fields["description"].(string)
		if effect, ok := fields["effect"].(string); ok && (effect == Read || effect == Write) {
			c.Effect = effect
		}
		if written := argumentsIn(fields); written != nil {
			c.written = sync.OnceValue(func() *schema {
				s, err := argumentsOf(written)
				if err != nil {
					return emptyArguments
				}
				return s
			})
		}
		c.name, c.writes = name, c.Effect == Write
		out = append(out, c)
	}
	return out
}

func (p *Provider) listed(config map[string]any) []map[string]any {
	if p.Configured == nil {
		return nil
	}
	list, _ := config[p.Configured.Property].([]any)
	var out []map[string]any
	for _, entry := range list {
		if fields, ok := entry.(map[string]any); ok {
			out = append(out, fields)
		}
	}
	return out
}

// argumentsIn returns the JSON Schema of what an entry takes when it is called by name: what it says itself, and each
// argument that a part of a question fills; nil for none.
func argumentsIn(entry map[string]any) map[string]any {
	written, _ := entry["arguments"].(map[string]any)
	takes, _ := entry["takes"].(map[string]any)
	if len(takes) == 0 {
		return written
	}
	properties := map[string]any{}
	for name := range takes {
		properties[name] = map[string]any{"type": []any{"string", "number", "boolean"}}
	}
	own, _ := written["properties"].(map[string]any)
	maps.Copy(properties, own)
	out := map[string]any{}
	maps.Copy(out, written)
	out["properties"] = properties
	return out
}

// argumentsOf compiles a JSON Schema that a customer wrote. Secrets cannot be told apart in an invocation, so none is taken.
// Nor are references: forty that each lead twice to the next make a schema that is never done with a value.
func argumentsOf(written map[string]any) (*schema, error) {
	if depthOfValue(written) > maxConfigDepth {
		return nil, errors.New("it nests too deep")
	}
	if refers(written) {
		return nil, errors.New("it refers to another part of itself, or to another document")
	}
	s, err := newSchema(written)
	if err == nil && len(s.secrets) > 0 {
		return nil, errors.New("a property of it is writeOnly")
	}
	return s, err
}

// refers reports whether a JSON Schema uses $ref or $dynamicRef anywhere. A property of one of these names is none.
func refers(schema any) bool {
	switch v := schema.(type) {
	case map[string]any:
		for name, one := range v {
			if _, text := one.(string); text && (name == "$ref" || name == "$dynamicRef" || name == "$recursiveRef") || refers(one) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, refers)
	}
	return false
}

// checkConfigured refuses two configured capabilities of one name, and arguments that are no JSON Schema.
func (p *Provider) checkConfigured(config map[string]any) error {
	var faults []error
	seen := map[string]bool{}
	for _, fields := range p.listed(config) {
		name, _ := fields["name"].(string)
		if name != "" && seen[name] {
			faults = append(faults, problem.New(problem.Invalid, "Two of its items have the same name.").
				At("config", p.Configured.Property))
		}
		seen[name] = true
		written := argumentsIn(fields)
		if written == nil {
			continue
		}
		if _, err := argumentsOf(written); err != nil {
			faults = append(faults, problem.New(problem.Invalid,
				"The arguments of %q are not a JSON Schema of an object without references.", shortened(name)).
				At("config", p.Configured.Property).Because(err))
		}
	}
	return errors.Join(faults...)
}
