package graph_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/viewer"
)

func contract(t *testing.T) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile("../schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// own returns the types of the contract that the specification does not bring along.
func own(schema *ast.Schema) []*ast.Definition {
	var out []*ast.Definition
	for _, d := range schema.Types {
		if !d.BuiltIn && !strings.HasPrefix(d.Name, "__") {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func TestEverythingInTheSchemaIsDescribed(t *testing.T) {
	t.Parallel()
	schema := contract(t)
	check := func(what, description string) {
		if len(strings.TrimSpace(description)) < 4 {
			t.Errorf("%s has no description", what)
		}
	}
	for _, d := range own(schema) {
		check(d.Name, d.Description)
		for _, f := range d.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			check(d.Name+"."+f.Name, f.Description)
			for _, a := range f.Arguments {
				check(d.Name+"."+f.Name+"("+a.Name+")", a.Description)
			}
		}
		for _, v := range d.EnumValues {
			check(d.Name+"."+v.Name, v.Description)
		}
	}
	auth := schema.Directives["auth"]
	check("@auth", auth.Description)
	for _, a := range auth.Arguments {
		check("@auth("+a.Name+")", a.Description)
	}
}

// introspected is what tools see of a type.
type introspected struct {
	Name        string
	Kind        string
	Description string
	Fields      []struct {
		Name, Description string
		Type              typeRef
		Args              []input
	}
	InputFields []input
	EnumValues  []struct{ Name, Description string }
}

type input struct {
	Name, Description string
	Type              typeRef
	DefaultValue      *string
}

type typeRef struct {
	Kind   string
	Name   string
	OfType *typeRef
}

func (r typeRef) String() string {
	switch r.Kind {
	case "NON_NULL":
		return r.OfType.String() + "!"
	case "LIST":
		return "[" + r.OfType.String() + "]"
	}
	return r.Name
}

func (i input) String() string {
	out := fmt.Sprintf("%q %s: %s", i.Description, i.Name, i.Type)
	if i.DefaultValue != nil {
		out += " = " + *i.DefaultValue
	}
	return out
}

func TestTheServedSchemaIsTheContract(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		r := e.must("acme", `{ __schema { types { name kind description
			fields { name description type { ...t } args { name description defaultValue type { ...t } } }
			inputFields { name description defaultValue type { ...t } } enumValues { name description } } } }
			fragment t on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`, nil)
		var served struct {
			Schema struct{ Types []introspected } `json:"__schema"`
		}
		b, _ := json.Marshal(r.Data)
		if err := json.Unmarshal(b, &served); err != nil {
			t.Fatal(err)
		}
		lines := map[string][]string{}
		for _, d := range served.Schema.Types {
			lines[d.Name] = d.lines()
		}
		for _, d := range own(contract(t)) {
			same(t, d.Name, lines[d.Name], linesOf(d))
		}
	})
}

func (d introspected) lines() []string {
	out := []string{fmt.Sprintf("%q %s", d.Description, d.Kind)}
	for _, f := range d.Fields {
		out = append(out, fmt.Sprintf("%q %s: %s", f.Description, f.Name, f.Type))
		for _, a := range f.Args {
			out = append(out, "  "+a.String())
		}
	}
	for _, f := range d.InputFields {
		out = append(out, f.String())
	}
	for _, v := range d.EnumValues {
		out = append(out, fmt.Sprintf("%q %s", v.Description, v.Name))
	}
	return out
}

func linesOf(d *ast.Definition) []string {
	out := []string{fmt.Sprintf("%q %s", d.Description, d.Kind)}
	for _, f := range d.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		line := fmt.Sprintf("%q %s: %s", f.Description, f.Name, f.Type)
		if d.Kind == ast.InputObject && f.DefaultValue != nil {
			line += " = " + f.DefaultValue.String()
		}
		out = append(out, line)
		for _, a := range f.Arguments {
			line := fmt.Sprintf("  %q %s: %s", a.Description, a.Name, a.Type)
			if a.DefaultValue != nil {
				line += " = " + a.DefaultValue.String()
			}
			out = append(out, line)
		}
	}
	for _, v := range d.EnumValues {
		out = append(out, fmt.Sprintf("%q %s", v.Description, v.Name))
	}
	return out
}

func TestDeferIsNeitherOfferedNorHalfDone(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		r := e.do("acme", `{ users { nodes { id ... @defer { stats { integrationsCount } } } } }`, nil)
		if r.code() != "GRAPHQL_VALIDATION_FAILED" {
			t.Error(r.body)
		}
		offered := e.must("acme", `{ __schema { directives { name } } }`, nil)
		if slices.Contains(offered.texts("name", "__schema", "directives"), "defer") {
			t.Error(offered.body)
		}
	})
}

// guarded are the fields with @auth, with a document that asks for each alone.
func guarded(t *testing.T, e *env) map[string]struct{ scope, document string } {
	t.Helper()
	schema := contract(t)
	out := map[string]struct{ scope, document string }{}
	for _, d := range own(schema) {
		for _, f := range d.Fields {
			auth := f.Directives.ForName("auth")
			if auth == nil {
				continue
			}
			operation := map[string]string{"Query": "query", "Mutation": "mutation", "Subscription": "subscription"}[d.Name]
			if operation == "" {
				t.Fatalf("%s.%s: only root fields have @auth", d.Name, f.Name)
			}
			document := operation + " { " + f.Name + required(schema, e, f.Arguments) + " { __typename } }"
			scope := auth.Arguments.ForName("requires").Value.Raw
			out[d.Name+"."+f.Name] = struct{ scope, document string }{scope, document}
		}
	}
	return out
}

// required writes the arguments that a field needs, with values of the right type.
func required(schema *ast.Schema, e *env, arguments ast.ArgumentDefinitionList) string {
	var out []string
	for _, a := range arguments {
		if a.Type.NonNull && a.DefaultValue == nil {
			out = append(out, a.Name+": "+value(schema, e, a.Type))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "(" + strings.Join(out, ", ") + ")"
}

func value(schema *ast.Schema, e *env, t *ast.Type) string {
	if t.Elem != nil {
		return "[" + value(schema, e, t.Elem) + "]"
	}
	switch d := schema.Types[t.NamedType]; {
	case d.Kind == ast.Enum:
		return d.EnumValues[0].Name
	case d.Kind == ast.InputObject:
		var out []string
		for _, f := range d.Fields {
			if f.Type.NonNull && f.DefaultValue == nil {
				out = append(out, f.Name+": "+value(schema, e, f.Type))
			}
		}
		return "{" + strings.Join(out, ", ") + "}"
	case d.Name == "ID":
		return `"` + e.newID(id.User) + `"`
	default:
		return `"x"`
	}
}

func TestEveryGuardedFieldIsRefusedWithoutItsScope(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		fields := guarded(t, e)
		if len(fields) < 20 {
			t.Fatalf("only %d fields have @auth", len(fields))
		}
		for name, f := range fields {
			without := slices.DeleteFunc(slices.Clone(viewer.Scopes), func(s viewer.Scope) bool {
				return string(s) == f.scope || s == viewer.Admin
			})
			e.as("without", viewer.Viewer{Company: e.company, Actor: "key_w", Scopes: without})
			e.as("with", viewer.Viewer{Company: e.company, Actor: "key_w", Scopes: []viewer.Scope{viewer.Scope(f.scope)}})
			if got := e.codes("without", f.document); !slices.Equal(got, []string{"FORBIDDEN"}) {
				t.Errorf("%s without %s: %v", name, f.scope, got)
			}
			if got := e.codes("nobody", f.document); !slices.Equal(got, []string{"UNAUTHENTICATED"}) {
				t.Errorf("%s without a credential: %v", name, got)
			}
			if strings.HasPrefix(f.document, "subscription") {
				continue // it would go on; the stream's own test reads it
			}
			for _, as := range []string{"with", "acme"} { // acme has ADMIN
				if got := e.codes(as, f.document); slices.Contains(got, "FORBIDDEN") {
					t.Errorf("%s as %s: %v", name, as, got)
				}
			}
		}
	})
}

// codes returns the codes of the errors with which a document is answered; a subscription's are those of its first
// event.
func (e *env) codes(as, document string) []string {
	e.t.Helper()
	if !strings.HasPrefix(document, "subscription") {
		var out []string
		for _, err := range e.do(as, document, nil).Errs {
			out = append(out, fmt.Sprint(err.Extensions["code"]))
		}
		return out
	}
	body, _ := json.Marshal(map[string]string{"query": document})
	r := httptest.NewRequestWithContext(e.t.Context(), http.MethodPost, "/graphql", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", "Bearer "+as)
	w := httptest.NewRecorder()
	e.server.ServeHTTP(w, r)
	var out []string
	for lines := bufio.NewScanner(w.Body); lines.Scan(); {
		data := strings.TrimPrefix(lines.Text(), "data:")
		var event reply
		if json.Unmarshal([]byte(data), &event) == nil {
			for _, err := range event.Errs {
				out = append(out, fmt.Sprint(err.Extensions["code"]))
			}
		}
	}
	return out
}
