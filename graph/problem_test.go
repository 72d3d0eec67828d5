package graph_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/patchbay/patchbay/graph"
	"github.com/patchbay/patchbay/internal/problem"
)

func TestErrorsAreShownByTheTableAndNothingElse(t *testing.T) {
	t.Parallel()
	inner := errors.New("pq: password authentication failed for user patchbay at 10.0.0.1")
	for name, c := range map[string]struct {
		err     error
		code    string
		message string
	}{
		"unknown":           {inner, "INTERNAL", "our side"},
		"wrapped":           {gqlerror.WrapPath(nil, fmt.Errorf("read: %w", inner)), "INTERNAL", "our side"},
		"a problem's cause": {problem.New(problem.NotFound, "None such.").Because(inner), "NOT_FOUND", "None such"},
		"invalid":           {problem.New(problem.Invalid, "x"), "BAD_USER_INPUT", "x"},
		"taken":             {problem.New(problem.Taken, "x"), "CONFLICT", "x"},
		"forbidden":         {problem.New(problem.Forbidden, "x"), "FORBIDDEN", "x"},
		"provider timeout":  {problem.New(problem.ProviderTimeout, "x"), "TIMEOUT", "x"},
		"deadline":          {fmt.Errorf("read: %w", context.DeadlineExceeded), "TIMEOUT", "longer"},
		"a restart":         {fmt.Errorf("read: %w", &pq.Error{Code: pqerror.AdminShutdown}), "UNAVAILABLE", "in a moment"},
		"a connection":      {fmt.Errorf("read: %w", driver.ErrBadConn), "UNAVAILABLE", "in a moment"},
		"a full disk":       {fmt.Errorf("read: %w", &pq.Error{Code: pqerror.DiskFull}), "UNAVAILABLE", "room"},
		"a constraint":      {fmt.Errorf("read: %w", &pq.Error{Code: pqerror.UniqueViolation}), "INTERNAL", "our side"},
		"cancelled":         {fmt.Errorf("read: %w", context.Canceled), "TIMEOUT", "longer"},
	} {
		got := graph.Present(t.Context(), c.err)
		if got.Extensions["code"] != c.code || !strings.Contains(got.Message, c.message) ||
			strings.Contains(got.Message, "10.0.0.1") {
			t.Errorf("%s: %s %v", name, got.Message, got.Extensions)
		}
	}
	own := &gqlerror.Error{Message: "Cannot query field", Extensions: map[string]any{"code": "GRAPHQL_VALIDATION_FAILED"}}
	shown := graph.Present(t.Context(), own)
	if shown.Message != own.Message || shown.Extensions["code"] != "GRAPHQL_VALIDATION_FAILED" {
		t.Errorf("the executor's own: %v", shown)
	}
	at := problem.New(problem.BadInput, "x").At("filter", "userId")
	if got := graph.Present(t.Context(), at); fmt.Sprint(got.Extensions["field"]) != "[filter userId]" {
		t.Errorf("field: %v", got.Extensions)
	}
}

func TestAnOutageIsLoggedOnceWithItsPathAndShownWithAnId(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		if _, err := e.store.SQL(e.ctx()).ExecContext(e.ctx(), "DROP TABLE usage_counters"); err != nil {
			t.Fatal(err)
		}
		i := e.newIntegration(e.ctx(), nil, "gmail")
		r := e.do("acme", `query($id: ID!) { provider(name: "gmail") { name }
			again: integration(id: $id) { stats { queriesTotal } } }`, map[string]any{"id": i.ID})
		if r.code() != "INTERNAL" || strings.Contains(r.body, "usage_counters") {
			t.Error(r.body)
		}
		requestID := fmt.Sprint(r.Errs[0].Extensions["requestId"])
		if n := strings.Count(e.log.String(), "usage_counters"); n != 1 || !strings.Contains(e.log.String(), requestID) {
			t.Errorf("%d lines: %s", n, e.log.String())
		}
		if r.at("provider", "name") != "gmail" || r.at("again") != nil {
			t.Errorf("the rest of the answer: %s", r.body)
		}
	})
}

func TestInputsOfTheWrongFormAreTheCallersFault(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		for name, c := range map[string]struct {
			document  string
			variables map[string]any
		}{
			"an int of 40 bits": {`query($n: Int) { users(first: $n) { totalCount } }`, map[string]any{"n": 1 << 40}},
			"no moment": {`query($f: AuditEventFilter) { auditEvents(filter: $f) { totalCount } }`,
				map[string]any{"f": map[string]any{"since": "yesterday"}}},
			"no object": {`mutation($m: JSONObject) { userCreate(input: {metadata: $m}) { user { id } } }`,
				map[string]any{"m": []int{1}}},
			"another kind": {`query($id: ID!) { user(id: $id) { id } }`,
				map[string]any{"id": "int_01h455vb4pex5vsknk084sn02q"}},
			"in a filter": {`query($f: AuditEventFilter) { auditEvents(filter: $f) { totalCount } }`,
				map[string]any{"f": map[string]any{"integrationId": "user_01h455vb4pex5vsknk084sn02q"}}},
			"in a nested filter": {`query($f: AuditEventFilter) { users { nodes { auditEvents(filter: $f) { totalCount } } } }`,
				map[string]any{"f": map[string]any{"userId": "x"}}},
		} {
			if name == "in a nested filter" {
				e.newUser(e.ctx(), "", nil)
			}
			r := e.do("acme", c.document, c.variables)
			if code := r.code(); code != "BAD_USER_INPUT" && code != "GRAPHQL_VALIDATION_FAILED" {
				t.Errorf("%s: %s", name, r.body)
			}
		}
		for _, text := range []string{"a\x00b", "\xff\xfe", "' OR 1=1 --", strings.Repeat("x", 10_000)} {
			r := e.must("acme", `query($x: String!) { userByExternalId(externalId: $x) { id }
				users(filter: {provider: $x}) { totalCount } integrations(filter: {providers: [$x]}) { totalCount }
				connectAttempt(state: $x) { status } }`, map[string]any{"x": text})
			if r.at("userByExternalId") != nil || r.at("users", "totalCount") != 0.0 ||
				r.at("integrations", "totalCount") != 0.0 {
				t.Errorf("%q: %s", text, r.body)
			}
		}
	})
}

func TestADocumentThatIsNoneIsRefusedAsWhatItIs(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		for document, code := range map[string]string{
			`{`:                        "GRAPHQL_PARSE_FAILED",
			`{ nobody }`:               "GRAPHQL_VALIDATION_FAILED",
			`mutation { userCreate }`:  "GRAPHQL_VALIDATION_FAILED",
			`query($x: Nobody) { id }`: "GRAPHQL_VALIDATION_FAILED",
		} {
			if r := e.do("acme", document, nil); len(r.Errs) == 0 || r.Errs[0].Extensions["code"] != code {
				t.Errorf("%s: %s", document, r.body)
			}
		}
	})
}

func TestPagesMultiplyTheCostOfADocument(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		for document, refused := range map[string]bool{
			`{ users(first: 100) { nodes { id externalId metadata createdAt } } }`: false,
			nestedDocument(20, 5, 3):      false,
			nestedDocument(100, 100, 100): true,
			`{ users(last: 100) { nodes { integrations(last: 100) { nodes { id } } } } }`: true,
		} {
			r := e.do("acme", document, nil)
			if got := len(r.Errs) > 0 && r.code() == "QUERY_TOO_COMPLEX"; got != refused {
				t.Errorf("%s: %s", document, r.body)
			}
		}
		for _, field := range []string{
			`integrationRefresh(input: {id: "int_01h455vb4pex5vsknk084sn02q"})`,
			`integrationInvoke(input: {integrationId: "int_01h455vb4pex5vsknk084sn02q", capability: "x"})`,
			`integrationCreate(input: {provider: "custom_api", name: "x", config: {openapi_url: "https://example.com/"}})`,
			`integrationUpdate(input: {id: "int_01h455vb4pex5vsknk084sn02q", config: {openapi_url: "https://example.com/"}})`,
		} {
			var calls strings.Builder
			for n := range 20 {
				fmt.Fprintf(&calls, "a%d: %s { userErrors { code } } ", n, field)
			}
			if r := e.do("acme", "mutation { "+calls.String()+"}", nil); r.code() != "QUERY_TOO_COMPLEX" {
				t.Errorf("twenty calls out: %s", r.body)
			}
		}
	})
}

func nestedDocument(users, integrations, events int) string {
	return fmt.Sprintf(`{ users(first: %d) { edges { node { id externalId metadata integrations(first: %d) { edges { node {
		id provider { name } status scopes lastUsedAt auditEvents(first: %d) { edges { node { eventType timestamp } } } } } } } } } }`,
		users, integrations, events)
}
