package provider

import (
	"maps"
	"slices"
	"strings"
)

// Effects of a capability.
const (
	Read  = "read"
	Write = "write"
)

// Capability is one thing that a provider can do. Reads answer questions; writes run only by name.
type Capability struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	// Effect is Read or Write.
	Effect string `yaml:"effect"`
	// Repeatable says of a write that sending it twice does no harm, as of one that sets what is already so.
	Repeatable bool `yaml:"repeatable"`
	// Scopes are all needed. "a | b" is satisfied by either; the first is the least that is enough.
	Scopes []string `yaml:"scopes"`
	// Phrases are the words that lead a question here.
	Phrases []string `yaml:"phrases"`
	// Decisive are trigger phrases that lead here whatever else a question holds, as "right now" leads to what is live.
	Decisive []string `yaml:"decisive"`
	// Examples are questions that lead here, for people who read about it.
	Examples []string `yaml:"examples"`
	// Arguments is the JSON Schema of what an invocation by name takes; see ArgumentsSchema.
	Arguments map[string]any `yaml:"arguments"`
	// Window says what time a question means that names none.
	Window WindowRule `yaml:"window"`

	// Lookup comes before the request; nil when the question says all that is needed.
	Lookup *Lookup `yaml:"lookup"`
	// Names come after it, where the answer has ids in place of names.
	Names []*Naming `yaml:"names"`

	Operation `yaml:",inline"`
	// Each fetches by itself every item that the answer names; nil when one request tells all.
	Each *Operation `yaml:"each"`

	arguments *schema
	// written is the arguments of a configured capability, as a config wrote them; nil for a manifest's.
	written func() *schema
}

// Operation is one request and how its answer is read.
type Operation struct {
	Asks *Expression `yaml:"request"`
	// Kind is that of the results, one of Kinds; one that names another in `as` is of that.
	Kind string `yaml:"result"`
	// Yields makes one object for each result; the kinds say what it may hold.
	Yields *Expression `yaml:"results"`
	// Items makes what Each fetches, one by one as .item, in place of results.
	Items *Expression `yaml:"items"`
	// Next makes the token of the next page, which becomes .page of its request; null or nothing on the last page.
	Next *Expression `yaml:"next"`
	// OnePage is the reason why there is no Next.
	OnePage string `yaml:"one_page"`

	provider *Provider
	name     string // of the capability, for .capability
	writes   bool   // a write may be answered with nothing
}

// RequiredScopes returns the short names of the least scopes that the capability needs.
func (c *Capability) RequiredScopes() []string {
	out := make([]string, len(c.Scopes))
	for i, s := range c.Scopes {
		out[i] = alternatives(s)[0]
	}
	return out
}

// Granted reports whether the scopes, by their short names, are enough.
func (c *Capability) Granted(scopes []string) bool { return Granted(c.Scopes, scopes) }

// Granted reports whether scopes, by their short names, are all that is needed; see Capability.Scopes.
func Granted(needed, scopes []string) bool {
	for _, s := range needed {
		if !slices.ContainsFunc(alternatives(s), func(one string) bool { return slices.Contains(scopes, one) }) {
			return false
		}
	}
	return true
}

// MayRepeat reports whether sending the request twice does no harm: of a read, and of a write that says so.
func (c *Capability) MayRepeat() bool { return c.Effect == Read || c.Repeatable }

// ArgumentsSchema returns the JSON Schema of the arguments, which the caller must not change.
func (c *Capability) ArgumentsSchema() map[string]any { return c.takesArguments().document }

// ValidateArguments checks the arguments of an invocation by name. It returns every fault, as ValidateConfig does, with
// fields that begin with "arguments".
func (c *Capability) ValidateArguments(arguments map[string]any) error {
	return c.takesArguments().validate("arguments", arguments)
}

func (c *Capability) takesArguments() *schema {
	if c.written != nil {
		return c.written()
	}
	return c.arguments
}

func alternatives(scope string) []string {
	parts := strings.Split(scope, "|")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// texts returns the strings of a list and leaves out everything else.
func texts(list any) []string {
	switch list := list.(type) {
	case []string:
		return slices.Clone(list)
	case []any:
		var out []string
		for _, v := range list {
			if s, ok := v.(string); ok {
				out = append(out, s)
			}
		}
		return out
	case map[string]any:
		return slices.Sorted(maps.Keys(list))
	}
	return nil
}
