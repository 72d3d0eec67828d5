package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

const orderDesk = `
openapi: 3.0.3
info: {title: Orders, version: "1"}
servers: [{url: "https://{region}.example.com/v2/", variables: {region: {default: api}}}]
paths:
  /orders:
    parameters: [{name: X-Tenant, in: header, schema: {type: string}}, {name: Authorization, in: header, schema: {type: string}}]
    get:
      operationId: listOrders
      summary: The open orders
      tags: [Sales desk]
      parameters:
        - {name: q, in: query, schema: {type: string}}
        - {name: pageSize, in: query, schema: {type: integer, maximum: 50}}
        - {name: since, in: query, schema: {type: string, format: date-time}}
        - {name: session, in: cookie, schema: {type: string}}
      responses: {"200": {description: ok}}
    post:
      operationId: createOrder
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}
      responses: {"201": {description: made}}
  /orders/{orderId}:
    get:
      parameters: [{name: orderId, in: path, required: true, schema: {type: integer}}]
      responses: {"200": {description: ok}}
components:
  schemas:
    Order:
      type: object
      required: [sku]
      properties:
        id: {type: string, readOnly: true}
        sku: {type: string}
        parent: {$ref: "#/components/schemas/Order"}
`

func TestAnOpenAPIDescriptionBecomesCapabilities(t *testing.T) {
	t.Parallel()
	entries, server, err := provider.OpenAPI(t.Context(), []byte(orderDesk), nil)
	if err != nil || server != "https://api.example.com/v2" || len(entries) != 3 {
		t.Fatalf("%d entries, server %q, %v", len(entries), server, err)
	}
	by := map[string]map[string]any{}
	for _, e := range entries {
		by[e.(map[string]any)["name"].(string)] = e.(map[string]any)
	}
	list, create, get := by["listOrders"], by["createOrder"], by["get_orders_orderId"]
	if fmt.Sprint(list["query"]) != "map[pageSize:{page_size} q:{q} since:{since}]" ||
		fmt.Sprint(list["takes"]) != "map[page_size:limit q:text since:start]" || list["effect"] != "read" ||
		fmt.Sprint(list["headers"]) != "map[X-Tenant:{x_tenant}]" {
		t.Errorf("list = %v", list)
	}
	for _, phrase := range []string{"list orders", "orders", "the open orders", "sales desk"} {
		if !slices.Contains(list["trigger_phrases"].([]any), any(phrase)) {
			t.Errorf("no phrase %q in %v", phrase, list["trigger_phrases"])
		}
	}
	if create["effect"] != "write" || create["body"] != "{body}" || create["trigger_phrases"] != nil ||
		!strings.Contains(fmt.Sprint(create["arguments"]), "sku") || strings.Contains(fmt.Sprint(create["arguments"]), "id:") {
		t.Errorf("create = %v", create)
	}
	if get["path"] != "/orders/{order_id}" || fmt.Sprint(get["takes"]) != "map[order_id:number]" {
		t.Errorf("get = %v", get)
	}
	custom := builtin(t, "custom_api")
	config := map[string]any{"base_url": server, "auth_type": "none", "capabilities": entries}
	if err := custom.ValidateConfig(provider.None, config); err != nil {
		t.Errorf("the entries are no config: %v", err)
	}
	for _, c := range custom.CapabilitiesFor(config, nil) {
		if c.Name != "createOrder" {
			continue
		}
		if err := c.ValidateArguments(map[string]any{"body": map[string]any{"sku": 7}}); err == nil {
			t.Error("an argument of a wrong type is taken")
		}
		r, err := c.Request(t.Context(), provider.Input{Config: config, Arguments: map[string]any{"body": map[string]any{"sku": "a"}}})
		if err != nil || r.Summary() != "POST https://api.example.com/v2/orders" || string(r.Body) != `{"sku":"a"}` {
			t.Errorf("request = %v %s, %v", r, r.Body, err)
		}
	}
}

func TestOnlyTheOperationsThatAreWantedAreTaken(t *testing.T) {
	t.Parallel()
	entries, _, err := provider.OpenAPI(t.Context(), []byte(orderDesk), []string{"createOrder"})
	if err != nil || len(entries) != 1 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	if _, _, err := provider.OpenAPI(t.Context(), []byte(orderDesk), []string{"dropOrder"}); !problem.Is(err, problem.Invalid) {
		t.Errorf("an unknown operation: %v", err)
	}
}

func TestDescriptionsThatAreNoneAreRefusedInWords(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	many.WriteString(`{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/x":{}`)
	for i := range 51 {
		fmt.Fprintf(&many, `,"/p%d":{"get":{"responses":{"200":{"description":"ok"}}}}`, i)
	}
	many.WriteString("}}")
	for name, text := range map[string]string{
		"nothing":            "",
		"a web page":         "<html>",
		"no paths":           `{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{}}`,
		"no paths at all":    `{"openapi":"3.0.3","info":{"title":"t","version":"1"}}`,
		"another document":   strings.ReplaceAll(orderDesk, "#/components/schemas/Order", "https://evil.example/x.json#/y"),
		"a file":             strings.ReplaceAll(orderDesk, "#/components/schemas/Order", "file:///etc/passwd"),
		"a reference to air": strings.ReplaceAll(orderDesk, "#/components/schemas/Order", "#/components/schemas/None"),
		"a bomb":             "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nopenapi: 3.0.3\n",
		"too many":           many.String(),
		"too large":          strings.Repeat(" ", provider.MaxDescription+1),
		"brackets":           strings.Repeat("[", 100_000),
	} {
		if _, _, err := provider.OpenAPI(t.Context(), []byte(text), nil); !problem.Is(err, problem.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
