package catalog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/patchbay/patchbay/internal/provider"
)

// graphQL is a vendor whose API is a GraphQL schema.
type graphQL struct{ schema *ast.Schema }

func openGraphQL(t *testing.T, c *contract) *graphQL {
	t.Helper()
	text := string(must(os.ReadFile(filepath.Join(c.dir, c.GraphQL))))
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: c.GraphQL, Input: text})
	if err != nil {
		t.Fatal(err)
	}
	return &graphQL{schema: schema}
}

// exchange validates the document and the variables of the body, and the answer against what was selected.
func (g *graphQL) exchange(_ *testing.T, r *provider.Request, a provider.Answer, _ *provider.Capability) []error {
	var body struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return []error{fmt.Errorf("the body is not a GraphQL request: %w", err)}
	}
	document, list := gqlparser.LoadQueryWithRules(g.schema, body.Query, rules.NewDefaultRules())
	if len(list) > 0 {
		return apartGraphQL(list)
	}
	operation := document.Operations[0]
	if _, err := validator.VariableValues(g.schema, operation, body.Variables); err != nil {
		return []error{err}
	}
	answer, ok := a.Body.(map[string]any)
	if !ok || !succeeded(a) || answer["errors"] != nil {
		return nil
	}
	return selected("data", operation.SelectionSet, answer["data"])
}

func apartGraphQL(list gqlerror.List) []error {
	out := make([]error, len(list))
	for i, one := range list {
		out[i] = one
	}
	return out
}

// selected returns what an answer has that was not asked for, what it lacks, and where null stands in a place that has a
// value always.
func selected(at string, set ast.SelectionSet, value any) []error {
	if len(set) == 0 {
		return nil
	}
	if list, ok := value.([]any); ok {
		var faults []error
		for i, one := range list {
			faults = append(faults, selected(fmt.Sprintf("%s[%d]", at, i), set, one)...)
		}
		return faults
	}
	if value == nil {
		return nil
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return []error{fmt.Errorf("the answer: %s is not an object", at)}
	}
	var faults []error
	asked := map[string]bool{}
	for _, s := range set {
		field, ok := s.(*ast.Field)
		if !ok {
			return nil // fragments choose by type, which the answer does not say
		}
		asked[field.Alias] = true
		got, there := fields[field.Alias]
		where := at + "." + field.Alias
		switch {
		case !there:
			faults = append(faults, fmt.Errorf("the answer: %s is missing", where))
		case got == nil && field.Definition.Type.NonNull:
			faults = append(faults, fmt.Errorf("the answer: %s is null", where))
		default:
			faults = append(faults, selected(where, field.SelectionSet, got)...)
		}
	}
	for name := range fields {
		if !asked[name] {
			faults = append(faults, errors.New("the answer: "+at+"."+name+" was not asked for"))
		}
	}
	return faults
}
