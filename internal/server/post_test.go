package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The audits of npm graphql-http 1.23.1 (lib/audits/server.mjs). Three of its 61 ask for queries over GET, which are
// off on purpose: 5A70, D6D5 and 6A70, all of them MAY.
func TestGraphQLOverHTTPAudits(t *testing.T) {
	t.Parallel()
	const (
		jsonType = "application/json"
		newType  = "application/graphql-response+json"
		typename = `{"query":"{ __typename }"}`
		typeOf   = `{"query":"query Type($name: String!) { __type(name: $name) { name } }","variables":{"name":"sometype"}}`
		coercion = `{"query":"query CoerceFailure($id: ID!){ __typename }","variables":{"id":null}}`
		unknown  = `{"query":"{ 8f31403dfe404bccbb0e835f2629c6a7 }"}`
	)
	type audit struct {
		id     string
		body   string
		accept string
		status int
		media  string // of the answer, "" for any
		clean  bool   // no errors
		noData bool   // no data entry
	}
	audits := []audit{
		{"22EB", typename, newType, 200, newType, true, false},
		{"4655", typename, jsonType, 200, jsonType, true, false},
		{"47DE", typename, "*/*", 200, jsonType, true, false},
		{"80D8 82A3 78D5 2C94 03D4", typename, "", 200, jsonType, true, false},
		{"BF61", `{"query":"{ __type(name: \"Run🏃Swim🏊\") { name } }"}`, "", 200, "", true, false},
		{"A5BF", "", "", 400, "", false, true},
		{"423L", `{"notquery":"{ __typename }"}`, newType, 400, "", false, true},
		{"34A2", typename, newType, 200, "", true, false},
		{"13EE", typename, jsonType, 200, "", true, false},
		{"8161", `{"operationName":"Query","query":"query Query { __typename }"}`, newType, 200, "", true, false},
		{"B8B3", `{"operationName":"Query","query":"query Query { __typename }"}`, jsonType, 200, "", true, false},
		{"2EA1", typeOf, newType, 200, "", true, false},
		{"28B9", typeOf, jsonType, 200, "", true, false},
		{"428F", `{"query":"{ __typename }","extensions":{"some":"value"}}`, newType, 200, "", true, false},
		{"1B7A", `{"query":"{ __typename }","extensions":{"some":"value"}}`, jsonType, 200, "", true, false},
		{"B6DC BCF8", `{ "not a JSON`, jsonType, 400, "", false, true},
		{"B7N8", `{ "not a JSON`, newType, 400, "", false, true},
		{"8764 3E3A", `{"qeury":"{ __typename }"}`, "", 400, "", false, true},
		{"572B", `{"query":"{"}`, jsonType, 200, jsonType, false, true},
		{"FDE2", unknown, jsonType, 200, jsonType, false, true},
		{"7B9B", coercion, jsonType, 200, jsonType, false, true},
		{"865D 556A D586", `{"query":"{"}`, newType, 400, newType, false, true},
		{"51FE 74FF 5E5B", unknown, newType, 400, newType, false, true},
		{"86EE", coercion, newType, 400, newType, false, true},
	}
	for _, wrong := range []string{`{"obj":"ect"}`, `0`, `false`, `["array"]`} {
		audits = append(audits,
			audit{"LKJ " + wrong, `{"query":` + wrong + `}`, "", 400, "", false, true},
			audit{"6C0 " + wrong, `{"operationName":` + wrong + `,"query":"{ __typename }"}`, "", 400, "", false, true})
	}
	for _, wrong := range []string{`"string"`, `0`, `false`, `["array"]`} {
		audits = append(audits,
			audit{"476 " + wrong, `{"query":"{ __typename }","variables":` + wrong + `}`, "", 400, "", false, true},
			audit{"58B " + wrong, `{"query":"{ __typename }","extensions":` + wrong + `}`, "", 400, "", false, true})
	}
	for _, name := range []string{"variables", "operationName", "extensions"} {
		body := `{"query":"{ __typename }","` + name + `":null}`
		audits = append(audits, audit{"94B " + name, body, newType, 200, "", true, false},
			audit{"022 " + name, body, jsonType, 200, "", true, false})
	}
	e := newEnv(t)
	for _, a := range audits {
		t.Run(a.id, func(t *testing.T) {
			got := e.post(a.body, "Accept", a.accept)
			if got.status != a.status {
				t.Errorf("status %d, want %d: %s", got.status, a.status, got.body)
			}
			if media := got.header.Get("Content-Type"); a.media != "" && media != a.media+"; charset=utf-8" {
				t.Errorf("Content-Type %q, want %s in UTF-8", media, a.media)
			}
			if clean := got.code() == "" && !strings.Contains(got.body, `"errors"`); clean != a.clean {
				t.Errorf("without errors: %v, want %v: %s", clean, a.clean, got.body)
			}
			if got.hasData() == a.noData {
				t.Errorf("data entry: %v, want %v: %s", got.hasData(), !a.noData, got.body)
			}
		})
	}
	t.Run("9ABE", func(t *testing.T) {
		if got := e.post(typename, "Content-Type", ""); got.status != http.StatusUnsupportedMediaType {
			t.Errorf("status %d, want 415", got.status)
		}
	})
	t.Run("9C48", func(t *testing.T) {
		got := e.do(e.request(t.Context(), "GET", "/graphql?query=mutation%20%7B%20__typename%20%7D", ""))
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "POST, OPTIONS" {
			t.Errorf("status %d, Allow %q, want 405 and POST, OPTIONS", got.status, got.header.Get("Allow"))
		}
	})
}

func TestAcceptIsNegotiated(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, c := range []struct {
		accept, media string
		status        int
	}{
		{"application/graphql-response+json, application/json;q=0.9", "application/graphql-response+json", 200},
		{"application/graphql-response+json;q=0.1, application/json", "application/json", 200},
		{"application/json, application/graphql-response+json", "application/json", 200},
		{"application/*", "application/json", 200},
		{"application/json; charset=utf-8", "application/json", 200},
		{"text/html, application/xhtml+xml, */*;q=0.8", "application/json", 200},
		// The header of urql 4: a query gets one answer, although the client would take a stream.
		{"application/graphql-response+json, application/graphql+json, application/json, text/event-stream, " +
			"multipart/mixed", "application/graphql-response+json", 200},
		{"application/json;q=0, text/html", "application/json", 406},
		{"text/html", "application/json", 406},
		{"application/json; charset=utf-16", "application/json", 406},
		{"application/json;q=nonsense", "application/json", 406},
	} {
		got := e.query("{ hello }", "Accept", c.accept)
		if got.status != c.status || got.header.Get("Content-Type") != c.media+"; charset=utf-8" {
			t.Errorf("Accept %q: %d %s, want %d %s", c.accept, got.status, got.header.Get("Content-Type"), c.status, c.media)
		}
	}
}

func TestBodiesOfOtherTypesAreRefused(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, contentType := range []string{
		"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql",
		"application/json; charset=utf-16", "application/json;;;", "application/jsonp",
	} {
		got := e.post(`{"query":"{ hello }"}`, "Content-Type", contentType)
		if got.status != http.StatusUnsupportedMediaType || got.code() != "BAD_USER_INPUT" {
			t.Errorf("%s: %d %s", contentType, got.status, got.body)
		}
	}
	if got := e.post(`{"query":"{ hello }"}`, "Content-Encoding", "gzip"); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("gzip: %d %s", got.status, got.body)
	}
	if got := e.post(`{"query":"{ hello }"}`, "Content-Type", "Application/JSON; charset=UTF-8"); got.status != 200 {
		t.Errorf("upper case: %d %s", got.status, got.body)
	}
}

func TestBrokenBodiesAreNamedAndNeverRepeated(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for name, body := range map[string]string{
		"cut off":          `{"query":"{ hello }","variables":{"key":"` + secret,
		"two values":       `{"query":"{ hello }"} {"key":"` + secret + `"}`,
		"a string":         `"` + secret + `"`,
		"a batch":          `[{"query":"{ hello(name: \"` + secret + `\") }"}]`,
		"a batch of none":  ` []`,
		"not UTF-8":        `{"query":"{ hello }","variables":{"key":"` + secret + "\xff\"}}",
		"variables a list": `{"query":"{ hello }","variables":["` + secret + `"]}`,
		"query a number":   `{"query":5,"variables":{"key":"` + secret + `"}}`,
		"query empty":      `{"query":"","variables":{"key":"` + secret + `"}}`,
		"nested too deep":  `{"query":"{ hello }","variables":` + strings.Repeat(`{"`+secret+`":`, 11_000),
	} {
		got := e.post(body)
		if got.status != http.StatusBadRequest || got.code() != "BAD_USER_INPUT" || got.hasData() {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if strings.Contains(got.body, secret) {
			t.Errorf("%s: the answer repeats the body: %s", name, got.body)
		}
	}
}

func TestMessagesAboutADocumentLeaveItsValuesOut(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for document, code := range map[string]string{
		`{ users(first: "` + secret + `") { id } }`:                   "GRAPHQL_VALIDATION_FAILED",
		`{ users(first: {key: "` + secret + `"}) { id } }`:            "GRAPHQL_VALIDATION_FAILED",
		`{ users(color: "` + secret + `") { id } }`:                   "GRAPHQL_VALIDATION_FAILED",
		`query($n: Int = "` + secret + `") { users(first: $n) {id} }`: "GRAPHQL_VALIDATION_FAILED",
		`{ hello "` + secret + `" }`:                                  "GRAPHQL_PARSE_FAILED",
		`{ hello """` + secret + `""" }`:                              "GRAPHQL_PARSE_FAILED",
		`"` + secret + `"`:                                            "GRAPHQL_PARSE_FAILED",
		`{ hello(name: "\u12 ` + secret + `") }`:                      "GRAPHQL_PARSE_FAILED",
		`{ hello(name: "\q ` + secret + `") }`:                        "GRAPHQL_PARSE_FAILED",
		`{ hello(name: "` + secret + "\n\") }":                        "GRAPHQL_PARSE_FAILED",
	} {
		got := e.query(document)
		if strings.Contains(got.body, secret) || got.code() != code {
			t.Errorf("%q: %s", document, got.body)
		}
	}
	for name, body := range map[string]string{
		"a number":   `{"query":"query($n: Int) { users(first: $n) { id } }","variables":{"n":"` + secret + `"}}`,
		"an enum":    `{"query":"query($c: Color) { users(color: $c) { id } }","variables":{"c":"` + secret + `"}}`,
		"an enum 2":  `{"query":"query($c: Color) { users(color: $c) { id } }","variables":{"c":["` + secret + `"]}}`,
		"a variable": `{"query":"query($n: Int!) { users(first: $n) { id } }","variables":{"` + secret + `":5}}`,
		"operation":  `{"query":"query A { hello }","operationName":"` + secret + `"}`,
	} {
		if got := e.post(body); strings.Contains(got.body, secret) || got.code() != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("%s: %s", name, got.body)
		}
	}
}

// A secret that slips to any place of a document, as with a forgotten quote or bracket, stays out of the answer.
func TestNoPlaceInADocumentGivesItsValueAway(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	words := strings.Fields(`query Q ( $a : Int = 1 , $c : Color ) @include ( if : true ) { users ( first : $a , color : RED )
		@skip ( if : false ) { id ... on User { x : id } ... F } } fragment F on User { friends ( first : 2 ) { id } }`)
	for _, value := range []string{`"` + secret + `"`, `"""` + secret + `"""`, `[ "` + secret + `" ]`,
		`{ key : "` + secret + `" }`, `"\q` + secret + `"`, `"\u00zz` + secret, `"""` + secret, `"` + secret, `: "` + secret + `"`} {
		for i := range len(words) + 1 {
			for _, replaced := range []int{0, 1} {
				if i+replaced > len(words) {
					continue
				}
				document := strings.Join(words[:i], " ") + " " + value + " " + strings.Join(words[i+replaced:], " ")
				r := httptest.NewRequest("POST", "/graphql", strings.NewReader(params(document)))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", "Bearer good")
				w := httptest.NewRecorder()
				e.server.ServeHTTP(w, r)
				if strings.Contains(w.Body.String(), secret) {
					t.Errorf("%s\n%s", document, w.Body)
				}
			}
		}
	}
}

func TestDataIsSentAsTheSchemaEncodedIt(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	if got, want := e.query("{ blob hello }").body, "{\"data\":{\"blob\":{\"é\":[1,2, 3]}\n,\"hello\":\"Hello\"}}"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got := e.post(`{"query":"mutation($name: String!) { rename(name: $name) }","variables":{"name":"a\u2028\"<b>"}}`)
	if want := `{"data":{"rename":"a\u2028\"\u003cb\u003e"}}`; got.body != want {
		t.Errorf("got %q, want %q", got.body, want)
	}
}

func TestExecutionErrorsKeepTheirDataAndHideTheirCause(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	got := e.query("{ hello fail }", "Accept", "application/graphql-response+json", "X-Request-Id", "trace-7")
	if got.status != 200 || got.code() != "INTERNAL" || !strings.Contains(got.body, `"hello":"Hello"`) ||
		!strings.Contains(got.body, `"requestId":"trace-7"`) || !strings.Contains(got.body, `"path":["fail"]`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if strings.Contains(got.body, "10.0.0.7") {
		t.Errorf("the cause is shown: %s", got.body)
	}
	if log := e.log.String(); strings.Count(log, "10.0.0.7") != 1 || !strings.Contains(log, "trace-7") {
		t.Errorf("the cause is not logged once with the request's id: %s", log)
	}
	if got := e.query("{ panic }"); got.status != 200 || got.code() != "INTERNAL" || strings.Contains(got.body, "broken") {
		t.Errorf("panic: %d %s", got.status, got.body)
	}
	if got := e.query("{ refuse }"); got.code() != "FORBIDDEN" {
		t.Errorf("refuse: %s", got.body)
	}
}

func TestASubscriptionNeedsAStream(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	got := e.query("subscription { ticks }", "Accept", "application/graphql-response+json")
	if got.status != http.StatusBadRequest || got.code() != "BAD_USER_INPUT" || got.hasData() || e.ran.Load() != 0 {
		t.Errorf("%d %s, ran %d", got.status, got.body, e.ran.Load())
	}
}

func TestIntrospectionIsForThoseWhoMay(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	if got := e.query(`{ __type(name: "User") { name } }`); got.body != `{"data":{"__type":{"name":"User"}}}` {
		t.Errorf("allowed: %s", got.body)
	}
	closed := newEnv(t, noIntrospection)
	if got := closed.query(`{ __type(name: "User") { name } }`); got.code() != "FORBIDDEN" {
		t.Errorf("refused: %s", got.body)
	}
}
