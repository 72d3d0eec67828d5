package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/health"
)

// selection writes a field with everything below it that needs no argument, to a depth.
func selection(schema *ast.Schema, f *ast.FieldDefinition, depth int) string {
	for _, a := range f.Arguments {
		if a.Type.NonNull && a.DefaultValue == nil {
			return ""
		}
	}
	d := schema.Types[f.Type.Name()]
	if d.Kind != ast.Object {
		return f.Name
	}
	if depth == 0 {
		return ""
	}
	var below []string
	for _, child := range d.Fields {
		if s := selection(schema, child, depth-1); s != "" {
			below = append(below, s)
		}
	}
	if len(below) == 0 {
		return ""
	}
	return f.Name + " { " + strings.Join(below, " ") + " }"
}

// A read takes only the columns that the selected fields need; so each field is asked for alone and has to say what it
// says in company.
func TestAFieldAskedForAloneSaysTheSame(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		schema := contract(t)
		ctx := e.ctx()
		persona := e.newPersonality("acme")
		ada := e.newUser(ctx, "ada", column.Object{"plan": "pro"})
		i := e.newIntegration(ctx, &ada.ID, "google_calendar")
		if err := e.store.Client(ctx).Integration.UpdateOneID(i.ID).SetPersonalityID(persona).SetLastUsedAt(e.now()).
			SetConfig(column.Object{"calendar_id": "work"}).SetSecretNames(column.Strings{"TOKEN"}).Exec(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := e.health.Report(ctx, i.ID, health.Finding{Reason: health.ScopesMissing}); err != nil {
			t.Fatal(err)
		}
		event := e.newEvent(ctx, i, audit.Query)
		change := e.must("acme", `query($id: ID!) { integration(id: $id) { healthHistory { nodes { id } } } }`,
			map[string]any{"id": i.ID}).at("integration", "healthHistory", "nodes", 0, "id")
		for kind, id := range map[string]any{
			"User": ada.ID, "Integration": i.ID, "AuditEvent": event.ID, "IntegrationHealthChange": change,
			"Personality": persona,
		} {
			ask := func(fields string) *reply {
				return e.must("acme", `query($id: ID!) { node(id: $id) { ... on `+kind+` { `+fields+` } } }`,
					map[string]any{"id": id})
			}
			all := map[string]any{}
			var everything []string
			for _, f := range schema.Types[kind].Fields {
				s := selection(schema, f, 2)
				if s == "" {
					continue
				}
				all[f.Name] = ask(s).at("node", f.Name)
				everything = append(everything, s)
			}
			if diff := cmp.Diff(ask(strings.Join(everything, " ")).at("node"), any(all)); diff != "" {
				t.Errorf("%s: %s", kind, diff)
			}
		}
		alone := e.must("acme", `query($id: ID!, $who: ID!) { integration(id: $id) {
			accessFor(personalityId: $who) { rule } } }`,
			map[string]any{"id": i.ID, "who": persona})
		if got := fmt.Sprint(alone.at("integration", "accessFor", "rule")); got != "DEFAULT" {
			t.Errorf("accessFor alone: %s", got)
		}
	})
}
