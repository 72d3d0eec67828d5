package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/patchbay/patchbay/internal/problem"
)

var testSchema = gqlparser.MustLoadSchema(&ast.Source{Input: `
	type Query {
		hello(name: String): String!
		blob: Blob
		wait: String
		hang: String
		refuse: String
		fail: String
		panic: String
		user: User!
		users(first: Int, color: Color): [User!]!
	}
	enum Color { RED GREEN }
	scalar Blob
	type User { id: ID! friend: User! friends(first: Int): [User!]! }
	type Mutation { rename(name: String!): String! }
	type Subscription { ticks: Int! flood: String! denied: Int! panics: Int! }
`})

// world is a small executable schema with the signals that tests wait for.
type world struct {
	ticks   chan int      // what the subscription "ticks" gives; closing it completes the subscription
	started chan string   // the name of each field that blocks, once it does
	ended   chan string   // the same when it no longer does
	release chan struct{} // lets "wait" answer
	ran     func()        // called for each operation that runs
}

func newWorld() *world {
	return &world{
		ticks: make(chan int), started: make(chan string, 100), ended: make(chan string, 100),
		release: make(chan struct{}), ran: func() {},
	}
}

func (*world) Schema() *ast.Schema { return testSchema }

func (*world) Complexity(_ context.Context, _, field string, child int, args map[string]any) (int, bool) {
	if field != "users" && field != "friends" {
		return 0, false
	}
	first := int64(20)
	if n, ok := args["first"].(int64); ok {
		first = n
	}
	return 1 + int(first)*child, true
}

func (w *world) Exec(ctx context.Context) graphql.ResponseHandler {
	w.ran()
	op := graphql.GetOperationContext(ctx)
	if op.Operation.Operation == ast.Subscription {
		return w.subscribe(ctx, op)
	}
	var done bool
	return func(ctx context.Context) *graphql.Response {
		if done {
			return nil
		}
		done = true
		root := map[ast.Operation]string{ast.Query: "Query", ast.Mutation: "Mutation"}[op.Operation.Operation]
		return &graphql.Response{Data: w.object(ctx, op, root, op.Operation.SelectionSet)}
	}
}

func (w *world) subscribe(ctx context.Context, op *graphql.OperationContext) graphql.ResponseHandler {
	field := graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Subscription"})[0]
	switch field.Name {
	case "denied":
		graphql.AddError(ctx, problem.New(problem.Forbidden, "This credential may not listen."))
		return nil
	case "panics":
		return func(context.Context) *graphql.Response { panic("a broken stream") }
	case "flood":
		w.started <- field.Name
		context.AfterFunc(ctx, func() { w.ended <- field.Name })
		answer := []byte(`{"flood":"` + strings.Repeat("x", 64<<10) + `"}`)
		return func(context.Context) *graphql.Response { return &graphql.Response{Data: answer} }
	}
	var first sync.Once
	return func(ctx context.Context) *graphql.Response {
		first.Do(func() { w.started <- field.Name }) // not before: the executor does not call for a caller who has gone
		select {
		case n, ok := <-w.ticks:
			if ok {
				return &graphql.Response{Data: []byte("{\"ticks\":\n" + strconv.Itoa(n) + "}")}
			}
		case <-ctx.Done():
		}
		w.ended <- field.Name
		return nil
	}
}

func (w *world) object(ctx context.Context, op *graphql.OperationContext, on string, set ast.SelectionSet) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range graphql.CollectFields(op, set, []string{on}) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(f.Alias) + ":")
		b.Write(w.field(ctx, op, on, f))
	}
	b.WriteByte('}')
	return b.Bytes()
}

func (w *world) field(ctx context.Context, op *graphql.OperationContext, on string, f graphql.CollectedField) []byte {
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: on, Field: f})
	args := f.ArgumentMap(op.Variables)
	value, err := func() (_ any, err error) {
		defer func() {
			if cause := recover(); cause != nil {
				err = op.RecoverFunc(ctx, cause)
			}
		}()
		return w.value(ctx, op, on, f.Name, args)
	}()
	if err != nil {
		graphql.AddError(ctx, err)
		return []byte("null")
	}
	switch value := value.(type) {
	case selection:
		return w.object(ctx, op, string(value), f.Selections)
	case []selection:
		var items [][]byte
		for _, item := range value {
			items = append(items, w.object(ctx, op, string(item), f.Selections))
		}
		return append(append([]byte{'['}, bytes.Join(items, []byte{','})...), ']')
	case json.RawMessage:
		return value
	}
	b, _ := json.Marshal(value)
	return b
}

// selection is an object of the named type.
type selection string

func (w *world) value(ctx context.Context, op *graphql.OperationContext, on, name string, args map[string]any) (any, error) {
	switch name {
	case "__typename":
		return on, nil
	case "__type", "__schema":
		if op.DisableIntrospection {
			return nil, problem.New(problem.Forbidden, "introspection disabled")
		}
		if def := testSchema.Types[args["name"].(string)]; def != nil {
			return selection(def.Name), nil
		}
		return nil, nil
	case "name":
		return on, nil
	case "hello":
		if name, ok := args["name"].(string); ok {
			return "Hello, " + name, nil
		}
		return "Hello", nil
	case "blob":
		return json.RawMessage(`{"é":[1,2, 3]}` + "\n"), nil
	case "wait":
		w.started <- name
		<-w.release
		return "waited", nil
	case "hang":
		w.started <- name
		<-ctx.Done()
		w.ended <- name
		return nil, ctx.Err()
	case "refuse":
		return nil, problem.New(problem.Forbidden, "This credential may not do that.")
	case "fail":
		return nil, errors.New("dial tcp 10.0.0.7:5432: password pb_database refused")
	case "panic":
		panic("a broken resolver")
	case "rename":
		return args["name"], nil
	case "id":
		return "user_1", nil
	case "user", "friend":
		return selection("User"), nil
	case "users", "friends":
		return []selection{"User", "User"}, nil
	}
	return nil, errors.New("no such field: " + name)
}
