package provider

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/internal/problem"
)

// ConfigSchema returns the JSON Schema of an integration's config for one way to authenticate, the preferred one when
// kind is empty. A property with writeOnly is a secret. It is nil for a kind that the provider does not offer; the
// caller must not change it.
func (p *Provider) ConfigSchema(kind string) map[string]any {
	if s := p.schemaFor(kind); s != nil {
		return s.document
	}
	return nil
}

// KindFor returns the way to authenticate that a config is meant for when the caller names none: the one among kinds, or
// among all where none are given, that knows most of its settings, and of those the one whose schema finds the fewest
// faults with it, the first of those that are equal.
func (p *Provider) KindFor(config map[string]any, kinds ...string) string {
	if len(kinds) == 0 {
		kinds = p.AuthKinds()
	}
	best, fewest := "", [2]int{math.MaxInt, math.MaxInt}
	for _, kind := range kinds {
		count := [2]int{p.unknown(kind, config), len(problem.All(p.ValidateConfig(kind, config)))}
		if slices.Compare(count[:], fewest[:]) < 0 {
			best, fewest = kind, count
		}
	}
	return best
}

// unknown counts the settings of a config that are none for this way to authenticate.
func (p *Provider) unknown(kind string, config map[string]any) (count int) {
	properties, _ := p.ConfigSchema(kind)["properties"].(map[string]any)
	for name := range config {
		if properties[name] == nil {
			count++
		}
	}
	return count
}

// ValidateConfig checks a config, secrets included, against the schema of one way to authenticate. It returns every
// fault at once, joined: problems of code Invalid whose Field begins with "config". None repeats a value.
func (p *Provider) ValidateConfig(kind string, config map[string]any) error {
	s := p.schemaFor(kind)
	if s == nil {
		return problem.New(problem.Invalid, "%s does not offer this; choose one of %s.", p.Title,
			strings.Join(p.AuthKinds(), ", ")).At("authKind")
	}
	var faults []error
	for alias, name := range p.Aliases {
		_, one := config[alias]
		if _, two := config[name]; one && two {
			faults = append(faults, problem.New(problem.Invalid, "It is another name of %s; give one of them.", name).
				At("config", alias))
		}
	}
	faults = append(faults, s.validate("config", config), checkPlaceholders(p.Placeholders, config),
		p.checkConfigured(config))
	return errors.Join(faults...)
}

// SplitSecrets parts a valid config into what may be stored and shown, and the values of its writeOnly properties by
// their dotted path, for example "authentication.token". Aliases get their real name. A value that is exactly one
// placeholder is no secret and stays. Both maps are fresh.
func (p *Provider) SplitSecrets(config map[string]any) (public map[string]any, secrets map[string]string) {
	public, secrets = p.named(config), map[string]string{}
	for _, path := range p.secretPaths() {
		parent, name := descend(public, path)
		value, ok := parent[name]
		if !ok {
			continue
		}
		text, _ := value.(string)
		if wholePlaceholder.MatchString(text) {
			continue
		}
		delete(parent, name)
		if text != "" {
			secrets[strings.Join(path, ".")] = text
		}
	}
	return public, secrets
}

// JoinSecrets puts back what SplitSecrets took out. Secrets under other names are left alone. The result is fresh.
func (p *Provider) JoinSecrets(public map[string]any, secrets map[string]string) map[string]any {
	config := p.named(public)
	for _, path := range p.secretPaths() {
		value, ok := secrets[strings.Join(path, ".")]
		if !ok {
			continue
		}
		parent := config
		for _, step := range path[:len(path)-1] {
			next, ok := parent[step].(map[string]any)
			if !ok {
				next = map[string]any{}
				parent[step] = next
			}
			parent = next
		}
		parent[path[len(path)-1]] = value
	}
	return config
}

func (p *Provider) schemaFor(kind string) *schema {
	if kind == "" {
		kind = p.AuthKinds()[0]
	}
	return p.schemas[kind]
}

func (p *Provider) secretPaths() [][]string {
	var out [][]string
	for _, s := range p.schemas {
		for _, path := range s.secrets {
			if !slices.ContainsFunc(out, func(one []string) bool { return slices.Equal(one, path) }) {
				out = append(out, path)
			}
		}
	}
	return out
}

// descend returns the object that holds the last step of a path, and that step; the object is nil when there is none.
func descend(config map[string]any, path []string) (map[string]any, string) {
	for _, step := range path[:len(path)-1] {
		config, _ = config[step].(map[string]any)
	}
	return config, path[len(path)-1]
}

// named returns a deep copy of a config in which aliases have their real names.
func (p *Provider) named(config map[string]any) map[string]any {
	out, _ := jsonValue(orEmpty(config)).(map[string]any)
	for alias, name := range p.Aliases {
		if v, ok := out[alias]; ok {
			delete(out, alias)
			if _, taken := out[name]; !taken {
				out[name] = v
			}
		}
	}
	return out
}

// effective returns a copy of a config as expressions see it: real names, the manifest's defaults, and what is derived.
func (p *Provider) effective(config map[string]any) map[string]any {
	out := p.named(config)
	for _, kind := range p.AuthKinds() { // in their order: the first that has a default decides
		s := p.schemas[kind]
		if s == nil {
			continue
		}
		properties, _ := s.document["properties"].(map[string]any)
		for name, property := range properties {
			fields, _ := property.(map[string]any)
			if fallback, ok := fields["default"]; ok && (out[name] == nil || out[name] == "") {
				out[name] = jsonValue(fallback)
			}
		}
	}
	p.derive(out)
	return out
}

// merged puts together the schema of one way to authenticate: the provider's, that of the kind, and the aliases.
func merged(common, own map[string]any, aliases map[string]string) map[string]any {
	out := orEmpty(common)
	properties := map[string]any{}
	add := func(from map[string]any) {
		some, _ := from["properties"].(map[string]any)
		maps.Copy(properties, some)
	}
	add(common)
	for key, value := range own {
		switch key {
		case "properties":
			add(own)
		case "required", "allOf":
			before, _ := out[key].([]any)
			more, _ := value.([]any)
			out[key] = slices.Concat(before, more)
		default:
			out[key] = value
		}
	}
	for alias, name := range aliases {
		if real, ok := properties[name].(map[string]any); ok {
			other := maps.Clone(real)
			other["description"] = "Another name of " + name + "."
			delete(other, "default")
			properties[alias] = other
		}
	}
	out["properties"] = properties
	return out
}
