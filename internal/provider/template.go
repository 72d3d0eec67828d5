package provider

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Bounds on what is filled in.
const (
	// maxTemplateDepth is how deep a template may nest.
	maxTemplateDepth = 16
	// maxTemplate is the longest text that filling may make, in bytes.
	maxTemplate = 64 << 10
)

var (
	mark      = regexp.MustCompile(`\{([a-z][a-z0-9_]{0,63})\}`)
	wholeMark = regexp.MustCompile(`^\{[a-z][a-z0-9_]{0,63}\}$`)
)

// fillTemplate is the jq function fill($values): it puts values in the place of {name} in every text of a template. A text
// that is nothing but one {name} becomes the value itself, whatever its type, and is left out where there is none; within
// a longer text a missing value is empty. What customers write is filled by this and by nothing that computes.
func fillTemplate(template any, arguments []any) any {
	values, ok := arguments[0].(map[string]any)
	if !ok {
		return &saidError{"There is nothing to fill in."}
	}
	f := filler{values: values}
	out, _ := f.fill(template, maxTemplateDepth)
	if f.size > maxTemplate || f.tooDeep {
		return &saidError{"What the settings of this capability make of the question is too large."}
	}
	return out
}

type filler struct {
	values  map[string]any
	size    int
	tooDeep bool
}

// fill returns the filled template, and false when it is a mark without a value.
func (f *filler) fill(template any, depth int) (any, bool) {
	if depth == 0 || f.size > maxTemplate {
		f.tooDeep = true
		return nil, false
	}
	switch t := template.(type) {
	case string:
		if wholeMark.MatchString(t) {
			v := f.values[t[1:len(t)-1]]
			f.size += sizeOf(v)
			return v, v != nil
		}
		return f.text(t), true
	case map[string]any:
		out := make(map[string]any, len(t))
		for name, one := range t {
			f.size += len(name)
			if v, ok := f.fill(one, depth-1); ok {
				out[name] = v
			}
		}
		return out, true
	case []any:
		out := make([]any, 0, len(t))
		for _, one := range t {
			if v, ok := f.fill(one, depth-1); ok {
				out = append(out, v)
			}
		}
		return out, true
	}
	return template, true
}

// text fills one text, as far as there is room.
func (f *filler) text(t string) string {
	f.size += len(t)
	return mark.ReplaceAllStringFunc(t, func(m string) string {
		text, _ := scalar(f.values[m[1:len(m)-1]])
		if f.size += len(text); f.size > maxTemplate {
			return ""
		}
		return text
	})
}

// sizeOf is about how many bytes a value takes as JSON.
func sizeOf(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case map[string]any:
		n := 2
		for name, one := range v {
			n += len(name) + sizeOf(one)
		}
		return n
	case []any:
		n := 2
		for _, one := range v {
			n += sizeOf(one)
		}
		return n
	}
	return 8
}

// fillPath is the jq function fill_path($values): it puts values, escaped, in the place of {name} in a path. Every one must
// be there, and none may climb to another directory.
func fillPath(template any, arguments []any) any {
	path, ok := template.(string)
	values, known := arguments[0].(map[string]any)
	if !ok || !known {
		return &saidError{"This capability has no path."}
	}
	var fault error
	out := mark.ReplaceAllStringFunc(path, func(m string) string {
		name := m[1 : len(m)-1]
		text, ok := scalar(values[name])
		switch {
		case !ok || strings.TrimSpace(text) == "":
			fault = &saidError{fmt.Sprintf("Say which: the request needs a value for %s.", name)}
		case text == "." || text == ".." || len(text) > 1024:
			fault = &saidError{fmt.Sprintf("The value for %s cannot stand in an address.", name)}
		}
		if fault != nil {
			return ""
		}
		return url.PathEscape(text)
	})
	if fault != nil {
		return fault
	}
	return out
}
