package server

import (
	"strings"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// A passage is where gqlparser's message goes on with a value of the document, and how the message ends instead.
type passage struct{ before, end string }

var (
	inValues = []passage{{" value: ", " value."}, {", found ", "."}}
	inSyntax = []passage{
		{` String "`, " String."}, {` BlockString "`, " BlockString."}, {` Int "`, " Int."}, {` Float "`, " Float."},
		{" escape sequence: ", " escape sequence."},
	}
)

// withoutLiterals returns e's message without values from the document: a value may be a secret that was put in the
// wrong place. Names in the message stay, and its locations say where to look.
func withoutLiterals(e *gqlerror.Error) string {
	var passages []passage
	if strings.HasPrefix(e.Rule, "ValuesOfCorrectType") {
		passages = inValues
	} else if e.Extensions["code"] == errcode.ParseFailed {
		passages = inSyntax
	}
	for _, p := range passages {
		if head, _, ok := strings.Cut(e.Message, p.before); ok {
			return head + p.end
		}
	}
	return e.Message
}
