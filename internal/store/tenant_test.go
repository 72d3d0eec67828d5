package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect/sql/schema"

	gen "github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/migrate"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

// What the tables alone do not say.
var (
	// sharedWithUsers names the tables without an owner and whether a user sees the company's rows.
	sharedWithUsers = map[string]bool{"api_keys": false, "companies": true, "company_sequences": true,
		"personalities": true, "provider_illnesses": true}
	appendOnly = []string{"audit_events", "health_changes"}
	// plain are references that outlive what they name, so that nothing checks them.
	plain = []string{"audit_events.user_id", "audit_events.integration_id", "audit_events.personality_id",
		"health_changes.user_id", "health_changes.integration_id", "credentials.user_id", "credentials.integration_id",
		"integrations.personality_id"}
	// uniqueElsewhere are looked up before the company is known.
	uniqueElsewhere = []string{"apikey_hash", "connectattempt_state_hash"}
	targets         = map[string]string{"user_id": "users", "integration_id": "integrations",
		"personality_id": "personalities"}
)

// row names the row of a table that belongs to an owner: "a" and "b" are companies, "a1" and "a2" users of the first.
func (e entity) row(owner string) string {
	if !e.has("company_id") {
		return "co_" + owner[:1]
	}
	return e.table.Name + "_" + owner
}

// owners returns whose rows the fixture makes in one company.
func (e entity) owners(company string) []string {
	switch {
	case e.table.Name == "users":
		return []string{company + "1", company + "2"}
	case e.has("user_id"), e.has("integration_id"):
		return []string{company, company + "1", company + "2"}
	default:
		return []string{company}
	}
}

// links returns the references of an owner's row.
func (e entity) links(owner string) map[string]any {
	values := map[string]any{}
	if e.has("company_id") {
		values["company_id"] = "co_" + owner[:1]
	}
	for column, table := range targets {
		switch {
		case !e.has(column), column == "user_id" && len(owner) == 1:
		case column == "personality_id":
			values[column] = table + "_" + owner[:1]
		default:
			values[column] = table + "_" + owner
		}
	}
	return values
}

func fill(t *testing.T, s *store.Store) []entity {
	t.Helper()
	ctx := viewer.System(t.Context())
	all := entities(t, s)
	for _, company := range []string{"a", "b"} {
		for _, e := range all {
			for _, owner := range e.owners(company) {
				if err := e.create(ctx, s, e.row(owner), e.links(owner)); err != nil {
					t.Fatalf("make a row of %s: %v", e.table.Name, err)
				}
			}
		}
	}
	return all
}

func companyB(ctx context.Context) context.Context {
	return viewer.With(ctx, viewer.Viewer{Company: "co_b", Scopes: viewer.Scopes})
}

func userA1(ctx context.Context) context.Context {
	return viewer.With(ctx, viewer.Viewer{Company: "co_a", User: "users_a1", Scopes: viewer.Scopes})
}

func TestACompanyNeverMeetsTheRowsOfAnother(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		all := fill(t, s)
		before := dump(t, s, all, "a")
		for _, e := range all {
			t.Run(e.table.Name, func(t *testing.T) { tryAll(t, companyB(t.Context()), s, e, e.rows("b"), e.rows("a")) })
		}
		for _, e := range all {
			for _, column := range e.references() {
				t.Run("link "+e.table.Name+"."+column, func(t *testing.T) { tryLink(t, s, e, column) })
			}
		}
		if after := dump(t, s, all, "a"); after != before {
			t.Errorf("company A's rows were\n%s\nand are\n%s", before, after)
		}
	})
}

func TestAUserMeetsOnlyTheirOwnRows(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		for _, e := range slices.Backward(fill(t, s)) { // those that others refer to last
			t.Run(e.table.Name, func(t *testing.T) {
				var own, foreign []string
				switch shared, unowned := sharedWithUsers[e.table.Name]; {
				case len(e.owners("a")) > 1:
					own, foreign = []string{e.row("a1")}, []string{e.row("a2"), e.row("b1")}
				case !unowned:
					t.Fatalf("say in sharedWithUsers whether a user may see %s", e.table.Name)
				case shared:
					own, foreign = []string{e.row("a")}, []string{e.row("b")}
				default:
					foreign = []string{e.row("a"), e.row("b")}
				}
				tryAll(t, userA1(t.Context()), s, e, own, foreign)
			})
		}
	})
}

// rows returns the ids of one company's rows, in order.
func (e entity) rows(company string) []string {
	var ids []string
	for _, owner := range e.owners(company) {
		ids = append(ids, e.row(owner))
	}
	return ids
}

// tryAll checks that a viewer sees exactly its own rows, and neither changes nor deletes a foreign one.
func tryAll(t *testing.T, ctx context.Context, s *store.Store, e entity, own, foreign []string) {
	t.Helper()
	ids, err := e.ids(ctx, s)
	slices.Sort(ids)
	if err != nil || !slices.Equal(ids, own) {
		t.Errorf("sees %v (%v), want %v", ids, err, own)
	}
	if ids, err := e.page(ctx, s); err != nil || len(ids) != len(own) {
		t.Errorf("pages through %v (%v), want %v", ids, err, own)
	}
	if n, err := e.count(ctx, s); err != nil || n != len(own) {
		t.Errorf("counts %d (%v), want %d", n, err, len(own))
	}
	for _, id := range foreign {
		if err := e.get(ctx, s, id); !gen.IsNotFound(err) {
			t.Errorf("get %s: %v", id, err)
		}
		if possible, err := e.change(ctx, s, id); possible && !gen.IsNotFound(err) {
			t.Errorf("change %s: %v", id, err)
		}
		if err := e.remove(ctx, s, id); !gen.IsNotFound(err) && !slices.Contains(appendOnly, e.table.Name) || err == nil {
			t.Errorf("delete %s: %v", id, err)
		}
	}
	left := e.rawCount(t, t.Context(), s)
	if slices.Contains(appendOnly, e.table.Name) {
		if err := e.remove(ctx, s, ""); err == nil || e.rawCount(t, t.Context(), s) != left {
			t.Errorf("deleted rows that are only appended: %v", err)
		}
		return
	}
	if _, err := e.change(ctx, s, ""); err != nil {
		t.Errorf("change all that can be seen: %v", err)
	}
	err = s.InTx(ctx, func(ctx context.Context) error {
		if err := e.remove(ctx, s, ""); err != nil {
			return err
		}
		if gone := left - e.rawCount(t, ctx, s); gone != len(own) {
			t.Errorf("deleting all that can be seen took %d rows, want %d", gone, len(own))
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Errorf("delete all that can be seen: %v", err)
	}
}

var errUndo = errors.New("undo")

// rawCount counts a table's rows without any policy.
func (e entity) rawCount(t *testing.T, ctx context.Context, s *store.Store) int {
	t.Helper()
	return int(number(t, ctx, s, `select count(*) from "`+e.table.Name+`"`))
}

func tryLink(t *testing.T, s *store.Store, e entity, column string) {
	t.Helper()
	values := e.links("b1")
	values[column] = map[string]string{"users": "users_a1", "integrations": "integrations_a1",
		"personalities": "personalities_a"}[targets[column]]
	if err := e.create(companyB(t.Context()), s, "linked", values); !problem.Is(err, problem.NotFound) {
		t.Errorf("a row of company B is linked to %s of company A: %v", values[column], err)
	}
	values = e.links("b1")
	values["company_id"] = "co_a"
	if err := e.create(companyB(t.Context()), s, "planted", values); !problem.Is(err, problem.NotFound) {
		t.Errorf("company B makes a row for company A: %v", err)
	}
}

// references returns the columns that lead to a row of a known table and must not lead to a foreign one.
func (e entity) references() []string {
	var out []string
	for _, column := range slices.Sorted(maps.Keys(targets)) {
		if e.has(column) && !slices.Contains(plain, e.table.Name+"."+column) {
			out = append(out, column)
		}
	}
	return out
}

func TestEveryForeignKeyIsChecked(t *testing.T) {
	t.Parallel()
	for _, table := range migrate.Tables {
		e := entity{table: table}
		for _, key := range table.ForeignKeys {
			if column := key.Columns[0].Name; !slices.Contains(e.references(), column) {
				t.Errorf("%s.%s has a foreign key, but no test links it to another company's row", table.Name, column)
			}
		}
	}
}

func TestNothingIsDoneWithoutAViewer(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for _, e := range fill(t, s) {
			_, reads := e.ids(ctx, s)
			_, counts := e.count(ctx, s)
			possible, changes := e.change(ctx, s, e.row("a1"))
			for what, err := range map[string]error{"read": reads, "count": counts, "get": e.get(ctx, s, e.row("a1")),
				"create": e.create(ctx, s, "new", e.links("a1")), "delete": e.remove(ctx, s, e.row("a1")),
				"delete all": e.remove(ctx, s, "")} {
				if err == nil || gen.IsNotFound(err) || !strings.Contains(err.Error(), "no viewer") {
					t.Errorf("%s %s: %v", what, e.table.Name, err)
				}
			}
			if possible && (changes == nil || !strings.Contains(changes.Error(), "no viewer")) {
				t.Errorf("change %s: %v", e.table.Name, changes)
			}
			// A viewer without a company that is not the system sees nothing, however it came about.
			if ids, err := e.ids(viewer.With(ctx, viewer.Viewer{Scopes: viewer.Scopes}), s); err != nil || len(ids) > 0 {
				t.Errorf("a viewer of no company sees %v (%v)", ids, err)
			}
		}
	})
}

func TestWhatIsOnlyAppendedNeverChanges(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		all := fill(t, s)
		for _, name := range appendOnly {
			e := all[slices.IndexFunc(all, func(e entity) bool { return e.table.Name == name })]
			for _, c := range e.table.Columns {
				if mutable(e.on(t.Context(), s, "UpdateOneID", e.row("a")), c.Name) {
					t.Errorf("%s.%s has a setter", name, c.Name)
				}
			}
			for _, ctx := range []context.Context{companyB(t.Context()), userA1(t.Context()), viewer.System(t.Context())} {
				if err := failure(call(e.on(ctx, s, "Update"), "Exec", ctx)); err == nil {
					t.Errorf("an update of %s was let through", name)
				}
			}
			if err := e.remove(viewer.System(t.Context()), s, e.row("a")); err != nil {
				t.Errorf("the system cannot prune %s: %v", name, err)
			}
		}
	})
}

func TestEveryUniqueIndexBeginsWithTheCompany(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, table, index, first string) {
		if first != "company_id" && !slices.Contains(uniqueElsewhere, index) {
			t.Errorf("%s: the unique index %s begins with %s: an upsert could change another company's row", table, index, first)
		}
	}
	for _, table := range migrate.Tables {
		for _, index := range table.Indexes {
			if index.Unique {
				check(t, table.Name, index.Name, index.Columns[0].Name)
			}
		}
		for _, c := range table.Columns {
			if c.Unique && !slices.ContainsFunc(table.PrimaryKey, func(k *schema.Column) bool { return k == c }) {
				check(t, table.Name, c.Name, c.Name)
			}
		}
	}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		query := `select m.name, l.name, i.name from sqlite_schema m, pragma_index_list(m.name) l, pragma_index_info(l.name) i
			where m.type = 'table' and l."unique" = 1 and l.origin <> 'pk' and i.seqno = 0 and m.name <> 'goose_db_version'`
		if s.Dialect() == store.Postgres {
			query = `select t.relname, i.relname, a.attname from pg_index x join pg_class t on t.oid = x.indrelid
				join pg_class i on i.oid = x.indexrelid join pg_attribute a on a.attrelid = t.oid and a.attnum = x.indkey[0]
				where x.indisunique and not x.indisprimary and t.relnamespace = 'public'::regnamespace
				and t.relname <> 'goose_db_version'`
		}
		rows, err := s.SQL(t.Context()).QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		found := 0
		for rows.Next() {
			var table, index, first string
			if err := rows.Scan(&table, &index, &first); err != nil {
				t.Fatal(err)
			}
			check(t, table, index, first)
			found++
		}
		if rows.Err() != nil || found < len(uniqueElsewhere) {
			t.Fatalf("%d unique indexes, %v", found, rows.Err())
		}
	})
}

// dump returns every row of one company as the database holds it, past every policy.
func dump(t *testing.T, s *store.Store, all []entity, company string) string {
	t.Helper()
	var b strings.Builder
	for _, e := range all {
		column := "company_id"
		if !e.has(column) {
			column = "id"
		}
		rows, err := s.SQL(t.Context()).QueryContext(t.Context(),
			`select * from "`+e.table.Name+`" where `+column+` = $1 order by id`, "co_"+company)
		if err != nil {
			t.Fatal(err)
		}
		names, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, into := make([]any, len(names)), make([]any, len(names))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&b, e.table.Name, values)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func number(t *testing.T, ctx context.Context, s *store.Store, query string, args ...any) (n int64) {
	t.Helper()
	rows, err := s.SQL(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if rows.Next() {
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	return n
}
