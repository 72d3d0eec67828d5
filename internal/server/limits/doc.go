// Package limits refuses documents that would cost too much, each as early as it can be known:
//
//	text ──Tokens, Directives, Fields (counted by lexing)──▶ parse, validate ──Depth, Aliases, Fields──▶ cost ──▶ run
//	        QUERY_TOO_LARGE                                                     QUERY_TOO_COMPLEX        the same
//
// The first step must come before the parser, because validating grows faster than the document. The second must come
// before the cost, because gqlgen's cost walks into every spread of a fragment anew, which doubles with each level of
// nested fragments; the walk here keeps one sum a fragment.
//
// The messages name the limit, so that the author of a query knows how far to go back, and nothing of the schema.
package limits
