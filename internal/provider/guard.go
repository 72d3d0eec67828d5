package provider

import (
	"fmt"
	"strings"

	"github.com/itchyny/gojq"
)

// maxGrowth bounds how many times an expression may repeat its input in its output.
const maxGrowth = 100_000

// harmless are the jq functions that an expression may call: none of them makes much out of little or looks outside.
// Left out are range, repeat, while, until, limit, combinations, walk, setpath, clocks, input and the environment.
var harmless = setOf(`
	empty error not true false null length utf8bytelength keys has in inside contains add any all flatten min max
	min_by max_by sort sort_by group_by unique unique_by reverse first last map map_values to_entries from_entries
	with_entries select recurse path paths getpath del arrays objects iterables booleans numbers strings nulls values
	scalars type tonumber tostring toboolean ascii_downcase ascii_upcase ltrimstr rtrimstr trimstr trim ltrim rtrim
	startswith endswith split join explode implode index rindex indices test match capture scan splits sub gsub
	tojson fromjson floor ceil round sqrt abs fabs isempty isnan todate fromdate todateiso8601
	fromdateiso8601 strptime strftime mktime gmtime base64url to_base64url epoch html_text rfc5322
	fill fill_path at_path records IN`)

// guard refuses an expression that could use much memory or never end: the engine stops one after a time, but gigabytes
// are made sooner. It allows only harmless functions, multiplies only numbers, knows no loops and no definitions, and
// bounds how far an expression grows its input.
func guard(q *gojq.Query) error {
	g := &guardian{variables: map[string]float64{"$in": 1, "$headers": 1}}
	if growth := g.query(q); g.err == nil && growth > maxGrowth {
		g.refuse("the expression may repeat its input more than %d times", maxGrowth)
	}
	return g.err
}

// guardian walks an expression. Its methods return the growth of a part: how many times the part's output may be as
// large as its input. A pipe multiplies; whatever stands side by side adds; a constant counts as one.
type guardian struct {
	variables map[string]float64
	err       error
}

func (g *guardian) refuse(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
}

func (g *guardian) query(q *gojq.Query) float64 {
	switch {
	case q == nil:
		return 0
	case len(q.FuncDefs) > 0:
		g.refuse("def is not available in manifests")
	case q.Meta != nil || len(q.Imports) > 0:
		g.refuse("import and include are not available in manifests")
	case q.Term != nil:
		return g.term(q.Term)
	case len(q.Patterns) > 0: // source as $x | body
		source := g.query(q.Left)
		before := g.variables
		g.variables = make(map[string]float64, len(before)+1)
		for name, growth := range before {
			g.variables[name] = growth
		}
		for _, p := range q.Patterns {
			g.pattern(p, source)
		}
		body := g.query(q.Right)
		g.variables = before
		return body
	}
	left, right := g.query(q.Left), g.query(q.Right)
	switch q.Op {
	case gojq.OpPipe:
		return left * right
	case gojq.OpMul:
		if !numeric(q.Left) || !numeric(q.Right) {
			g.refuse("* multiplies only what is plainly a number, as in (.seconds | tonumber) * 1000")
		}
	case gojq.OpAssign, gojq.OpModify, gojq.OpUpdateAdd, gojq.OpUpdateSub, gojq.OpUpdateMul, gojq.OpUpdateDiv,
		gojq.OpUpdateMod, gojq.OpUpdateAlt:
		g.refuse("%s is not available in manifests: build a new object", q.Op)
	}
	return left + right
}

func (g *guardian) pattern(p *gojq.Pattern, growth float64) {
	if p == nil {
		return
	}
	if p.Name != "" {
		g.variables[p.Name] = growth
	}
	for _, one := range p.Array {
		g.pattern(one, growth)
	}
	for _, one := range p.Object {
		if strings.HasPrefix(one.Key, "$") {
			g.variables[one.Key] = growth
		}
		g.query(one.KeyQuery)
		g.pattern(one.Val, growth)
	}
}

func (g *guardian) term(t *gojq.Term) float64 {
	growth := g.base(t)
	for _, s := range t.SuffixList {
		g.index(s.Index)
	}
	return growth
}

func (g *guardian) base(t *gojq.Term) float64 {
	switch t.Type {
	case gojq.TermTypeIndex:
		g.index(t.Index)
	case gojq.TermTypeRecurse:
		return 2
	case gojq.TermTypeFunc:
		return g.function(t.Func)
	case gojq.TermTypeObject:
		return g.object(t.Object)
	case gojq.TermTypeArray:
		return max(1, g.query(t.Array.Query))
	case gojq.TermTypeUnary:
		return g.term(t.Unary.Term)
	case gojq.TermTypeFormat:
		return g.format(t)
	case gojq.TermTypeString:
		return g.text(t.Str)
	case gojq.TermTypeIf:
		return g.branches(t.If)
	case gojq.TermTypeTry:
		return g.query(t.Try.Body) + g.query(t.Try.Catch)
	case gojq.TermTypeReduce, gojq.TermTypeForeach, gojq.TermTypeLabel, gojq.TermTypeBreak:
		g.refuse("reduce, foreach and label are not available in manifests: use map, select, add or join")
	case gojq.TermTypeQuery:
		return g.query(t.Query)
	}
	return 1
}

func (g *guardian) index(i *gojq.Index) {
	if i == nil {
		return
	}
	g.text(i.Str)
	g.query(i.Start)
	g.query(i.End)
}

func (g *guardian) object(o *gojq.Object) float64 {
	var sum float64
	for _, kv := range o.KeyVals {
		if strings.HasPrefix(kv.Key, "$") {
			sum += g.variable(kv.Key)
		}
		sum += g.text(kv.KeyString) + g.query(kv.KeyQuery)
		if kv.Val != nil {
			sum += g.query(kv.Val)
		} else {
			sum++
		}
	}
	return max(1, sum)
}

// text is the growth of an interpolated string.
func (g *guardian) text(s *gojq.String) float64 {
	if s == nil {
		return 0
	}
	var sum float64
	for _, q := range s.Queries {
		sum += g.query(q)
	}
	return max(1, sum)
}

// format is the growth of @uri and its like: at most six characters come out for each that goes in.
func (g *guardian) format(t *gojq.Term) float64 {
	if t.Str == nil {
		return 6
	}
	return 6 * g.text(t.Str)
}

func (g *guardian) branches(i *gojq.If) float64 {
	g.query(i.Cond)
	largest := max(1, g.query(i.Then), g.query(i.Else))
	for _, e := range i.Elif {
		g.query(e.Cond)
		largest = max(largest, g.query(e.Then))
	}
	return largest
}

func (g *guardian) variable(name string) float64 {
	growth, ok := g.variables[name]
	if !ok {
		g.refuse("%s is not available in manifests", name)
	}
	return growth
}

func (g *guardian) function(f *gojq.Func) float64 {
	if strings.HasPrefix(f.Name, "$") {
		return g.variable(f.Name)
	}
	if !harmless[f.Name] {
		g.refuse("%s is not available in manifests", f.Name)
		return 1
	}
	switch f.Name {
	case "recurse":
		if len(f.Args) > 0 && !descends(f.Args[0]) || len(f.Args) > 1 {
			g.refuse("recurse takes only a path that descends, as in recurse(.parts[]?)")
		}
		return 2
	case "join", "sub", "gsub":
		return g.insertion(f)
	case "tojson", "tostring", "rfc5322":
		return 6
	case "to_base64url", "html_text":
		return 2
	}
	growth := 1.0
	for _, a := range f.Args {
		growth *= max(1, g.query(a))
	}
	return growth
}

// insertion is the growth of a function that puts text between or in place of parts of its input: the text must be
// constant, since it appears as often as there are parts.
func (g *guardian) insertion(f *gojq.Func) float64 {
	growth := 1.0
	for _, a := range f.Args {
		t := a.Term
		if t == nil || t.Type != gojq.TermTypeString || len(t.Str.Queries) > 0 || len(t.SuffixList) > 0 {
			g.refuse("%s takes only constant text", f.Name)
			return growth
		}
		growth = max(growth, float64(len(t.Str.Str)+1))
	}
	return growth
}

// descends reports whether a query is a path of at least one step down: .a, .[], .a[]?.
func descends(q *gojq.Query) bool {
	t := q.Term
	if t == nil || len(q.FuncDefs) > 0 {
		return false
	}
	for _, s := range t.SuffixList {
		if s.Index != nil && s.Index.Name == "" {
			return false
		}
	}
	switch t.Type {
	case gojq.TermTypeIdentity:
		for _, s := range t.SuffixList {
			if s.Iter || s.Index != nil {
				return true
			}
		}
		return false
	case gojq.TermTypeIndex:
		return t.Index.Name != ""
	}
	return false
}

// numeric reports whether a query plainly yields a number, so that multiplying it cannot repeat a string.
func numeric(q *gojq.Query) bool {
	switch {
	case q == nil || len(q.FuncDefs) > 0 || len(q.Patterns) > 0:
		return false
	case q.Term == nil:
		switch q.Op {
		case gojq.OpPipe:
			return numeric(q.Right)
		case gojq.OpSub, gojq.OpMul, gojq.OpDiv, gojq.OpMod, gojq.OpAdd:
			return numeric(q.Left) && numeric(q.Right)
		}
		return false
	case len(q.Term.SuffixList) > 0:
		return false
	}
	switch t := q.Term; t.Type {
	case gojq.TermTypeNumber:
		return true
	case gojq.TermTypeUnary:
		return numeric(&gojq.Query{Term: t.Unary.Term})
	case gojq.TermTypeQuery:
		return numeric(t.Query)
	case gojq.TermTypeFunc:
		switch t.Func.Name {
		case "tonumber", "length", "utf8bytelength", "floor", "ceil", "round", "sqrt", "fabs", "epoch", "mktime":
			return true
		}
	}
	return false
}

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}
