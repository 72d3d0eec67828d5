package sandbox

import (
	"encoding/json"
	"errors"
	"strings"
)

// errFields says that a field selection cannot be read.
var errFields = errors.New("sandbox: bad field selection")

// fieldTree is a selection; an empty one takes everything below.
type fieldTree map[string]fieldTree

// cutFields applies Google's partial answers: "kind", "items(id,start/dateTime),nextPageToken".
func cutFields(body any, selection string) (any, error) {
	if len(selection) > 1000 {
		return nil, errFields
	}
	tree, rest, err := parseFields(selection)
	if err != nil || rest != "" {
		return nil, errFields
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	return tree.cut(doc), nil
}

// parseFields reads a list up to its end or its closing bracket, which it leaves in rest.
func parseFields(s string) (tree fieldTree, rest string, err error) {
	tree = fieldTree{}
	for {
		name, sub, after, err := parseField(s)
		if err != nil {
			return nil, "", err
		}
		tree.merge(name, sub)
		if !strings.HasPrefix(after, ",") {
			return tree, after, nil
		}
		s = after[1:]
	}
}

// parseField reads one element of a list: a name, a path, or a name with a list in brackets.
func parseField(s string) (name string, sub fieldTree, rest string, err error) {
	i := strings.IndexAny(s, ",()/")
	if i < 0 {
		i = len(s)
	}
	name, rest, sub = s[:i], s[i:], fieldTree{}
	switch {
	case name == "":
		return "", nil, "", errFields
	case strings.HasPrefix(rest, "/"):
		var child string
		var below fieldTree
		child, below, rest, err = parseField(rest[1:])
		sub[child] = below
	case strings.HasPrefix(rest, "("):
		sub, rest, err = parseFields(rest[1:])
		if err == nil && !strings.HasPrefix(rest, ")") {
			err = errFields
		}
		rest = strings.TrimPrefix(rest, ")")
	}
	return name, sub, rest, err
}

func (t fieldTree) merge(name string, sub fieldTree) {
	old, seen := t[name]
	switch {
	case !seen:
		t[name] = sub
	case len(old) == 0 || len(sub) == 0:
		t[name] = fieldTree{}
	default:
		for k, v := range sub {
			old.merge(k, v)
		}
	}
}

func (t fieldTree) cut(doc any) any {
	if len(t) == 0 {
		return doc
	}
	switch v := doc.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = t.cut(e)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name, sub := range t {
			if name == "*" {
				for k, e := range v {
					out[k] = sub.cut(e)
				}
			} else if e, ok := v[name]; ok {
				out[name] = sub.cut(e)
			}
		}
		return out
	default:
		return doc
	}
}
