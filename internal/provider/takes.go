package provider

import (
	"regexp"
	"slices"
)

// questionField finds where an expression reads a part of the question from its document: .text, but not .arguments.text.
var questionField = regexp.MustCompile(`(?:^|[^\w.\])"?])\.(window|people|text|quoted)\b`)

// Takes names what of a question the capability's request uses, sorted: people, text (quoted words count as text) and
// window. It is empty where a request passes the question on as it is. Between capabilities that share a trigger phrase it
// tells which one serves a question better.
func (c *Capability) Takes() []string {
	if c.Asks == nil {
		return nil
	}
	var out []string
	for _, m := range questionField.FindAllStringSubmatch(c.Asks.source, -1) {
		field := m[1]
		if field == "quoted" {
			field = "text"
		}
		out = append(out, field)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
