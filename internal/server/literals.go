package server

import (
	"strings"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
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

// withoutLiterals returns e's message without values from the request: a value may be a secret that was put in the wrong
// place. Names of the document stay, and the locations or the path say where to look.
func withoutLiterals(e *gqlerror.Error) string {
	if _, kind, ok := cutLast(e.Message, " is not a valid "); ok && inVariables(e.Path) {
		return "not a valid " + kind
	}
	if strings.HasPrefix(e.Message, "operation ") && strings.HasSuffix(e.Message, " not found") {
		return "The document has no operation of this name. Name one of its operations in operationName."
	}
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

func inVariables(path ast.Path) bool { return len(path) > 0 && path[0] == ast.PathName("variable") }

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
