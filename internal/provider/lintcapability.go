package provider

import (
	"fmt"
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
		}
		l.arguments(c, where)
	}
	l.defaults()
	if c := l.Configured; c != nil && c.Effect == Read {
		l.pages(&c.Operation, "$.configured", c.Property)
	}
}

func (l *linter) phrases(c *Capability, where string) {
	distinct := map[string]bool{}
	for _, p := range c.Triggers() {
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

// defaults looks at the scopes that are asked for when a caller names none: they let every read run, and nothing more.
func (l *linter) defaults() {
	if l.Auth.OAuth2 == nil || len(l.Auth.OAuth2.Scopes) == 0 {
		return
	}
	var asked []string
	for i, s := range l.Auth.OAuth2.Scopes {
		if s.Default || s.Required {
			asked = append(asked, s.Name)
		}
		needs := func(c *Capability) bool {
			return c.Effect == Read && slices.ContainsFunc(c.wishes(), func(one string) bool {
				return slices.Contains(alternatives(one), s.Name)
			})
		}
		if s.Default && !s.Required && !slices.ContainsFunc(l.Capabilities, needs) {
			l.fault(fmt.Sprintf("$.auth.oauth2.scopes[%d]", i), "the scope %s is a default and no read needs it", s.Name)
		}
	}
	for i, c := range l.Capabilities {
		if c.Effect == Read && !c.Granted(asked) {
			l.fault(fmt.Sprintf("$.capabilities[%d]", i), "%s cannot run with the scopes that are asked for by default", c.Name)
		}
	}
}

// wishes returns the scopes that the capability needs, and those that its names want besides.
func (c *Capability) wishes() []string {
	out := slices.Clone(c.Scopes)
	for _, n := range c.Names {
		out = append(out, n.Scopes...)
	}
	return out
}
