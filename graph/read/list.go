package read

import (
	"context"

	"github.com/patchbay/patchbay/graph/page"
)

// List is a set of rows that pages by id: of the whole company or, with a link, of each of many parents.
type List[T any] struct {
	table  *table[T]
	reader *Reader
	link   string           // the column that names the parent; empty for a root list
	where  func(*statement) // writes what the filter asks for, each condition with AND before it; nil for none
}

func (l *List[T]) conditions(s *statement) {
	s.within(l.table.scope)
	if l.where != nil {
		l.where(s)
	}
}

// Page reads one page of a root list, and one row more if there is one.
func (l *List[T]) Page(ctx context.Context, q page.Request, fields Fields) ([]*T, error) {
	s, err := l.reader.begin(ctx)
	if err != nil {
		return nil, err
	}
	columns := l.table.needed(fields)
	s.add("SELECT ")
	names(s, columns)
	s.add(" FROM " + l.table.name + " AS t")
	l.conditions(s)
	s.bounds(q)
	return l.table.rows(ctx, l.reader, s, columns)
}

// Pages reads the page that q asks for of each parent's list, and of each one row more if there is one. The answer has
// the order of parents; the rows of one parent have none. It is one statement.
func (l *List[T]) Pages(ctx context.Context, parents []string, q page.Request, fields Fields) ([][]*T, error) {
	out := make([][]*T, len(parents))
	if len(parents) == 0 {
		return out, nil
	}
	s, err := l.reader.begin(ctx)
	if err != nil {
		return nil, err
	}
	columns := l.table.needed(fields)
	s.add("SELECT p.n, ")
	names(s, columns)
	s.add(" FROM ")
	s.parents(parents)
	if s.postgres {
		s.add(" CROSS JOIN LATERAL (SELECT ")
		names(s, columns)
	} else {
		s.add(" CROSS JOIN " + l.table.name + " AS t ON t.id IN (SELECT t.id")
	}
	s.add(" FROM " + l.table.name + " AS t")
	l.conditions(s)
	s.add(" AND t." + l.link + " = p.id")
	s.bounds(q)
	s.add(")")
	if s.postgres {
		s.add(" AS t")
	}
	sc := scanner[T]{reader: l.reader, columns: columns}
	var n int
	err = l.reader.each(ctx, s, func(scan func(...any) error) error {
		row, err := sc.scan(scan, &n)
		if err == nil {
			out[n] = append(out[n], row)
		}
		return err
	})
	return out, err
}

// Count counts a root list.
func (l *List[T]) Count(ctx context.Context) (int, error) {
	s, err := l.reader.begin(ctx)
	if err != nil {
		return 0, err
	}
	s.add("SELECT count(*) FROM " + l.table.name + " AS t")
	l.conditions(s)
	return one[int](ctx, l.reader, s)
}

// Counts counts each parent's list, in the order of parents. It is one statement.
func (l *List[T]) Counts(ctx context.Context, parents []string) ([]int, error) {
	out := make([]int, len(parents))
	s, err := l.reader.begin(ctx)
	if err != nil {
		return nil, err
	}
	s.add("SELECT p.n, count(*) FROM ")
	s.parents(parents)
	s.add(" CROSS JOIN " + l.table.name + " AS t") // in this order, for SQLite
	l.conditions(s)
	s.add(" AND t." + l.link + " = p.id GROUP BY p.n")
	err = l.reader.each(ctx, s, func(scan func(...any) error) error {
		var n, count int
		err := scan(&n, &count)
		if err == nil {
			out[n] = count
		}
		return err
	})
	return out, err
}

// Reach reports whether a root list has an id of at least from, looking upwards, or of at most from.
func (l *List[T]) Reach(ctx context.Context, from string, upwards bool) (bool, error) {
	s, err := l.reader.begin(ctx)
	if err != nil {
		return false, err
	}
	s.add("SELECT EXISTS (SELECT 1 FROM " + l.table.name + " AS t")
	l.conditions(s)
	s.reach(from, upwards)
	s.add(")")
	return one[bool](ctx, l.reader, s)
}

// Reaches is Reach for each parent's list, in the order of parents. It is one statement.
func (l *List[T]) Reaches(ctx context.Context, parents []string, from string, upwards bool) ([]bool, error) {
	out := make([]bool, len(parents))
	s, err := l.reader.begin(ctx)
	if err != nil {
		return nil, err
	}
	s.add("SELECT p.n FROM ")
	s.parents(parents)
	s.add(" WHERE EXISTS (SELECT 1 FROM " + l.table.name + " AS t")
	l.conditions(s)
	s.add(" AND t." + l.link + " = p.id")
	s.reach(from, upwards)
	s.add(")")
	err = l.reader.each(ctx, s, func(scan func(...any) error) error {
		var n int
		err := scan(&n)
		if err == nil {
			out[n] = true
		}
		return err
	})
	return out, err
}

func (s *statement) reach(from string, upwards bool) {
	if upwards {
		s.add(" AND t.id >= ?", from)
		return
	}
	s.add(" AND t.id <= ?", from)
}
