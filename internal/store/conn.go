package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// connector stands between database/sql and a driver: it counts statements, keeps them prepared, and reports a
// cancelled statement as the context's error.
type connector struct {
	driver.Connector
	cache  int  // statements that one connection keeps prepared; 0 for none
	remote bool // PostgreSQL: a connection crosses a network and takes one statement at a time
}

// base is what both drivers' connections can do.
type base interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	out := &conn{kept: newKept(c.cache)}
	if c.remote {
		out.wire = &wire{}
		ctx = context.WithValue(ctx, wireKey{}, out.wire)
	}
	stop := out.wire.watch(ctx, 0)
	inner, err := c.Connector.Connect(ctx)
	if !stop() { // lib/pq looks at the context before it has a connection, not while it signs in
		if err == nil {
			_ = inner.Close()
		}
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	b, ok := inner.(base)
	if !ok {
		return nil, errors.Join(fmt.Errorf("store: a %T lacks a method that every connection needs", inner), inner.Close())
	}
	out.base = b
	return out, nil
}

// conn is one connection. database/sql uses it from one goroutine at a time.
type conn struct {
	base
	kept    *kept
	wire    *wire // nil for SQLite
	open    int   // rows that are being read
	tainted bool  // a cancellation was sent, which may hit the next statement
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	count(ctx, query)
	stop := c.wire.watch(ctx, grace)
	p, err := c.prepared(ctx, query, args)
	if err != nil {
		return nil, c.ended(ctx, stop, err)
	}
	var rows driver.Rows
	if p != nil {
		rows, err = p.stmt.QueryContext(ctx, args)
	}
	if p == nil || c.outdated(p, err) {
		if again, e := c.base.QueryContext(ctx, query, args); e == nil || err == nil {
			rows, err, p = again, e, nil
		}
	}
	if err != nil {
		return nil, c.ended(ctx, stop, err)
	}
	c.open++
	if p != nil {
		p.busy = true
	}
	return &reading{Rows: rows, ctx: ctx, stop: stop, conn: c, from: p}, nil
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	count(ctx, query)
	stop := c.wire.watch(ctx, grace)
	p, err := c.prepared(ctx, query, args)
	if err != nil {
		return nil, c.ended(ctx, stop, err)
	}
	var result driver.Result
	if p != nil {
		result, err = p.stmt.ExecContext(ctx, args)
	}
	if p == nil || c.outdated(p, err) {
		if again, e := c.base.ExecContext(ctx, query, args); e == nil || err == nil {
			result, err = again, e
		}
	}
	if err := c.ended(ctx, stop, err); err != nil {
		return nil, err
	}
	return result, nil
}

// errReading is the fault of whoever reads rows inside a transaction and meanwhile runs another statement in it, which
// lib/pq notices for unprepared statements only.
var errReading = errors.New("store: a statement cannot run while rows of the same transaction are being read")

// prepared returns the kept statement of a query, or nil when it is to run by itself: several statements in one text
// carry no arguments, and one whose rows are being read cannot start again.
func (c *conn) prepared(ctx context.Context, query string, args []driver.NamedValue) (*prepared, error) {
	if c.wire != nil && c.open > 0 {
		return nil, errReading
	}
	if c.kept == nil || len(args) == 0 {
		return nil, nil //nolint:nilnil // nil means unprepared
	}
	if p := c.kept.get(query); p != nil {
		if p.busy {
			return nil, nil //nolint:nilnil // the same
		}
		return p, nil
	}
	stmt, err := c.base.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return c.kept.add(query, stmt)
}

// outdated drops a statement that the server has forgotten, or whose result has changed with the schema, and reports
// that it may run again unprepared: both are refused before anything is done.
func (c *conn) outdated(p *prepared, err error) bool {
	e, ok := errors.AsType[*pq.Error](err)
	if !ok || e.Code != pqerror.FeatureNotSupported && e.Code != pqerror.InvalidSQLStatementName {
		return false
	}
	c.kept.drop(p)
	return true
}

// ended ends the watch over a statement and returns its error.
func (c *conn) ended(ctx context.Context, stop func() bool, err error) error {
	if !stop() {
		c.tainted = true
	}
	return interrupted(ctx, err)
}

// interrupted returns the context's error for a statement that failed because the context had ended.
func interrupted(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.Is(err, ctx.Err()) {
		return err
	}
	if e, ok := errors.AsType[*pq.Error](err); ok && e.Code != pqerror.QueryCanceled {
		return err
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code()&0xff != sqlite3.SQLITE_INTERRUPT {
		return err
	}
	return fmt.Errorf("%w: %v", ctx.Err(), err) //nolint:errorlint // driver.ErrBadConn would make database/sql try again
}

// IsValid implements driver.Validator.
func (c *conn) IsValid() bool { return !c.tainted && c.base.IsValid() }

// CheckNamedValue implements driver.NamedValueChecker with the driver's own way, if it has one.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.base.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// Close implements driver.Conn. A server frees what was prepared by itself.
func (c *conn) Close() error {
	if c.wire == nil {
		c.kept.close()
	}
	return c.base.Close()
}
