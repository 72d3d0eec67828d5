package store

import (
	"context"
	"database/sql/driver"
	"io"
	"reflect"
)

// rows gives its statement back when it is closed, and reports a cancellation as the context's error.
type rows struct {
	driver.Rows
	ctx  context.Context //nolint:containedctx // the statement's own
	conn *conn
	from *prepared // nil when unprepared
}

func newRows(ctx context.Context, c *conn, p *prepared, r driver.Rows) *rows {
	return &rows{Rows: r, ctx: ctx, conn: c, from: p}
}

// Next implements driver.Rows.
func (r *rows) Next(dest []driver.Value) error {
	err := r.Rows.Next(dest)
	if err == nil || err == io.EOF { //nolint:errorlint // the driver's contract is the plain value
		return err
	}
	return r.conn.failed(r.ctx, err)
}

// Close implements driver.Rows.
func (r *rows) Close() error {
	err := r.Rows.Close()
	if r.conn == nil {
		return err
	}
	if r.ctx.Err() != nil {
		r.conn.tainted = true
	}
	r.conn.open--
	if p := r.from; p != nil {
		p.busy = false
		if p.gone {
			_ = p.stmt.Close()
		}
	}
	r.conn = nil
	return err
}

// HasNextResultSet implements driver.RowsNextResultSet.
func (r *rows) HasNextResultSet() bool {
	next, ok := r.Rows.(driver.RowsNextResultSet)
	return ok && next.HasNextResultSet()
}

// NextResultSet implements driver.RowsNextResultSet.
func (r *rows) NextResultSet() error {
	if next, ok := r.Rows.(driver.RowsNextResultSet); ok {
		return next.NextResultSet()
	}
	return io.EOF
}

// ColumnTypeScanType implements driver.RowsColumnTypeScanType.
func (r *rows) ColumnTypeScanType(i int) reflect.Type {
	if typed, ok := r.Rows.(driver.RowsColumnTypeScanType); ok {
		return typed.ColumnTypeScanType(i)
	}
	return reflect.TypeFor[any]()
}

// ColumnTypeDatabaseTypeName implements driver.RowsColumnTypeDatabaseTypeName.
func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	if typed, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return typed.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}
