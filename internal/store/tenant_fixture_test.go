package store_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"entgo.io/ent"
	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"

	gen "github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/migrate"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

// entity is one table with the client of ent that reads and writes it, found by reflection: a new table joins the tests
// of this package by itself.
type entity struct {
	table  *schema.Table
	client string // its field of ent.Client
}

// entities returns every table, those that others refer to first.
func entities(t *testing.T, s *store.Store) []entity {
	t.Helper()
	byTable := map[string]string{}
	clients := reflect.TypeFor[gen.Client]()
	for i := range clients.NumField() {
		f := clients.Field(i)
		if !f.IsExported() || f.Name == "Schema" {
			continue
		}
		ctx, counter := store.CountStatements(viewer.System(t.Context()))
		e := entity{client: f.Name}
		if _, err := e.ids(ctx, s); err != nil {
			t.Fatalf("read %s: %v", f.Name, err)
		}
		byTable[tableOf(counter.Queries()[0])] = f.Name
	}
	var out []entity
	seen := map[*schema.Table]bool{}
	var add func(*schema.Table)
	add = func(table *schema.Table) {
		if seen[table] {
			return
		}
		seen[table] = true
		for _, key := range table.ForeignKeys {
			add(key.RefTable)
		}
		if byTable[table.Name] == "" {
			t.Fatalf("no client of ent reads the table %s", table.Name)
		}
		out = append(out, entity{table, byTable[table.Name]})
	}
	for _, first := range []string{"companies", "users", "integrations", "personalities"} {
		add(migrate.Tables[slices.IndexFunc(migrate.Tables, func(t *schema.Table) bool { return t.Name == first })])
	}
	for _, table := range migrate.Tables {
		add(table)
	}
	return out
}

func tableOf(query string) string {
	_, rest, _ := strings.Cut(strings.ReplaceAll(query, "`", `"`), ` FROM "`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

func (e entity) on(ctx context.Context, s *store.Store, method string, args ...any) reflect.Value {
	client := reflect.ValueOf(s.Client(ctx)).Elem().FieldByName(e.client)
	return call(client, method, args...)[0]
}

func call(on reflect.Value, method string, args ...any) []reflect.Value {
	in := make([]reflect.Value, len(args))
	for i, a := range args {
		in[i] = reflect.ValueOf(a)
	}
	return on.MethodByName(method).Call(in)
}

func failure(out []reflect.Value) error {
	err, _ := out[len(out)-1].Interface().(error)
	return err
}

func (e entity) ids(ctx context.Context, s *store.Store) ([]string, error) {
	out := call(e.on(ctx, s, "Query"), "IDs", ctx)
	return out[0].Interface().([]string), failure(out)
}

func (e entity) count(ctx context.Context, s *store.Store) (int, error) {
	out := call(e.on(ctx, s, "Query"), "Count", ctx)
	return out[0].Interface().(int), failure(out)
}

func (e entity) get(ctx context.Context, s *store.Store, id string) error {
	client := reflect.ValueOf(s.Client(ctx)).Elem().FieldByName(e.client)
	return failure(call(client, "Get", ctx, id))
}

// page reads one row at a time in the order of ids, as lists do.
func (e entity) page(ctx context.Context, s *store.Store) ([]string, error) {
	var seen []string
	for {
		query := e.on(ctx, s, "Query")
		out := call(call(call(query, "Offset", len(seen))[0], "Limit", 1)[0], "IDs", ctx)
		ids := out[0].Interface().([]string)
		if err := failure(out); err != nil || len(ids) == 0 {
			return seen, err
		}
		seen = append(seen, ids...)
	}
}

// create writes a row with values for whatever column needs one.
func (e entity) create(ctx context.Context, s *store.Store, id string, values map[string]any) error {
	builder := e.on(ctx, s, "Create")
	m := call(builder, "Mutation")[0].Interface().(ent.Mutation)
	m.(interface{ SetID(string) }).SetID(id)
	for _, c := range e.table.Columns {
		v, given := values[c.Name]
		switch {
		case c.Name == "id":
			continue
		case given:
		case c.Nullable || c.Default != nil || c.Type == field.TypeOther:
			continue
		default:
			v = example(c)
		}
		if err := m.SetField(c.Name, v); err != nil {
			return fmt.Errorf("%s.%s: %w", e.table.Name, c.Name, err)
		}
	}
	return failure(call(builder, "Exec", ctx))
}

// change updates one row, or all of them when id is empty, in a column that may change. It returns false when there is
// no such column.
func (e entity) change(ctx context.Context, s *store.Store, id string) (bool, error) {
	for _, c := range e.table.Columns {
		if c.Name == "id" || strings.HasSuffix(c.Name, "_id") || c.Type == field.TypeOther {
			continue
		}
		builder := e.on(ctx, s, "Update")
		if id != "" {
			builder = e.on(ctx, s, "UpdateOneID", id)
		}
		m := call(builder, "Mutation")[0].Interface().(ent.Mutation)
		if !mutable(builder, c.Name) {
			continue
		}
		if err := m.SetField(c.Name, example(c)); err != nil {
			return true, err
		}
		return true, failure(call(builder, "Exec", ctx))
	}
	return false, nil
}

func (e entity) remove(ctx context.Context, s *store.Store, id string) error {
	if id == "" {
		return failure(call(e.on(ctx, s, "Delete"), "Exec", ctx))
	}
	return failure(call(e.on(ctx, s, "DeleteOneID", id), "Exec", ctx))
}

func (e entity) has(column string) bool {
	return slices.ContainsFunc(e.table.Columns, func(c *schema.Column) bool { return c.Name == column })
}

// mutable reports whether ent lets the builder set the column.
func mutable(builder reflect.Value, column string) bool {
	for i := range builder.NumMethod() {
		if strings.EqualFold(builder.Type().Method(i).Name, "Set"+strings.ReplaceAll(column, "_", "")) {
			return true
		}
	}
	return false
}

var examples atomic.Int64

func example(c *schema.Column) any {
	n := examples.Add(1)
	switch c.Type {
	case field.TypeBool:
		return true
	case field.TypeInt:
		return int(n)
	case field.TypeInt64:
		return n
	case field.TypeTime:
		return noon
	case field.TypeBytes:
		return seal.Sealed("sealed")
	default:
		return "x" + strconv.FormatInt(n, 36)
	}
}
