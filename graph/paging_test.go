package graph_test

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"testing"

	"github.com/patchbay/patchbay/internal/id"
)

const usersPage = `query($first: Int, $after: String, $last: Int, $before: String, $dir: OrderDirection!) {
	users(first: $first, after: $after, last: $last, before: $before, orderBy: {field: CREATED_AT, direction: $dir}) {
		edges { cursor node { id } } nodes { id }
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }`

func TestEveryPageOfEveryListIsTheRightSlice(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		ids := e.world(7, 0, 0)
		e.newUser(e.ctxOf(e.newCompany("Other")), "other", nil)
		for _, dir := range []string{"ASC", "DESC"} {
			order := slices.Clone(ids)
			if dir == "DESC" {
				slices.Reverse(order)
			}
			cursors := map[string]string{}
			all := e.must("acme", usersPage, map[string]any{"first": 100, "dir": dir})
			for n, one := range all.texts("cursor", "users", "edges") {
				cursors[order[n]] = one
			}
			for size := 1; size <= 8; size++ {
				for _, forward := range []bool{true, false} {
					for after := -1; after < len(order); after++ {
						for before := after + 1; before <= len(order); before += 3 {
							checkPage(t, e, order, cursors, dir, size, forward, after, before)
						}
					}
				}
			}
		}
	})
}

// checkPage asks for one page between the things at two places, both excluded.
func checkPage(
	t *testing.T, e *env, order []string, cursors map[string]string, dir string, size int, forward bool, after, before int,
) {
	t.Helper()
	variables := map[string]any{"dir": dir, "last": size}
	between := order[after+1 : before]
	want := between[max(0, len(between)-size):]
	if forward {
		variables = map[string]any{"dir": dir, "first": size}
		want = between[:min(size, len(between))]
	}
	if after >= 0 {
		variables["after"] = cursors[order[after]]
	}
	if before < len(order) {
		variables["before"] = cursors[order[before]]
	}
	r := e.must("acme", usersPage, variables)
	what := fmt.Sprintf("%s size %d forward %v after %d before %d", dir, size, forward, after, before)
	same(t, what, r.texts("id", "users", "nodes"), want)
	if total := r.at("users", "totalCount"); total != float64(len(order)) {
		t.Errorf("%s: totalCount %v", what, total)
	}
	// An empty page stands where its cursors say.
	next, previous := before < len(order), after >= 0
	if len(want) > 0 {
		next = want[len(want)-1] != order[len(order)-1]
		previous = want[0] != order[0]
	}
	if got := r.at("users", "pageInfo", "hasNextPage"); got != next {
		t.Errorf("%s: hasNextPage %v", what, got)
	}
	if got := r.at("users", "pageInfo", "hasPreviousPage"); got != previous {
		t.Errorf("%s: hasPreviousPage %v", what, got)
	}
	start, end := r.at("users", "pageInfo", "startCursor"), r.at("users", "pageInfo", "endCursor")
	if len(want) == 0 && (start != nil || end != nil) {
		t.Errorf("%s: cursors on an empty page", what)
	}
	if len(want) > 0 && (start != cursors[want[0]] || end != cursors[want[len(want)-1]]) {
		t.Errorf("%s: cursors %v and %v", what, start, end)
	}
}

func TestAPageOutOfRangeIsAnErrorThatNamesItsArgument(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		ids := e.world(2, 1, 0)
		r := e.must("acme", `{ users { edges { cursor } } integrations { edges { cursor } nodes { id } } }`, nil)
		user, integration := r.texts("cursor", "users", "edges")[0], r.texts("cursor", "integrations", "edges")[0]
		integrationID := r.at("integrations", "nodes", 0, "id")
		raw := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
		for name, c := range map[string]struct {
			args  string
			field string
		}{
			"zero":                    {`first: 0`, "first"},
			"negative":                {`first: -1`, "first"},
			"more than a hundred":     {`last: 101`, "last"},
			"both":                    {`first: 1, last: 1`, "last"},
			"an empty cursor":         {`after: ""`, "after"},
			"not base64":              {`after: "%%%"`, "after"},
			"padding":                 {`after: "` + user + `="`, "after"},
			"another version":         {`after: "` + raw("2.user-."+ids[0]) + `"`, "after"},
			"another order":           {`before: "` + raw("1.user+."+ids[0]) + `"`, "before"},
			"another list":            {`before: "` + integration + `"`, "before"},
			"an id of another kind":   {`after: "` + raw("1.user-."+e.newID(id.Integration)) + `"`, "after"},
			"SQL":                     {`after: "` + raw("1.user-.user_' OR 1=1 --") + `"`, "after"},
			"a cursor of some length": {`after: "` + raw(string(make([]byte, 5000))) + `"`, "after"},
		} {
			r := e.do("acme", `{ users(`+c.args+`) { nodes { id } } }`, nil)
			if r.code() != "BAD_USER_INPUT" || fmt.Sprint(r.Errs[0].Extensions["field"]) != "["+c.field+"]" {
				t.Errorf("%s: %s", name, r.body)
			}
			nested := e.do("acme", `query($id: ID!) { integration(id: $id) { auditEvents(`+c.args+`) { nodes { id } } } }`,
				map[string]any{"id": integrationID})
			if nested.code() != "BAD_USER_INPUT" {
				t.Errorf("%s, nested: %s", name, nested.body)
			}
		}
	})
}

func TestNestedPagesKnowTheirNeighbours(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		users := e.world(1, 1, 5)
		document := `query($id: ID!, $after: String, $before: String, $last: Int) { user(id: $id) { integrations { nodes {
			auditEvents(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage hasPreviousPage endCursor } totalCount }
			back: auditEvents(last: $last, before: $before) { nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor } }
		} } } }`
		var forward, backward []string
		variables := map[string]any{"id": users[0], "last": 2}
		for turn := range 3 {
			r := e.must("acme", document, variables)
			at := []any{"user", "integrations", "nodes", 0, "auditEvents"}
			back := []any{"user", "integrations", "nodes", 0, "back"}
			forward = append(forward, r.texts("id", append(slices.Clone(at), "nodes")...)...)
			backward = append(r.texts("id", append(slices.Clone(back), "nodes")...), backward...)
			if got := r.at(append(slices.Clone(at), "pageInfo", "hasNextPage")...); got != (turn < 2) {
				t.Errorf("turn %d: hasNextPage %v", turn, got)
			}
			if got := r.at(append(slices.Clone(at), "pageInfo", "hasPreviousPage")...); got != (turn > 0) {
				t.Errorf("turn %d: hasPreviousPage %v", turn, got)
			}
			if got := r.at(append(slices.Clone(back), "pageInfo", "hasNextPage")...); got != (turn > 0) {
				t.Errorf("turn %d, backwards: hasNextPage %v", turn, got)
			}
			if got := r.at(append(slices.Clone(back), "pageInfo", "hasPreviousPage")...); got != (turn < 2) {
				t.Errorf("turn %d, backwards: hasPreviousPage %v", turn, got)
			}
			if got := r.at(append(slices.Clone(at), "totalCount")...); got != 5.0 {
				t.Errorf("totalCount %v", got)
			}
			variables["after"] = r.at(append(slices.Clone(at), "pageInfo", "endCursor")...)
			variables["before"] = r.at(append(slices.Clone(back), "pageInfo", "startCursor")...)
		}
		if len(forward) != 5 || !slices.Equal(forward, backward) {
			t.Errorf("forwards  %v\nbackwards %v", forward, backward)
		}
		if !slices.IsSortedFunc(forward, func(a, b string) int { return cmp.Compare(b, a) }) {
			t.Error("events are not newest first")
		}
	})
}

func TestTotalCountCostsAStatementOnlyWhenAsked(t *testing.T) {
	bothAtLeisure(t, func(t *testing.T, e *env) {
		e.world(3, 1, 1)
		for document, want := range map[string]int{
			`{ users { nodes { id } pageInfo { hasNextPage hasPreviousPage endCursor } } }`: 1,
			`{ users { totalCount } }`: 2,
			`{ users { nodes { integrations { nodes { id } pageInfo { hasNextPage } totalCount } } } }`: 3,
		} {
			if r := e.must("acme", document, nil); len(r.statements) != want {
				t.Errorf("%s: %d statements, want %d", document, len(r.statements), want)
			}
		}
	})
}
