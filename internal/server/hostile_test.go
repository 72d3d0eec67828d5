package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/server"
)

// doubling returns a query whose fragments spread the next one twice, so that it selects 2^levels fields.
func doubling(levels int) string {
	var b strings.Builder
	b.WriteString("{ user { ...F0 } }")
	for i := range levels {
		fmt.Fprintf(&b, " fragment F%d on User { ...F%d ...F%d }", i, i+1, i+1)
	}
	fmt.Fprintf(&b, " fragment F%d on User { id }", levels)
	return b.String()
}

func aliased(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d: hello", i)
	}
	return "{" + b.String() + " }"
}

func nested(levels int) string {
	return "{ user {" + strings.Repeat(" friend {", levels-2) + " id " + strings.Repeat("}", levels-2) + "} }"
}

// A document that is not refused early makes this test run into its time limit: fragments of 60 levels select more
// fields than a machine counts.
func TestHostileDocumentsAreRefusedShortlyAndDoNotRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ document, code string }{
		"a flood of tokens":        {"{" + strings.Repeat(" hello", 100_000/10) + "}", "QUERY_TOO_LARGE"},
		"a flood in arguments":     {"{ hello(name: [" + strings.Repeat("1,", 20_000) + "]) }", "QUERY_TOO_LARGE"},
		"a flood of comments":      {strings.Repeat("#\n", 2_000) + "{ hello }", "QUERY_TOO_LARGE"},
		"a flood of fields":        {"{" + strings.Repeat(" hello", 700) + "}", "QUERY_TOO_LARGE"},
		"more fields than allowed": {"{" + strings.Repeat(" hello", 520) + "}", "QUERY_TOO_COMPLEX"},
		"fragments of 24 levels":   {doubling(24), "QUERY_TOO_COMPLEX"},
		"fragments of 60 levels":   {doubling(60), "QUERY_TOO_COMPLEX"},
		"a ring of fragments": {"{ user { ...A } } fragment A on User { ...B } fragment B on User { ...A }",
			"GRAPHQL_VALIDATION_FAILED"},
		"500 unknown directives": {"{ hello" + strings.Repeat("@a", 500) + " }", "QUERY_TOO_LARGE"},
		"50 unknown directives":  {"{ hello" + strings.Repeat(" @a", 50) + " }", "GRAPHQL_VALIDATION_FAILED"},
		"10 unknown directives":  {"{ hello" + strings.Repeat(" @a", 10) + " }", "GRAPHQL_VALIDATION_FAILED"},
		"500 unknown fields":     {"{" + strings.Repeat(" helo", 490) + "}", "GRAPHQL_VALIDATION_FAILED"},
		"101 aliases":            {aliased(101), "QUERY_TOO_COMPLEX"},
		"16 levels":              {nested(16), "QUERY_TOO_COMPLEX"},
		"10,000 levels":          {strings.Repeat("{user", 10_000), "QUERY_TOO_LARGE"},
		"circular introspection": {"{__schema{types" + strings.Repeat("{fields{type", 8) + "{name}" +
			strings.Repeat("}}", 8) + "}}", "GRAPHQL_VALIDATION_FAILED"},
		"pages of pages":            {"{ users(first: 100) { friends(first: 100) { id } } }", "QUERY_TOO_COMPLEX"},
		"one message of 200 kB":     {"{ " + strings.Repeat("x", 200<<10) + " }", "GRAPHQL_VALIDATION_FAILED"},
		"a name that nobody has":    {"query A { hello } query B { hello }", "GRAPHQL_VALIDATION_FAILED"},
		"an empty document":         {" ", "GRAPHQL_VALIDATION_FAILED"},
		"a type system in a query":  {"type Query { a: Int }", "GRAPHQL_PARSE_FAILED"},
		"suggestions for fields":    {"{ helo }", "GRAPHQL_VALIDATION_FAILED"},
		"suggestions for arguments": {"{ hello(nam: 1) }", "GRAPHQL_VALIDATION_FAILED"},
		"suggestions for types":     {"query($x: Colour) { users(color: $x) { id } }", "GRAPHQL_VALIDATION_FAILED"},
		"suggestions for values":    {"{ users(color: GREE) { id } }", "GRAPHQL_VALIDATION_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			got := e.query(c.document)
			if got.code() != c.code || got.hasData() {
				t.Errorf("got %s, want %s", got.body[:min(len(got.body), 600)], c.code)
			}
			if len(got.body) >= 4<<10 || strings.Count(got.body, `"message"`) >= 10 {
				t.Errorf("the answer has %d bytes and %d errors", len(got.body), strings.Count(got.body, `"message"`))
			}
			if strings.Contains(got.body, "Did you mean") {
				t.Errorf("the answer describes the schema: %s", got.body)
			}
			if e.ran.Load() != 0 {
				t.Error("the document ran")
			}
		})
	}
}

func TestDocumentsWithinTheLimitsRun(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for name, document := range map[string]string{
		"30 aliases":       aliased(30),
		"500 fields":       "{" + strings.Repeat(" hello", 500) + "}",
		"15 levels":        nested(15),
		"256 fields":       doubling(8),
		"a page of pages":  "{ users(first: 20) { friends(first: 20) { id } } }",
		"known directives": "{ hello " + " @include(if: true) @skip(if: false) }",
	} {
		if got := e.query(document); got.status != 200 || got.code() != "" {
			t.Errorf("%s: %s", name, got.body)
		}
	}
}

func TestHundredsOfErrorsInDataAreCut(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(o *server.Options) { o.Limits.Document.Aliases = 400 })
	got := e.query(strings.ReplaceAll(aliased(300), "hello", "refuse"))
	if n := strings.Count(got.body, `"message"`); n != 100 || !got.hasData() {
		t.Errorf("%d errors, data %v", n, got.hasData())
	}
}

func TestALongNameFillsNoLog(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	name := strings.Repeat("x", 100<<10)
	if got := e.query("query " + name + " { hello }"); got.status != 200 {
		t.Errorf("%d %.200s", got.status, got.body)
	}
	if log := e.log.String(); len(log) > 10<<10 || !strings.Contains(log, "xxx") {
		t.Errorf("the log has %d bytes", len(log))
	}
}
