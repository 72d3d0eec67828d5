package read

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

// Reader reads rows for the viewer in the context; without one every method fails. It is safe for concurrent use.
type Reader struct {
	Store     *store.Store
	Providers model.Providers
}

var errNoViewer = problem.New(problem.Unauthenticated, "This needs a credential.")

// begin returns an empty statement for the viewer of ctx.
func (r *Reader) begin(ctx context.Context) (*statement, error) {
	v, ok := viewer.From(ctx)
	if !ok || v.Company == "" {
		return nil, errNoViewer
	}
	return &statement{viewer: v, postgres: r.Store.Dialect() == store.Postgres}, nil
}

// each runs s and calls row for every row of the answer.
func (r *Reader) each(ctx context.Context, s *statement, row func(scan func(...any) error) error) (err error) {
	if s.nothing {
		return nil
	}
	rows, err := r.Store.SQL(ctx).QueryContext(ctx, s.text.String(), s.args...)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return fmt.Errorf("read a row: %w", err)
		}
	}
	return rows.Err()
}

// one runs s and returns the single value of its single row, or the zero value when there is no row.
func one[V any](ctx context.Context, r *Reader, s *statement) (V, error) {
	var v V
	err := r.each(ctx, s, func(scan func(...any) error) error { return scan(&v) })
	return v, err
}

var _ sql.Scanner = (*named)(nil)

// named reads the name of a provider and finds what it names.
type named struct {
	providers model.Providers
	into      **model.Provider
}

// Scan implements sql.Scanner.
func (n *named) Scan(src any) error {
	switch v := src.(type) {
	case string:
		*n.into = n.providers.Named(v)
	case []byte:
		*n.into = n.providers.Named(string(v))
	default:
		return fmt.Errorf("a provider's name cannot be read from %T", src)
	}
	return nil
}
