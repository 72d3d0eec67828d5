package sandbox

import (
	"maps"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/internal/provider"
)

// settings returns a config for one way to authenticate with which the vendor can be connected: of what the fixtures
// use, what the schema asks for and what most of them use; the rest is made up. It is fresh. A fixture of what a
// credential adds to a request is about its own way alone.
func (v *vendor) settings(kind string) map[string]any {
	config, schema := map[string]any{}, v.ConfigSchema(kind)
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	seen, used, all := map[string]any{}, map[string]int{}, 0
	for _, f := range v.fixtures() {
		if v.byHand || f.Shows == provider.ShowsCredential || !answered(f) {
			continue
		}
		own, _ := jsonOf(f.Input.Config).(map[string]any)
		for name, value := range own {
			if _, known := properties[name]; known {
				used[name]++
				if seen[name] == nil {
					seen[name] = value
				}
			}
		}
		all++
	}
	for name, value := range seen {
		if slices.Contains(required, any(name)) || used[name]*2 > all {
			config[name] = value
		}
	}
	fill(config, schema, nil)
	return config
}

// answered reports whether a fixture shows a request that the provider answers as it is wished.
func answered(f provider.Fixture) bool {
	return (f.Verdict == "" || f.Verdict == provider.OK) && f.Refused == ""
}

// fill gives every property that the schema requires and that config lacks, or has with a value that the schema does
// not take, one that it takes. Known are the properties that the schema adds to.
func fill(config, schema, known map[string]any) {
	own, _ := schema["properties"].(map[string]any)
	known = maps.Clone(known)
	if known == nil {
		known = map[string]any{}
	}
	for name, property := range own {
		if _, ok := known[name]; !ok {
			known[name] = property
		}
	}
	for name, one := range own {
		property, _ := one.(map[string]any)
		if list, _ := property["enum"].([]any); len(list) > 0 && config[name] != nil && !slices.Contains(list, config[name]) {
			config[name] = list[0]
		}
	}
	required, _ := schema["required"].([]any)
	for _, one := range required {
		name, _ := one.(string)
		if property, _ := known[name].(map[string]any); config[name] == nil && property != nil {
			config[name] = madeUp(property)
		}
	}
	all, _ := schema["allOf"].([]any)
	for _, one := range all {
		part, _ := one.(map[string]any)
		if condition, ok := part["if"].(map[string]any); ok {
			part, _ = part[branch(holds(config, condition))].(map[string]any)
		}
		fill(config, part, known)
	}
	for name, one := range own {
		property, _ := one.(map[string]any)
		if below, ok := config[name].(map[string]any); ok {
			above, _ := known[name].(map[string]any)
			inside, _ := above["properties"].(map[string]any)
			fill(below, property, inside)
			fill(below, above, nil)
		}
	}
}

func branch(holds bool) string {
	if holds {
		return "then"
	}
	return "else"
}

// holds reports whether a config fulfils a condition, as far as it speaks of constants and of what is there.
func holds(config, condition map[string]any) bool {
	if not, ok := condition["not"].(map[string]any); ok && holds(config, not) {
		return false
	}
	required, _ := condition["required"].([]any)
	for _, one := range required {
		if name, _ := one.(string); config[name] == nil {
			return false
		}
	}
	properties, _ := condition["properties"].(map[string]any)
	for name, one := range properties {
		property, _ := one.(map[string]any)
		if want, ok := property["const"]; ok && config[name] != want {
			return false
		}
		if list, ok := property["enum"].([]any); ok && !slices.Contains(list, config[name]) {
			return false
		}
	}
	return true
}

// madeUp returns a value that a schema takes.
func madeUp(schema map[string]any) any {
	if v, ok := schema["default"]; ok {
		return v
	}
	if list, _ := schema["enum"].([]any); len(list) > 0 {
		return list[0]
	}
	if list, _ := schema["examples"].([]any); len(list) > 0 {
		return list[0]
	}
	switch schema["type"] {
	case "object":
		out := map[string]any{}
		fill(out, schema, nil)
		return out
	case "array":
		items, _ := schema["items"].(map[string]any)
		return []any{madeUp(items)}
	case "integer", "number":
		if least, ok := schema["minimum"]; ok {
			return least
		}
		return 1
	case "boolean":
		return true
	}
	return madeUpText(schema)
}

func madeUpText(schema map[string]any) string {
	switch schema["format"] {
	case "email", "idn-email":
		return ada
	case "uri":
		return "https://api.example.com"
	case "date-time":
		return "2026-01-01T00:00:00Z"
	case "date":
		return "2026-01-01"
	case "timezone":
		return "Europe/Berlin"
	}
	text := "sandbox-key"
	if form, ok := schema["pattern"].(string); ok {
		if re, err := syntax.Parse(form, syntax.Perl); err == nil {
			text = shortest(re)
		}
	}
	least, _ := schema["minLength"].(int)
	if n := least - len(text); n > 0 {
		text += strings.Repeat("0", n)
	}
	return text
}

// shortest returns a short text that the expression matches: letters where anything can stand.
func shortest(re *syntax.Regexp) string {
	var b strings.Builder
	repeat := func(n int) {
		for range n {
			b.WriteString(shortest(re.Sub[0]))
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		for _, r := range "a0A-" {
			for i := 0; i < len(re.Rune); i += 2 {
				if re.Rune[i] <= r && r <= re.Rune[i+1] {
					return string(r)
				}
			}
		}
		if len(re.Rune) > 0 {
			b.WriteRune(re.Rune[0])
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteString("a")
	case syntax.OpCapture:
		b.WriteString(shortest(re.Sub[0]))
	case syntax.OpPlus:
		repeat(1)
	case syntax.OpRepeat:
		repeat(re.Min)
	case syntax.OpConcat:
		for _, one := range re.Sub {
			b.WriteString(shortest(one))
		}
	case syntax.OpAlternate:
		b.WriteString(shortest(re.Sub[0]))
	}
	return b.String()
}

// defaults are the settings that a manifest gives by itself.
func defaults(p *provider.Provider) map[string]any {
	out := map[string]any{}
	for _, kind := range p.AuthKinds() {
		properties, _ := p.ConfigSchema(kind)["properties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			property, _ := properties[name].(map[string]any)
			if v, ok := property["default"]; ok {
				out[name] = v
			}
		}
	}
	return out
}
