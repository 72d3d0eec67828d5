package question

import (
	"regexp"
	"strings"
)

// What stands in a trigger phrase for any word of a form: "issue {key}", "in {channel}".
const (
	keyShape     = "{key}"     // ENG-123
	channelShape = "{channel}" // #random
)

// shapes says how many words each counts beyond itself: a key hardly ever occurs by accident.
var shapes = map[string]int{keyShape: 4, channelShape: 1}

var (
	keyForm      = regexp.MustCompile(`^[a-z][a-z0-9]{0,9}-[0-9]{1,9}$`)
	shapeExample = strings.NewReplacer(keyShape, "ABC-123", channelShape, "#general")
)

// shapeAt returns the shape that a word of a phrase, which is one of its tokens, stands for; "" when it is a word.
func shapeAt(phrase string, t token) string {
	if t.start == 0 || t.end == len(phrase) {
		return ""
	}
	if s := phrase[t.start-1 : t.end+1]; shapes[s] > 0 {
		return s
	}
	return ""
}

// fits reports whether a word of a question has the form of a shape.
func fits(shape string, t token) bool {
	if shape == channelShape {
		return t.hash && (t.low[0] < '0' || t.low[0] > '9')
	}
	return keyForm.MatchString(t.word)
}
