package provider

import (
	"encoding/json"

	yaml "github.com/oasdiff/yaml3"
)

// unfolds reports whether a YAML document is longer than most, in bytes, once its aliases are written out, as whoever
// decodes it does: a text of a megabyte that is named a thousand times is a gigabyte. What is not YAML does not unfold.
func unfolds(document []byte, most int) bool {
	if json.Valid(document) {
		return false
	}
	var root yaml.Node
	if yaml.Unmarshal(document, &root) != nil {
		return false
	}
	u := &unfolding{most: most, known: map[*yaml.Node]int{}}
	return u.size(&root) > most
}

// unfolding measures the nodes of a document.
type unfolding struct {
	most  int
	known map[*yaml.Node]int // of those that aliases name
}

// size is about how long a node is when it is written out, and anything above most when it is longer than that.
func (u *unfolding) size(n *yaml.Node) int {
	if n.Kind == yaml.AliasNode {
		if n.Alias == nil {
			return 0
		}
		if size, ok := u.known[n.Alias]; ok {
			return size
		}
		u.known[n.Alias] = u.most + 1 // what contains itself never ends
		size := u.size(n.Alias)
		u.known[n.Alias] = size
		return size
	}
	size := len(n.Value) + 1
	for _, one := range n.Content {
		if size += u.size(one); size > u.most {
			return u.most + 1
		}
	}
	return size
}
