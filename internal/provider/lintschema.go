package provider

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// What expressions read of arguments and config by name.
var (
	argumentRead = regexp.MustCompile(`\.arguments\??\.([a-z][a-z0-9_]*)`)
	allArguments = regexp.MustCompile(`\.arguments\s*\|\s*(?:to|with)_entries`)
	configRead   = regexp.MustCompile(`\.config\??\.([a-z][a-z0-9_]*)`)
)

// limitArgument is read by the engine: it bounds the results of every read.
const limitArgument = "limit"

// expressions returns all that the capability runs.
func (c *Capability) expressions() []*Expression {
	out := []*Expression{c.Asks, c.Yields, c.Items, c.Next}
	if l := c.Lookup; l != nil {
		out = append(out, l.Asks, l.Found, l.Next)
	}
	for _, n := range c.Names {
		out = append(out, n.Asks, n.Found)
	}
	if e := c.Each; e != nil {
		out = append(out, e.Asks, e.Yields, e.Next)
	}
	return slices.DeleteFunc(out, func(e *Expression) bool { return e == nil })
}

// arguments compares the schema of a capability's arguments with what its expressions read: an argument that the schema
// does not know can never be given, and one that nothing reads is given in vain. An expression that capabilities share may
// read what only some of them have.
func (l *linter) arguments(c *Capability, where string) {
	properties, _ := c.Arguments["properties"].(map[string]any)
	read := map[string]bool{limitArgument: true}
	for _, e := range c.expressions() {
		for _, m := range argumentRead.FindAllStringSubmatch(e.source, -1) {
			if m[1] != limitArgument && !l.takes(e, m[1]) {
				l.fault(where, "%s reads the argument %s, which its arguments do not have", c.Name, m[1])
			}
		}
		for name := range properties {
			read[name] = read[name] || e.mentions(name) || allArguments.MatchString(e.source)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if !read[name] {
			l.fault(where, "nothing in %s reads its argument %s", c.Name, name)
		}
	}
	for _, name := range untyped(c.Arguments, "") {
		l.fault(where, "the argument %s of %s has no type", name, c.Name)
	}
	if c.Effect == Write && len(c.Arguments) == 0 {
		l.fault(where, "the capability %s writes and has no arguments", c.Name)
	}
}

// takes reports whether a capability that runs the expression has the argument.
func (l *linter) takes(e *Expression, argument string) bool {
	return slices.ContainsFunc(l.Capabilities, func(c *Capability) bool {
		properties, _ := c.Arguments["properties"].(map[string]any)
		return properties[argument] != nil && slices.ContainsFunc(c.expressions(), func(one *Expression) bool {
			return one.source == e.source
		})
	})
}

// mentions reports whether the expression holds the name as a word, as behind `.arguments as $a | $a.name`.
func (e *Expression) mentions(name string) bool {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`).MatchString(e.source)
}

// settings finds what expressions read of a config that no way to authenticate has, nor the manifest derives.
func (l *linter) settings() {
	known := map[string]bool{}
	for _, name := range l.derived {
		known[name] = true
	}
	for _, s := range l.schemas {
		properties, _ := s.document["properties"].(map[string]any)
		for name := range properties {
			known[name] = true
		}
	}
	check := func(where string, all ...*Expression) {
		for _, e := range all {
			if e == nil {
				continue
			}
			for _, m := range configRead.FindAllStringSubmatch(e.source, -1) {
				if !known[m[1]] {
					l.fault(where, "%s of the config is read, and no config has it", m[1])
				}
			}
		}
	}
	check("$.auth.send", l.Auth.Send)
	check("$.account", l.Account.Asks, l.Account.ID, l.Account.Name)
	check("$.probe", l.Probe.Asks, l.Probe.OK)
	if l.Auth.Revoke != nil {
		check("$.auth.revoke", l.Auth.Revoke.Requests...)
	}
	for i, c := range l.Capabilities {
		check(fmt.Sprintf("$.capabilities[%d]", i), c.expressions()...)
	}
	if c := l.Configured; c != nil {
		check("$.configured", c.Asks, c.Yields, c.Next)
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
