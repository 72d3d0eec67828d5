package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// minPhrases is how many trigger phrases a read capability has at least.
const minPhrases = 8

// abilities looks at what the provider can do.
func (l *linter) abilities() {
	if len(l.Capabilities) == 0 && l.Configured == nil {
		l.fault("$.name", "there are no capabilities")
	}
	for i, c := range l.Capabilities {
		where := fmt.Sprintf("$.capabilities[%d]", i)
		if c.Description == "" {
			l.fault(where, "the capability %s has no description", c.Name)
		}
		if l.Auth.OAuth2 != nil && len(l.Auth.OAuth2.Scopes) > 0 && len(c.Scopes) == 0 {
			l.fault(where, "the capability %s has no scopes: what a person must allow for it", c.Name)
		}
		if c.Effect == Read {
			l.phrases(c, where)
			l.pages(&c.Operation, where, c.Name)
		} else {
			l.arguments(c, where)
		}
	}
	if c := l.Configured; c != nil && c.Effect == Read {
		l.pages(&c.Operation, "$.configured", c.Property)
	}
}

func (l *linter) phrases(c *Capability, where string) {
	distinct := map[string]bool{}
	for _, p := range c.Phrases {
		distinct[strings.ToLower(strings.TrimSpace(p))] = true
	}
	if len(distinct) < minPhrases {
		l.fault(where, "the capability %s has %d trigger phrases; a read needs at least %d", c.Name, len(distinct), minPhrases)
	}
}

func (l *linter) pages(o *Operation, where, name string) {
	if (o.Next == nil) == (o.OnePage == "") {
		l.fault(where, "%s has next, which leads to the next page, or one_page: the reason why there is only one", name)
	}
}

func (l *linter) arguments(c *Capability, where string) {
	if len(c.Arguments) == 0 {
		l.fault(where, "the capability %s writes and has no arguments", c.Name)
		return
	}
	for _, name := range untyped(c.Arguments, "") {
		l.fault(where, "the argument %s of %s has no type", name, c.Name)
	}
}

// untyped returns the properties of a JSON Schema, at any depth, that may hold just anything.
func untyped(schema map[string]any, at string) []string {
	var out []string
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property, _ := properties[name].(map[string]any)
		out = append(out, untypedItself(property, at+name)...)
	}
	if items, ok := schema["items"].(map[string]any); ok {
		out = append(out, untypedItself(items, strings.TrimSuffix(at, ".")+"[]")...)
	}
	return out
}

func untypedItself(schema map[string]any, at string) []string {
	for _, word := range []string{"type", "enum", "const", "oneOf", "anyOf"} {
		if schema[word] != nil {
			return untyped(schema, at+".")
		}
	}
	return []string{at}
}
