package provider_test

import (
	"errors"
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
	var chain strings.Builder
	chain.WriteString(`{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/x":{"get":{}}},"components":{"schemas":{`)
	for i := range 20_000 {
		fmt.Fprintf(&chain, `"A%d":{"$ref":"#/components/schemas/A%d"},`, i, i+1)
	}
	chain.WriteString(`"A20000":{}}}}`)
	nested := func(levels int, bottom string) string {
		return `{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/x":{"get":{}}},"components":{"schemas":{"A":` +
			strings.Repeat(`{"items":`, levels) + bottom + strings.Repeat("}", levels) + `}}}`
	}
	for name, text := range map[string]string{
		"nothing":            "",
		"a web page":         "<html>",
		"no paths":           `{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{}}`,
		"no paths at all":    `{"openapi":"3.0.3","info":{"title":"t","version":"1"}}`,
		"another document":   strings.ReplaceAll(orderDesk, "#/components/schemas/Order", "https://evil.example/x.json#/y"),
		"a file":             strings.ReplaceAll(orderDesk, "#/components/schemas/Order", "file:///etc/passwd"),
		"a reference to air": strings.ReplaceAll(orderDesk, "#/components/schemas/Order", "#/components/schemas/None"),
		"a bomb":             "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nopenapi: 3.0.3\n",
		"a long text, often": "openapi: 3.0.3\na: &a \"" + strings.Repeat("x", 1<<20) + "\"\nb: [" + strings.Repeat("*a,", 1000) + "]\n",
		"a part of itself":   "openapi: 3.0.3\na: &a [*a, *a]\n",
		"a long way round":   chain.String(),
		"a deep hole":        nested(5000, "{}"),
		"much at the bottom": nested(25, `{"enum":[`+strings.Repeat("1,", 900_000)+`1]}`),
		"too many":           many.String(),
		"too large":          strings.Repeat(" ", provider.MaxDescription+1),
		"brackets":           strings.Repeat("[", 100_000),
	} {
		if _, _, err := provider.OpenAPI(t.Context(), []byte(text), nil); !problem.Is(err, problem.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReferencesThatGoRoundInACircleAreRead(t *testing.T) {
	t.Parallel()
	document := `{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/x":{"get":{}}},"components":{"schemas":{
		"A":{"$ref":"#/components/schemas/B"},"B":{"properties":{"a":{"$ref":"#/components/schemas/A"}}}}}}`
	if entries, _, err := provider.OpenAPI(t.Context(), []byte(document), nil); err != nil || len(entries) != 1 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

func TestAliasesThatStaySmallAreRead(t *testing.T) {
	t.Parallel()
	text := strings.Replace(orderDesk, "openapi: 3.0.3", "openapi: 3.0.3\nx-ok: &ok {description: ok}", 1)
	text = strings.ReplaceAll(text, `"200": {description: ok}`, `"200": *ok`)
	if entries, _, err := provider.OpenAPI(t.Context(), []byte(text), nil); err != nil || len(entries) != 3 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

func TestPartsOfADescriptionThatAreNullAreNotThere(t *testing.T) {
	t.Parallel()
	for name, rest := range map[string]string{
		"a variable":  `"servers":[{"url":"https://{a}.example.com","variables":{"a":null}}],"paths":{"/x":{"get":{}}}`,
		"a server":    `"servers":[null],"paths":{"/x":{"get":{}}}`,
		"a path":      `"paths":{"/x":{"get":{}},"/y":null}`,
		"a body":      `"paths":{"/x":{"post":{"requestBody":null}}}`,
		"its content": `"paths":{"/x":{"post":{"requestBody":{"content":{"application/json":null}}}}}`,
		"a schema":    `"paths":{"/x":{"get":{"parameters":[{"name":"a","in":"query","schema":null}]}}}`,
	} {
		document := `{"openapi":"3.0.3","info":{"title":"t","version":"1"},` + rest + `}`
		if entries, _, err := provider.OpenAPI(t.Context(), []byte(document), nil); err != nil || len(entries) != 1 {
			t.Errorf("%s: %d entries, %v", name, len(entries), err)
		}
	}
}

// wide describes operations whose parameters are of one schema: an object of 50 such objects, with a long description.
func wide(operations, parameters int) []byte {
	var properties, of, paths []string
	for i := range 50 {
		properties = append(properties, fmt.Sprintf(`"p%d":{"$ref":"#/components/schemas/A"}`, i))
	}
	for i := range parameters {
		of = append(of, fmt.Sprintf(`{"name":"a%d","in":"query","schema":{"$ref":"#/components/schemas/A"}}`, i))
	}
	for i := range operations {
		paths = append(paths, fmt.Sprintf(`"/x%d":{"get":{"parameters":[%s]}}`, i, strings.Join(of, ",")))
	}
	return fmt.Appendf(nil, `{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{%s},"components":{"schemas":`+
		`{"A":{"type":"object","description":%q,"properties":{%s}}}}}`,
		strings.Join(paths, ","), strings.Repeat("d", 100_000), strings.Join(properties, ","))
}

func TestADescriptionThatRefersToItselfBecomesASmallConfig(t *testing.T) { //nolint:paralleltest // measures
	for _, n := range []struct{ operations, parameters int }{{1, 1}, {1, 40}, {50, 40}} {
		document := wide(n.operations, n.parameters)
		var entries []any
		var err error
		made := allocated(func() { entries, _, err = provider.OpenAPI(t.Context(), document, nil) })
		if err != nil || len(entries) != n.operations {
			t.Errorf("%v: %d entries, %v", n, len(entries), err)
		}
		if made > 200<<20 { // most of it is the reader's own; written out, the first would take more
			t.Errorf("%v: reading %d KiB took %d MiB", n, len(document)>>10, made>>20)
		}
	}
	entries, _, err := provider.OpenAPI(t.Context(), wide(5, 2), nil)
	config := map[string]any{"base_url": "https://api.example.com", "auth_type": "none", "capabilities": entries}
	if err = errors.Join(err, builtin(t, "custom_api").ValidateConfig(provider.None, config)); err != nil {
		t.Errorf("what is left of it is no config: %v", err)
	}
	for _, one := range entries {
		if text := fmt.Sprint(one); !strings.Contains(text, "p49") {
			t.Errorf("an operation has no schema left: %.200s", text)
		}
	}
}

func TestParametersThatShareANameAndThoseOfWhoAsksHaveArgumentsOfTheirOwn(t *testing.T) {
	t.Parallel()
	document := `{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/users/{userId}":{"post":{"operationId":"move",
		"parameters":[{"name":"user-id","in":"query","schema":{"type":"string"}},{"name":"body","in":"query","schema":{}},
			{"name":"userId","in":"path","required":true,"schema":{"type":"string"}},
			{"name":"userId","in":"path","required":true,"schema":{"type":"integer"}}],
		"requestBody":{"content":{"application/json":{"schema":{"type":"object"}}}}}}}}`
	entries, _, err := provider.OpenAPI(t.Context(), []byte(document), nil)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	config := map[string]any{"base_url": "https://api.example.com", "auth_type": "none", "capabilities": entries}
	p := builtin(t, "custom_api")
	if err := p.ValidateConfig(provider.None, config); err != nil {
		t.Fatal(err)
	}
	move := p.CapabilitiesFor(config, nil)[0]
	in := provider.Input{Config: config, User: provider.Asker{UserID: "user_of_ours"}, Arguments: map[string]any{
		"user_id_3": "x", "body": map[string]any{"a": 1},
	}}
	r, err := move.Request(t.Context(), in)
	if err != nil || r.URL != "https://api.example.com/users/x" || string(r.Body) != `{"a":1}` {
		t.Errorf("%+v %s, %v", r, r.Body, err)
	}
	in.Arguments = map[string]any{"user_id_2": "y", "user_id_3": "x", "body_2": "b"}
	if err := move.ValidateArguments(in.Arguments); err != nil {
		t.Error(err)
	}
	if r, err = move.Request(t.Context(), in); err != nil || r.URL != "https://api.example.com/users/x?body=b&user-id=y" {
		t.Errorf("%+v, %v", r, err)
	}
}
