package store

import (
	"context"
	"database/sql"
	"regexp"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// split sends what only reads to one pool and everything else to another. It is both ent's driver and, outside a
// transaction, what SQL returns.
type split struct {
	*entsql.Driver // the writer
	reads          *entsql.Driver
}

func newSplit(writes, reads *sql.DB) *split {
	return &split{Driver: entsql.OpenDB(SQLite, writes), reads: entsql.OpenDB(SQLite, reads)}
}

// Query implements dialect.Driver.
func (d *split) Query(ctx context.Context, query string, args, v any) error {
	if onlyReads(query) {
		return d.reads.Query(ctx, query, args, v)
	}
	return d.Driver.Query(ctx, query, args, v)
}

// QueryContext implements SQL.
func (d *split) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if onlyReads(query) {
		return d.reads.QueryContext(ctx, query, args...)
	}
	return d.Driver.QueryContext(ctx, query, args...)
}

// BeginTx begins a transaction where it belongs: one that only reads does not wait for the writer.
func (d *split) BeginTx(ctx context.Context, opts *sql.TxOptions) (dialect.Tx, error) {
	if opts != nil && opts.ReadOnly {
		return d.reads.BeginTx(ctx, opts)
	}
	return d.Driver.BeginTx(ctx, opts)
}

var (
	_ dialect.Driver = (*split)(nil)
	_ SQL            = (*split)(nil)

	writing = regexp.MustCompile(`(?i)\b(insert|update|delete|replace)\b`)
)

// onlyReads may say false of a statement that only reads, never true of one that writes.
func onlyReads(query string) bool {
	query = strings.TrimLeft(query, " \t\r\n(")
	switch word, _, _ := strings.Cut(query, " "); {
	case strings.EqualFold(word, "select"), strings.EqualFold(word, "values"):
		return true
	case strings.EqualFold(word, "with"):
		return !writing.MatchString(query)
	default:
		return false
	}
}
