package store

import (
	"context"
	"database/sql/driver"
	"io"
	"reflect"
)

// reading is the rows of a statement that is not over until they are closed.
type reading struct {
	driver.Rows
	ctx  context.Context //nolint:containedctx // the statement's own
	stop func() bool
	conn *conn     // nil once closed
	from *prepared // nil when unprepared
}

// Next implements driver.Rows.
func (r *reading) Next(dest []driver.Value) error {
	err := r.Rows.Next(dest)
	if err == nil || err == io.EOF { //nolint:errorlint // the driver's contract is the plain value
		return err
	}
	return interrupted(r.ctx, err)
}

// Close implements driver.Rows.
func (r *reading) Close() error {
	err := r.Rows.Close()
	if r.conn == nil {
		return err
	}
	r.conn.open--
	if p := r.from; p != nil {
		p.busy = false
		if p.gone {
			_ = p.stmt.Close()
		}
	}
	err = r.conn.ended(r.ctx, r.stop, err)
	r.conn = nil
	return err
}

// HasNextResultSet implements driver.RowsNextResultSet.
func (r *reading) HasNextResultSet() bool {
	next, ok := r.Rows.(driver.RowsNextResultSet)
	return ok && next.HasNextResultSet()
}

// NextResultSet implements driver.RowsNextResultSet.
func (r *reading) NextResultSet() error {
	if next, ok := r.Rows.(driver.RowsNextResultSet); ok {
		return next.NextResultSet()
	}
	return io.EOF
}

// ColumnTypeScanType implements driver.RowsColumnTypeScanType.
func (r *reading) ColumnTypeScanType(i int) reflect.Type {
	if typed, ok := r.Rows.(driver.RowsColumnTypeScanType); ok {
		return typed.ColumnTypeScanType(i)
	}
	return reflect.TypeFor[any]()
}

// ColumnTypeDatabaseTypeName implements driver.RowsColumnTypeDatabaseTypeName.
func (r *reading) ColumnTypeDatabaseTypeName(i int) string {
	if typed, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return typed.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}
