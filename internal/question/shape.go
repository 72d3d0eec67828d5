package question

import (
	"regexp"
	"strings"
)

// keyShape stands in a trigger phrase for any key such as ENG-123: "issue {key}".
const keyShape = "{key}"

var (
	keyForm    = regexp.MustCompile(`^[a-z][a-z0-9]{0,9}-[0-9]{1,9}$`)
	keyExample = strings.NewReplacer(keyShape, "ABC-123")
)

// isShape reports whether a word of a phrase, which is one of its tokens, stands for any key.
func isShape(phrase string, t token) bool {
	return t.start > 0 && t.end < len(phrase) && phrase[t.start-1:t.end+1] == keyShape
}
