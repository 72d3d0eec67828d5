package query_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/query"
)

const deskAPI = `{"openapi":"3.0.3","info":{"title":"Desk","version":"1"},"servers":[{"url":"https://api.example.com/desk"}],
	"paths":{"/cases":{
		"get":{"operationId":"listCases","summary":"Open cases","parameters":[{"name":"q","in":"query","schema":{"type":"string"}}],
			"responses":{"200":{"description":"ok"}}},
		"post":{"operationId":"openCase","responses":{"201":{"description":"made"}}}}}}`

// desk makes a custom API of what config says, besides its token.
func (w *world) desk(t *testing.T, config map[string]any) (*integration.Created, error) {
	t.Helper()
	config["auth_type"], config["auth_token"] = "bearer", "{{TOKEN}}"
	return w.Create(w.Ctx, integration.CreateInput{
		UserID: &w.User.ID, Provider: "custom_api", Name: "Desk", Enabled: true, Visibility: integration.Private,
		Config: config, Secrets: map[string]any{"TOKEN": "desk-token"},
	})
}

func TestAnAPIIsAskedAsItsDescriptionSays(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Answer("api.example.com/openapi.json", http.StatusOK, deskAPI)
		w.Vendor.Answer("api.example.com/desk/cases", http.StatusOK, `{"cases":[{"title":"Printer","id":7},{"title":"Door"}]}`)
		created, err := w.desk(t, map[string]any{"openapi_url": "https://api.example.com/openapi.json"})
		if err != nil {
			t.Fatal(err)
		}
		if call := w.Vendor.Calls("api.example.com/openapi.json"); len(call) != 1 || call[0].Header.Get("Authorization") != "" {
			t.Errorf("the description was read %d times, with %v", len(call), call)
		}
		w.row = created.Integration
		got := w.must(t, `open cases about "printer"`)
		if got.Capability.Name != "listCases" || len(got.Items) != 2 || got.Items[0].Title != "Printer" ||
			got.Items[0].Kind != "custom_record" {
			t.Errorf("result = %+v", got)
		}
		call := w.Vendor.Calls("api.example.com/desk/cases")[0]
		if call.Header.Get("Authorization") != "Bearer desk-token" || call.Method != http.MethodGet {
			t.Errorf("call = %+v", call)
		}

		// Other operations of the same description.
		if _, err := w.Update(w.Ctx, integration.UpdateInput{
			ID: w.row.ID, Config: map[string]any{"operations": []any{"openCase"}},
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.ask("open cases"); !problem.Is(err, problem.NoCapabilityMatched) {
			t.Errorf("a write answers a question: %v", err)
		}
	})
}

func TestADescriptionThatCannotBeReadChangesNothing(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Answer("api.example.com/web", http.StatusOK, `<html>marked</html>`)
		w.Vendor.Answer("api.example.com/gone", http.StatusNotFound, `marked`)
		w.Vendor.Answer("api.example.com/huge", http.StatusOK, strings.Repeat(" ", 3<<20))
		for name, c := range map[string]struct {
			config map[string]any
			field  string
		}{
			"a web page":        {map[string]any{"openapi_url": "https://api.example.com/web"}, "openapi_url"},
			"nothing there":     {map[string]any{"openapi_url": "https://api.example.com/gone"}, "openapi_url"},
			"too much":          {map[string]any{"openapi_url": "https://api.example.com/huge"}, "openapi_url"},
			"a private address": {map[string]any{"openapi_url": "http://169.254.169.254/latest"}, "openapi_url"},
			"no address":        {map[string]any{"openapi_url": "ftp://x"}, "openapi_url"},
			"a number":          {map[string]any{"openapi": 7}, "openapi"},
			"two ways":          {map[string]any{"openapi": deskAPI, "openapi_url": "https://api.example.com/web"}, "openapi"},
			"both lists":        {map[string]any{"openapi": deskAPI, "capabilities": []any{}}, "capabilities"},
			"another address":   {map[string]any{"openapi": deskAPI, "base_url": "http://127.0.0.1/"}, "base_url"},
		} {
			_, err := w.desk(t, c.config)
			all := problem.All(err)
			if len(all) == 0 || strings.Join(all[0].Field, ".") != "input.config."+c.field || strings.Contains(err.Error(), "marked") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := w.World.Store.Client(w.Ctx).Integration.Query().CountX(w.Ctx); n != 1 {
			t.Errorf("%d integrations", n)
		}
	})
}

func TestADescriptionGivenInlineDoesNotStayInTheConfig(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		created, err := w.desk(t, map[string]any{"openapi": deskAPI})
		if err != nil {
			t.Fatal(err)
		}
		config := created.Integration.Config
		if config["openapi"] != nil || config["base_url"] != "https://api.example.com/desk" || config["auth_token"] != "{{TOKEN}}" {
			t.Errorf("config = %v", config)
		}
		_, err = w.Update(w.Ctx, integration.UpdateInput{
			ID: created.Integration.ID, Config: map[string]any{"operations": []any{"openCase"}},
		})
		if all := problem.All(err); len(all) != 1 || strings.Join(all[0].Field, ".") != "input.config.operations" {
			t.Errorf("other operations of what is not kept: %v", err)
		}
		w.row = created.Integration
		w.Vendor.Answer("api.example.com/desk/cases", http.StatusOK, `[]`)
		if got := w.must(t, "list cases", func(in *query.AskInput) { in.Limit = 5 }); len(got.Items) != 0 {
			t.Errorf("items = %v", got.Items)
		}
	})
}
