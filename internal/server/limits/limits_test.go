package limits_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"github.com/patchbay/patchbay/internal/server/limits"
)

var schema = gqlparser.MustLoadSchema(&ast.Source{Input: `
	type Query { user: User! users(first: Int): [User!]! }
	type User { id: ID! name(style: String): String! friend: User! friends(first: Int): [User!]! }
`})

// check returns the code that a document is refused with, "" when it may run, and how many fields were priced.
func check(t interface{ Fatalf(string, ...any) }, l limits.Limits, query string) (code string, priced int) {
	es := &graphql.ExecutableSchemaMock{
		SchemaFunc: func() *ast.Schema { return schema },
		ComplexityFunc: func(_ context.Context, _, _ string, child int, args map[string]any) (int, bool) {
			priced++
			first, ok := args["first"].(int64)
			return 1 + int(first)*child, ok
		},
	}
	exec := executor.New(es)
	exec.SetParserTokenLimit(l.WithDefaults().Tokens)
	for _, e := range l.Extensions() {
		exec.Use(e)
	}
	_, errs := exec.CreateOperationContext(graphql.StartOperationTrace(context.Background()),
		&graphql.RawParams{Query: query})
	if len(errs) == 0 {
		return "", priced
	}
	code, ok := errs[0].Extensions["code"].(string)
	if !ok {
		t.Fatalf("no code: %v", errs[0])
	}
	return code, priced
}

func TestEachLimitHoldsExactly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits limits.Limits
		fits   string
		not    string
		code   string
	}{
		"tokens":            {limits.Limits{Tokens: 8}, "{user{id#\n#\n}}", "{user{id#\n#\n#\n}}", "QUERY_TOO_LARGE"},
		"tokens in a value": {limits.Limits{Tokens: 14}, `{user{name(style:"@@@@@@ { } ( )") id}}`, `{user{name(style:"")id id id id}}`, "QUERY_TOO_LARGE"},
		"directives": {limits.Limits{Directives: 2}, "{user@skip(if:false){id@skip(if:false)}}",
			"{user@skip(if:false){id@skip(if:false)name@skip(if:false)}}", "QUERY_TOO_LARGE"},
		"fields": {limits.Limits{Fields: 3}, "{user{id name}}", "{user{id name __typename}}", "QUERY_TOO_COMPLEX"},
		"fields in fragments": {limits.Limits{Fields: 5}, "{user{...F friend{...F}}}fragment F on User{id}",
			"{user{...F friend{...F}}}fragment F on User{id name}", "QUERY_TOO_COMPLEX"},
		"aliases": {limits.Limits{Aliases: 1}, "{user{a:id id:id}}", "{user{a:id b:id}}", "QUERY_TOO_COMPLEX"},
		"aliases in fragments": {limits.Limits{Aliases: 1}, "{user{...F}}fragment F on User{a:id}",
			"{user{...F friend{...F}}}fragment F on User{a:id}", "QUERY_TOO_COMPLEX"},
		"depth":                     {limits.Limits{Depth: 3}, "{user{friend{id}}}", "{user{friend{friend{id}}}}", "QUERY_TOO_COMPLEX"},
		"depth in inline fragments": {limits.Limits{Depth: 2}, "{user{...on User{...{id}}}}", "{user{...{friend{id}}}}", "QUERY_TOO_COMPLEX"},
		"depth of introspection":    {limits.Limits{Depth: 2}, "{__schema{types{fields{type{name}}}}}", "{user{friend{id}}}", "QUERY_TOO_COMPLEX"},
		"cost":                      {limits.Limits{Cost: 11}, "{users(first:10){id}}", "{users(first:11){id}}", "QUERY_TOO_COMPLEX"},
	} {
		if code, _ := check(t, c.limits, c.fits); code != "" {
			t.Errorf("%s: %s is refused with %s", name, c.fits, code)
		}
		if code, _ := check(t, c.limits, c.not); code != c.code {
			t.Errorf("%s: %s got %q, want %s", name, c.not, code, c.code)
		}
	}
}

// toolsQuery is what GraphiQL, code generators and others send first (graphql-js 16, with every option on).
const toolsQuery = `
	query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind }
	subscriptionType { name kind } types { ...FullType } directives { name description isRepeatable locations
	args(includeDeprecated: true) { ...InputValue } } } } fragment FullType on __Type { kind name description
	specifiedByURL isOneOf fields(includeDeprecated: true) { name description args(includeDeprecated: true) {
	...InputValue } type { ...TypeRef } isDeprecated deprecationReason } inputFields(includeDeprecated: true) {
	...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated
	deprecationReason } possibleTypes { ...TypeRef } } fragment InputValue on __InputValue { name description type
	{ ...TypeRef } defaultValue isDeprecated deprecationReason } fragment TypeRef on __Type { kind name ofType {
	name kind ofType { name kind ofType { name kind ofType { name kind ofType { name kind ofType { name kind
	ofType { name kind ofType { name kind ofType { name kind } } } } } } } } } }`

func TestToolsMayReadTheSchema(t *testing.T) {
	t.Parallel()
	for _, query := range []string{toolsQuery, introspection.Query} {
		if code, _ := check(t, limits.Limits{}, query); code != "" {
			t.Errorf("refused with %s: %s", code, query)
		}
	}
}

// Pricing walks into each spread, so a document whose fragments double must be refused before it is priced at all.
func TestFragmentsThatDoubleAreNeverPriced(t *testing.T) {
	t.Parallel()
	for _, levels := range []int{9, 24, 60} {
		var b strings.Builder
		b.WriteString("{user{...F0}}")
		for i := range levels {
			fmt.Fprintf(&b, "fragment F%d on User{...F%d ...F%d}", i, i+1, i+1)
		}
		fmt.Fprintf(&b, "fragment F%d on User{id}", levels)
		if code, priced := check(t, limits.Limits{}, b.String()); code != "QUERY_TOO_COMPLEX" || priced != 0 {
			t.Errorf("%d levels: %q after pricing %d fields", levels, code, priced)
		}
	}
}

// tree is a selection whose true size is known because it was grown, not measured.
type tree struct {
	text                   string
	fields, aliases, depth int
}

func grow(t *rapid.T, left int) tree {
	var s tree
	var b strings.Builder
	for i := range rapid.IntRange(1, 4).Draw(t, "width") {
		kind := rapid.SampledFrom([]string{"id", "alias", "friend", "inline"}).Draw(t, "kind")
		if left == 0 {
			kind = "id"
		}
		switch kind {
		case "id":
			b.WriteString(" id")
			s.fields, s.depth = s.fields+1, max(s.depth, 1)
		case "alias":
			fmt.Fprintf(&b, " a%d_%d: id", left, i)
			s.fields, s.aliases, s.depth = s.fields+1, s.aliases+1, max(s.depth, 1)
		default:
			child := grow(t, left-1)
			s.fields, s.aliases = s.fields+child.fields, s.aliases+child.aliases
			if kind == "friend" {
				b.WriteString(" friend {" + child.text + "}")
				s.fields, s.depth = s.fields+1, max(s.depth, child.depth+1)
			} else {
				b.WriteString(" ... on User {" + child.text + "}")
				s.depth = max(s.depth, child.depth)
			}
		}
	}
	s.text = b.String()
	return s
}

func TestWhatIsRefusedIsWhatIsTooMuch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := grow(t, 4)
		l := limits.Limits{Tokens: 1 << 20, Directives: 10, Cost: 1 << 30,
			Fields: rapid.IntRange(1, 60).Draw(t, "fields"), Aliases: rapid.IntRange(1, 10).Draw(t, "aliases"),
			Depth: rapid.IntRange(1, 6).Draw(t, "depth")}
		tooMuch := s.fields+1 > l.Fields || s.aliases > l.Aliases || s.depth+1 > l.Depth
		if code, _ := check(t, l, "{ user {"+s.text+"} }"); (code != "") != tooMuch {
			t.Fatalf("%+v within %+v: got %q", s, l, code)
		}
	})
}
