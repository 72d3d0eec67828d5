package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Markdown writes the page that says of every provider how it is connected, what it can be asked and told to do, and how it
// is let go: what the manifests know, for people.
func (c *Catalog) Markdown() string {
	var b strings.Builder
	b.WriteString("# Providers\n\n<!-- Made from the manifests by `make generate`; change those. -->\n\n" +
		"What can be connected. Questions are put by `integrationQuery`, which finds the capability by itself; a write runs by\n" +
		"name alone, through `integrationInvoke`. Every way to connect has its own `config`.\n\n" +
		"| provider | connects by | reads | writes |\n| --- | --- | --- | --- |\n")
	all := c.All()
	for _, p := range all {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", p.Title, p.Name, strings.Join(p.AuthKinds(), ", "),
			p.names(Read), p.names(Write))
	}
	for _, p := range all {
		p.markdown(&b)
	}
	return b.String()
}

// names lists the capabilities of one effect.
func (p *Provider) names(effect string) string {
	var out []string
	for _, c := range p.Capabilities {
		if c.Effect == effect {
			out = append(out, "`"+c.Name+"`")
		}
	}
	switch {
	case len(out) > 0:
		return strings.Join(out, ", ")
	case p.Configured != nil && (effect == Read || p.Configured.Describe != nil):
		return "as its `config` says"
	}
	return "–"
}

func (p *Provider) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n%s: %s", p.Name, p.Title, p.Description)
	if p.Documentation != "" {
		fmt.Fprintf(b, " The vendor's own pages: <%s>.", p.Documentation)
	}
	fmt.Fprintf(b, " Facts of %s.\n", p.Checked)
	for _, s := range p.Sunsets {
		fmt.Fprintf(b, "\n**%s**: %s <%s>\n", s.Date, sentence(s.What), s.Source)
	}
	p.markdownAuth(b)
	p.markdownConfig(b)
	p.markdownCapabilities(b)
}

func (p *Provider) markdownAuth(b *strings.Builder) {
	for _, kind := range p.AuthKinds() {
		fmt.Fprintf(b, "\n`%s`", kind)
		if kind == OAuth2 {
			fmt.Fprintf(b, ", with the OAuth client `%s`", p.ClientGroup())
		}
		if reason := p.RevokeReason(kind); reason != "" {
			fmt.Fprintf(b, ". Disconnecting ends it here; then: %s\n", sentence(reason))
		} else {
			b.WriteString(". Disconnecting ends it at the vendor too.\n")
		}
	}
	if p.Auth.OAuth2 == nil || len(p.Auth.OAuth2.Scopes) == 0 {
		return
	}
	b.WriteString("\n| scope | lets Patchbay | asked for |\n| --- | --- | --- |\n")
	for _, s := range p.Auth.OAuth2.Scopes {
		when := "when named"
		switch {
		case s.Required:
			when = "always"
		case s.Default:
			when = "by default"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", s.Name, cell(s.Description), when)
	}
}

// markdownConfig lists the properties of every way to connect, the common ones once.
func (p *Provider) markdownConfig(b *strings.Builder) {
	type property struct {
		kinds, needed []string
		schema        map[string]any
	}
	properties := map[string]*property{}
	for _, kind := range p.AuthKinds() {
		schema := p.ConfigSchema(kind)
		for name, one := range plainObject(schema["properties"]) {
			if properties[name] == nil {
				properties[name] = &property{schema: plainObject(one)}
			}
			properties[name].kinds = append(properties[name].kinds, kind)
			if slices.Contains(texts(schema["required"]), name) {
				properties[name].needed = append(properties[name].needed, kind)
			}
		}
	}
	if len(properties) == 0 {
		return
	}
	b.WriteString("\n| `config` | what it is | |\n| --- | --- | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		one := properties[name]
		var notes []string
		if one.schema["writeOnly"] == true {
			notes = append(notes, "secret")
		}
		switch {
		case len(one.needed) == len(p.AuthKinds()):
			notes = append(notes, "needed")
		case len(one.needed) > 0:
			notes = append(notes, "needed for "+strings.Join(one.needed, ", "))
		case len(one.kinds) < len(p.AuthKinds()):
			notes = append(notes, "for "+strings.Join(one.kinds, ", "))
		}
		if v, ok := one.schema["default"]; ok {
			notes = append(notes, fmt.Sprintf("`%v` when absent", v))
		}
		if alias := p.aliasOf(name); alias != "" {
			notes = append(notes, "also `"+alias+"`")
		}
		description, _ := one.schema["description"].(string)
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, cell(description), strings.Join(notes, "; "))
	}
}

func (p *Provider) aliasOf(name string) string {
	for _, alias := range slices.Sorted(maps.Keys(p.Aliases)) {
		if p.Aliases[alias] == name {
			return alias
		}
	}
	return ""
}

func (p *Provider) markdownCapabilities(b *strings.Builder) {
	for _, effect := range []string{Read, Write} {
		head := false
		for _, c := range p.Capabilities {
			if c.Effect != effect {
				continue
			}
			if !head {
				head = true
				b.WriteString("\n" + map[string]string{
					Read:  "| reads | what | needs | for example |\n| --- | --- | --- | --- |\n",
					Write: "| writes | what | needs | arguments |\n| --- | --- | --- | --- |\n",
				}[effect])
			}
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", c.Name, cell(c.Description), scopesCell(c.Scopes), c.lastCell())
		}
	}
}

// lastCell holds questions for a read, and the arguments of a write, those that are needed in bold.
func (c *Capability) lastCell() string {
	var out []string
	if c.Effect == Read {
		for _, q := range c.Examples {
			out = append(out, "“"+cell(q)+"”")
		}
		return strings.Join(out, " ")
	}
	schema := c.ArgumentsSchema()
	needed := texts(schema["required"])
	for _, name := range slices.Sorted(maps.Keys(plainObject(schema["properties"]))) {
		if slices.Contains(needed, name) {
			out = append(out, "**`"+name+"`**")
		} else {
			out = append(out, "`"+name+"`")
		}
	}
	return strings.Join(out, ", ")
}

func scopesCell(scopes []string) string {
	var out []string
	for _, s := range scopes {
		out = append(out, "`"+strings.Join(alternatives(s), "` or `")+"`")
	}
	return strings.Join(out, " and ")
}

func plainObject(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// cell writes text so that it stays in its cell.
func cell(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "|", `\|`)), " ")
}

func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s != "" && !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}
