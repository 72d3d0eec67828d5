package provider

import (
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// maxArgumentName is the longest name that an argument gets from a parameter, in bytes; with its number it still is a mark.
const maxArgumentName = 60

// argumentNames gives the parameters of one operation the names of arguments, each another.
type argumentNames struct {
	taken map[string]bool
	known map[[2]string]bool // parameters by where they stand and their name, which together tell them apart
}

// newArgumentNames keeps the names of who asks out: what an API calls a user is no user of ours, and is not filled in with
// one. With a body, its name is kept as well.
func newArgumentNames(body bool) *argumentNames {
	return &argumentNames{known: map[[2]string]bool{}, taken: map[string]bool{
		"user_id": true, "external_id": true, "conversation_id": true, "personality_id": true, "body": body,
	}}
}

// of returns a parameter's name in the form of a mark: lower case, digits and underscores, with a number where the name is
// taken. It returns false for a parameter that was named before.
func (n *argumentNames) of(p *openapi3.Parameter) (string, bool) {
	key := [2]string{p.In, p.Name}
	if n.known[key] {
		return "", false
	}
	n.known[key] = true
	base := strings.Trim(strings.Join(splitWords(p.Name), "_"), "_")
	if base == "" || base[0] < 'a' || base[0] > 'z' {
		base = "p_" + base
	}
	base = base[:min(len(base), maxArgumentName)]
	name := base
	for i := 2; n.taken[name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	n.taken[name] = true
	return name, true
}
