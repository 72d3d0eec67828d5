package credential

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

// Keys counts what each key of a ring has sealed, and seals it again with the primary one, in all companies. It is an
// operator's tool: it asks for no viewer.
type Keys struct {
	Store *store.Store
	Ring  *seal.Ring
	// Batch is how many values one transaction seals again; 0 means 200.
	Batch int
	// Progress, if set, is told after each batch how many values of a column have been sealed again.
	Progress func(c Column, moved int)
}

// Count is what a column holds.
type Count struct {
	Column Column
	Total  int
	// ByKey counts the values by the key that sealed them, whether or not the ring holds it. Key 0 stands for values
	// that are too short to name one.
	ByKey map[uint32]int
}

// Uses returns how many values in all counts were sealed with a key.
func Uses(counts []Count, key uint32) int {
	n := 0
	for _, c := range counts {
		n += c.ByKey[key]
	}
	return n
}

// Count counts every sealed value of the database, in one snapshot.
func (k Keys) Count(ctx context.Context) ([]Count, error) {
	var counts []Count
	err := k.Store.ReadSnapshot(viewer.System(ctx), func(ctx context.Context) error {
		for _, column := range Columns() {
			c, err := k.count(ctx, column)
			if err != nil {
				return fmt.Errorf("count the values of %s: %w", column, err)
			}
			counts = append(counts, c)
		}
		return nil
	})
	return counts, err
}

func (k Keys) count(ctx context.Context, c Column) (_ Count, err error) {
	query, args := k.from(c, func(s *entsql.Selector) {
		s.SelectExpr(entsql.Expr("substr("+s.C(c.Name)+", 1, 5) AS prefix"), entsql.Expr("count(*)"))
		s.GroupBy("prefix")
	})
	rows, err := k.Store.SQL(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return Count{}, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out := Count{Column: c, ByKey: map[uint32]int{}}
	for rows.Next() {
		var prefix seal.Sealed
		var n int
		if err := rows.Scan(&prefix, &n); err != nil {
			return Count{}, err
		}
		key, _ := prefix.KeyID()
		out.ByKey[key] += n
		out.Total += n
	}
	return out, rows.Err()
}

// from selects from the values of a column.
func (k Keys) from(c Column, with func(*entsql.Selector)) (string, []any) {
	s := entsql.Dialect(k.Store.Dialect()).Select().From(entsql.Table(c.Table))
	s.Where(entsql.NotNull(s.C(c.Name)))
	with(s)
	return s.Query()
}

// sealedBy matches the values of a column that were sealed with a key: they begin with Tink's prefix, a version byte of
// 1 and the key's id.
func sealedBy(column string, key uint32) *entsql.Predicate {
	return entsql.P(func(b *entsql.Builder) {
		b.WriteString("substr(").WriteString(column).WriteString(", 1, 5) = ").Arg(prefixOf(key))
	})
}

func prefixOf(key uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{1}, key)
}

// SealedWith matches the rows of a table of which any value was sealed with a key.
func SealedWith(s *entsql.Selector, table string, key uint32) *entsql.Predicate {
	var any []*entsql.Predicate
	for _, c := range Columns() {
		if c.Table == table {
			any = append(any, sealedBy(s.C(c.Name), key))
		}
	}
	return entsql.Or(any...)
}
