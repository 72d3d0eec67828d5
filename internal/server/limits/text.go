package limits

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"

	"github.com/patchbay/patchbay/internal/problem"
)

// checkText lexes the document and counts. Text that does not lex is left to the parser, which stops at the same place
// and says why.
func (l Limits) checkText(query string) *gqlerror.Error {
	if l.cannotExceed(query) {
		return nil
	}
	lex := lexer.New(&ast.Source{Input: query})
	var tokens, directives, fields, parens int
	previous := lexer.BraceL
	for {
		token, err := lex.ReadToken()
		if err != nil || token.Kind == lexer.EOF {
			return nil
		}
		tokens++
		switch token.Kind {
		case lexer.At:
			directives++
		case lexer.ParenL:
			parens++
		case lexer.ParenR:
			parens--
		case lexer.Name:
			// Every field ends in a name outside of arguments; the name after a colon is the field of an alias.
			if parens == 0 && previous != lexer.Colon && previous != lexer.At && previous != lexer.Spread {
				fields++
			}
		}
		if token.Kind != lexer.Comment {
			previous = token.Kind
		}
		switch {
		case tokens > l.Tokens:
			return refuse(problem.TooLarge, "The document has more than %d tokens. Split it into several requests.",
				l.Tokens)
		case directives > l.Directives:
			return refuse(problem.TooLarge, "The document uses more than %d directives.", l.Directives)
		case fields > l.Fields+names:
			return refuse(problem.TooLarge, "The document selects more than %d fields. Split it into several requests.",
				l.Fields)
		}
	}
}

// names is how many names outside of selections a document may have before they are taken for fields: operations,
// fragments and the types they are on. The exact number of fields is counted after parsing.
const names = 50

// cannotExceed is true for text too short for any limit, as most documents are: they need no lexing.
func (l Limits) cannotExceed(query string) bool {
	return len(query) <= l.Tokens && len(query) <= 2*l.Fields && strings.Count(query, "@") <= l.Directives
}
