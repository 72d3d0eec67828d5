package read

import (
	"context"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/graph/page"
)

// Fields are the names of the GraphQL fields that are selected of a type. Nil stands for all of them.
type Fields []string

// table says how one type's rows are stored and which columns its fields need.
type table[T any] struct {
	name    string
	scope   scope
	columns []stored[T]
}

// stored is one column of a table.
type stored[T any] struct {
	name string
	// fields are the GraphQL fields that need it; none for a column that is always read.
	fields []string
	into   func(*Reader, *T) any
}

// needed returns the columns that the fields need. A field that no column names is computed from others, or belongs to
// what is always read.
func (t *table[T]) needed(fields Fields) []stored[T] {
	if fields == nil {
		return t.columns
	}
	out := make([]stored[T], 0, len(t.columns))
	for _, c := range t.columns {
		if len(c.fields) == 0 || slices.ContainsFunc(c.fields, func(f string) bool { return slices.Contains(fields, f) }) {
			out = append(out, c)
		}
	}
	return out
}

// names writes the columns with the alias that they are read from.
func names[T any](s *statement, columns []stored[T]) {
	for i, c := range columns {
		if i > 0 {
			s.text.WriteString(", ")
		}
		s.text.WriteString("t.")
		s.text.WriteString(c.name)
	}
}

// scanner reads rows into fresh values, many at a time in one piece of memory.
type scanner[T any] struct {
	reader  *Reader
	columns []stored[T]
	dest    []any
	slab    []T
}

const slab = 32

// scan reads the next row: lead first, then the columns.
func (s *scanner[T]) scan(scan func(...any) error, lead ...any) (*T, error) {
	if len(s.slab) == 0 {
		s.slab = make([]T, slab)
	}
	row := &s.slab[0]
	s.slab = s.slab[1:]
	s.dest = append(s.dest[:0], lead...)
	for i := range s.columns {
		s.dest = append(s.dest, s.columns[i].into(s.reader, row))
	}
	return row, scan(s.dest...)
}

// byID reads the rows with these ids, in no order; an id that may not be seen has none.
func (t *table[T]) byID(ctx context.Context, r *Reader, ids []string, fields Fields) ([]*T, error) {
	s, err := r.begin(ctx)
	if err != nil {
		return nil, err
	}
	columns := t.needed(fields)
	s.add("SELECT ")
	names(s, columns)
	s.add(" FROM " + t.name + " AS t")
	s.within(t.scope)
	s.add(" AND t.id")
	s.in(ids)
	return t.rows(ctx, r, s, columns)
}

func (t *table[T]) rows(ctx context.Context, r *Reader, s *statement, columns []stored[T]) ([]*T, error) {
	var out []*T
	sc := scanner[T]{reader: r, columns: columns}
	err := r.each(ctx, s, func(scan func(...any) error) error {
		row, err := sc.scan(scan)
		out = append(out, row)
		return err
	})
	return out, err
}

// bounds writes between which ids a page lies, in what order it is read, and one row more than it shows.
func (s *statement) bounds(q page.Request) {
	above, below := q.Bounds()
	if above != "" {
		s.add(" AND t.id > ?", above)
	}
	if below != "" {
		s.add(" AND t.id < ?", below)
	}
	direction := " DESC"
	if q.Ascending() {
		direction = " ASC"
	}
	s.add(" ORDER BY t.id"+direction+" LIMIT ?", q.Size+1)
}

// fieldsOf splits the names of fields.
func fieldsOf(names string) []string { return strings.Fields(names) }
