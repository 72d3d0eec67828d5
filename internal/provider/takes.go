package provider

import (
	"regexp"
	"slices"
)

// questionField finds where an expression reads a part of the question from its document: .text, but not .arguments.text.
// questionOf finds it where the document is not the input.
var (
	questionField = regexp.MustCompile(`(?:^|[^\w.\])"?])\.(window|people|text|quoted|numbers)\b`)
	questionOf    = regexp.MustCompile(`\$in\.(window|people|text|quoted|numbers)\b`)
)

// Takes names what of a question the capability's requests and results use, sorted: numbers, people, text (quoted words
// count as text) and window. It is empty where a request passes the question on as it is. Between capabilities that share
// a trigger phrase it tells which one serves a question better.
func (c *Capability) Takes() []string {
	if c.Asks == nil {
		return nil
	}
	out := slices.Clone(c.Asks.reads)
	if c.Yields != nil {
		out = append(out, c.Yields.readsIn...)
	}
	if l := c.Lookup; l != nil {
		out = slices.Concat(out, l.Asks.reads, l.Found.readsIn)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// partsRead returns what a pattern finds of the question in an expression.
func partsRead(pattern *regexp.Regexp, source string) []string {
	var out []string
	for _, m := range pattern.FindAllStringSubmatch(source, -1) {
		field := m[1]
		if field == "quoted" {
			field = "text"
		}
		out = append(out, field)
	}
	return out
}
