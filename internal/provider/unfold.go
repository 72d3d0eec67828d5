package provider

import (
	"encoding/json"
	"strconv"
	"strings"

	yaml "github.com/oasdiff/yaml3"

	"github.com/patchbay/patchbay/internal/problem"
)

// Bounds on descriptions that are small, and take whoever reads them long.
const (
	// maxUnfolded is how long YAML may be with its aliases written out, in bytes.
	maxUnfolded = 2 * MaxDescription
	// maxLevels is how deep a description may nest, and maxEffort how much of it may lie how deep, in bytes times levels:
	// each level is read again with all those above it.
	maxLevels = 64
	maxEffort = 16 * MaxDescription
	// maxHops is how many references may lead to each other.
	maxHops = 8
)

// checkExtent refuses a description that is longer, or nests deeper, than it looks, or whose references lead from one to
// the next for long. What is neither JSON nor YAML passes: whoever reads it will say so.
func checkExtent(document []byte) error {
	var content any
	if json.Valid(document) {
		if json.Unmarshal(document, &content) != nil {
			return nil
		}
	} else {
		var root yaml.Node
		if yaml.Unmarshal(document, &root) != nil {
			return nil
		}
		u := &unfolding{known: map[*yaml.Node]extent{}}
		switch e := u.extent(&root); {
		case e.size > maxUnfolded:
			return problem.New(problem.Invalid, "The OpenAPI description is larger than %d MiB once its aliases are written out.",
				maxUnfolded>>20)
		case e.depth > maxLevels:
			return errNesting
		}
		if root.Decode(&content) != nil {
			return nil
		}
	}
	if depthOfValue(content) > maxLevels || effort(content, 1) > maxEffort {
		return errNesting
	}
	r := &references{content: content, hops: map[string]int{}}
	if r.within(content) > maxHops {
		return problem.New(problem.Invalid, "In the OpenAPI description more than %d references lead to each other.", maxHops)
	}
	return nil
}

var errNesting = problem.New(problem.Invalid, "The OpenAPI description nests too deep for its size. Give less of it.")

// effort is about what reading a value takes that lies this deep.
func effort(v any, depth int) int {
	sum := 0
	switch v := v.(type) {
	case map[string]any:
		for name, one := range v {
			sum += len(name)*depth + effort(one, depth+1)
		}
	case map[any]any: // YAML with a number for a name, as in responses
		for _, one := range v {
			sum += effort(one, depth+1)
		}
	case []any:
		for _, one := range v {
			sum += effort(one, depth+1)
		}
	case string:
		sum = len(v) * depth
	}
	return sum + 2*depth
}

// extent is how long a part of a document is, about, and how deep it nests.
type extent struct{ size, depth int }

// unfolding measures the nodes of a YAML document: a text of a megabyte that aliases name a thousand times is a gigabyte.
type unfolding struct{ known map[*yaml.Node]extent } // of those that aliases name

func (u *unfolding) extent(n *yaml.Node) extent {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		if e, ok := u.known[n.Alias]; ok {
			return e
		}
		u.known[n.Alias] = extent{maxUnfolded + 1, 0} // what contains itself never ends
		e := u.extent(n.Alias)
		u.known[n.Alias] = e
		return e
	}
	out := extent{size: len(n.Value) + 1}
	for _, one := range n.Content {
		e := u.extent(one)
		out.size, out.depth = min(out.size+e.size, maxUnfolded+1), max(out.depth, e.depth)
	}
	if n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode {
		out.depth++
	}
	return out
}

// references follows what a document says of itself.
type references struct {
	content any
	hops    map[string]int // from a reference to what is none
}

// within returns the most hops from any reference within a value.
func (r *references) within(v any) int {
	most := 0
	switch v := v.(type) {
	case map[string]any:
		if to, ok := v["$ref"].(string); ok {
			most = r.from(to)
		}
		for _, one := range v {
			most = max(most, r.within(one))
		}
	case map[any]any:
		for _, one := range v {
			most = max(most, r.within(one))
		}
	case []any:
		for _, one := range v {
			most = max(most, r.within(one))
		}
	}
	return most
}

// from returns the hops from a reference; those that go round in a circle are few.
func (r *references) from(to string) int {
	if n, ok := r.hops[to]; ok {
		return n
	}
	r.hops[to] = 1
	target := r.content
	for step := range strings.SplitSeq(strings.TrimPrefix(to, "#/"), "/") {
		target = below(target, strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
	}
	if fields, ok := target.(map[string]any); ok {
		if next, ok := fields["$ref"].(string); ok {
			r.hops[to] = 1 + r.from(next)
		}
	}
	return r.hops[to]
}

// below returns the part of an object or a list that has this name or place (RFC 6901); nil when there is none.
func below(v any, step string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[step]
	case map[any]any:
		if n, err := strconv.Atoi(step); err == nil {
			return v[n]
		}
		return v[step]
	case []any:
		if n, err := strconv.Atoi(step); err == nil && n >= 0 && n < len(v) {
			return v[n]
		}
	}
	return nil
}
