package provider

import (
	"regexp"
	"strconv"
	"strings"
)

// fieldPathForm is a way into JSON, as customers write it: names with dots between them, and [n] for a place in a list.
var fieldPathForm = regexp.MustCompile(`^[A-Za-z_@$][\w@$-]{0,63}(\[\d{1,4}\])?(\.[A-Za-z_@$][\w@$-]{0,63}(\[\d{1,4}\])?){0,15}$`)

// atPath is the jq function at_path($path): what stands at a field path such as "data.items[0].name"; null where there is
// nothing, where the path is none, and where a part of it is something else than the path takes it for.
func atPath(v any, arguments []any) any {
	path, ok := arguments[0].(string)
	if !ok || !fieldPathForm.MatchString(path) {
		return nil
	}
	for step := range strings.SplitSeq(path, ".") {
		name, place, listed := strings.Cut(strings.TrimSuffix(step, "]"), "[")
		fields, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = fields[name]
		if !listed {
			continue
		}
		list, _ := v.([]any)
		i, err := strconv.Atoi(place)
		if err != nil || i >= len(list) {
			return nil
		}
		v = list[i]
	}
	return v
}

// records is the jq function records($path): the list of objects at a field path. Without a path it is the answer itself,
// or the only list of objects in it. One object counts as a list of one, and what is no object becomes one as {value}.
func records(v any, arguments []any) any {
	if arguments[0] != nil {
		v = atPath(v, arguments)
	} else if fields, ok := v.(map[string]any); ok {
		if list, ok := onlyList(fields); ok {
			v = list
		}
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]any, 0, len(list))
	for _, one := range list {
		switch one := one.(type) {
		case nil:
		case map[string]any:
			out = append(out, one)
		default:
			out = append(out, map[string]any{"value": one})
		}
	}
	return out
}

// onlyList returns the one list that an object holds, if it holds exactly one and there are objects in it or nothing.
func onlyList(fields map[string]any) (found []any, ok bool) {
	for _, v := range fields {
		list, isList := v.([]any)
		if !isList {
			continue
		}
		if ok {
			return nil, false
		}
		found, ok = list, true
	}
	if len(found) > 0 {
		_, isObject := found[0].(map[string]any)
		return found, ok && isObject
	}
	return found, ok
}
