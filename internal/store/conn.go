package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// connector stands between database/sql and a driver: it counts statements, keeps them prepared, and reports a
// cancelled statement as the context's error.
type connector struct {
	driver.Connector
	cache     int  // statements that one connection keeps prepared; 0 for none
	exclusive bool // the driver takes one statement at a time per connection
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
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	b, ok := inner.(base)
	if !ok {
		return nil, errors.Join(fmt.Errorf("store: a %T lacks a method that every connection needs", inner), inner.Close())
	}
	return &conn{base: b, kept: newKept(c.cache), exclusive: c.exclusive}, nil
}

// conn is one connection. database/sql uses it from one goroutine at a time.
type conn struct {
	base
	kept      *kept
	exclusive bool
	open      int  // rows that are being read
	tainted   bool // a cancellation was sent, which may hit the next statement
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	count(ctx, query)
	p, err := c.prepared(ctx, query, args)
	if err != nil {
		return nil, c.failed(ctx, err)
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
		return nil, c.failed(ctx, err)
	}
	c.open++
	if p != nil {
		p.busy = true
	}
	return newRows(ctx, c, p, rows), nil
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	count(ctx, query)
	p, err := c.prepared(ctx, query, args)
	if err != nil {
		return nil, c.failed(ctx, err)
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
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	return result, nil
}

// errReading is the fault of whoever reads rows inside a transaction and meanwhile runs another statement in it, which
// lib/pq notices for unprepared statements only.
var errReading = errors.New("store: a statement cannot run while rows of the same transaction are being read")

// prepared returns the kept statement of a query, or nil when it is to run by itself: several statements in one text
// carry no arguments, and one whose rows are being read cannot start again.
func (c *conn) prepared(ctx context.Context, query string, args []driver.NamedValue) (*prepared, error) {
	if c.exclusive && c.open > 0 {
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

// failed returns the context's error for a statement that it cancelled.
func (c *conn) failed(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	c.tainted = true
	if e, ok := errors.AsType[*pq.Error](err); ok && e.Code == pqerror.QueryCanceled {
		return fmt.Errorf("%w: %s", ctx.Err(), e.Message)
	}
	return err
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

// Close implements driver.Conn. The server frees what was prepared.
func (c *conn) Close() error {
	c.kept.close(c.exclusive)
	return c.base.Close()
}
