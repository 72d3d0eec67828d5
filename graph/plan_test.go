package graph_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
)

var placeholder = regexp.MustCompile(`\?(\d+)`)

// What belongs to many parents is found through each parent's own index: SQLite, left alone, would rather walk the whole
// company once for each parent.
func TestSQLiteFindsNestedRowsThroughTheirParents(t *testing.T) {
	t.Parallel()
	e := newEnv(t, storetest.Open(t, store.Options{URL: storetest.SQLite(t)}))
	e.world(2, 2, 2)
	r := e.must("acme", `{ users(first: 3) { nodes { stats { integrationsCount }
		auditEvents(first: 2) { nodes { id } totalCount }
		integrations(first: 3, filter: {enabled: true}) { totalCount nodes {
			stats { queriesTotal } personalityAccess { allowed } healthHistory(last: 2) { nodes { id } totalCount }
			auditEvents(first: 2) { nodes { id } totalCount } } } } } }`, nil)
	nested := 0
	for _, statement := range r.statements {
		if !strings.Contains(statement, " AS p ") {
			continue
		}
		nested++
		values := 0
		for _, m := range placeholder.FindAllStringSubmatch(statement, -1) {
			n, _ := strconv.Atoi(m[1])
			values = max(values, n)
		}
		args := make([]any, values)
		for i := range args {
			args[i] = "[]"
		}
		rows, err := e.store.SQL(e.ctx()).QueryContext(e.ctx(), "EXPLAIN QUERY PLAN "+statement, args...)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(step, "SCAN t") || strings.Contains(step, "(company_id=?)") {
				t.Errorf("%s\n%s", step, statement)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if nested < 9 {
		t.Errorf("only %d nested statements", nested)
	}
}
