package credential

import (
	"context"
	"errors"
	"fmt"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/viewer"
)

// Rotation is what became of the values of one column.
type Rotation struct {
	Column        Column
	Before, After Count
	// Moved is how many values were sealed again.
	Moved int
	// Unreadable are the rows whose value no key of the ring opens. They are left as they are.
	Unreadable []string
}

const (
	rotationBatch = 200
	// rotationPasses bounds how often a column is looked through again for what others wrote meanwhile.
	rotationPasses = 5
)

// Rotate seals every value again that another key than the primary has sealed, while the system runs. Each value is
// written over the very ciphertext that was read, and its generation is left alone: a token that was renewed in between
// stays, and an older one cannot come back. A value is written only after its new form has been opened again.
//
// It may be stopped at any time and started again: what is sealed with the primary key is done. It returns what was done
// so far together with an error.
func (k Keys) Rotate(ctx context.Context) ([]Rotation, error) {
	ctx = viewer.System(ctx)
	before, err := k.Count(ctx)
	if err != nil {
		return nil, err
	}
	rotations := make([]Rotation, len(before))
	for i, count := range before {
		rotations[i] = Rotation{Column: count.Column, Before: count}
	}
	var failed error
	for i := range rotations {
		if failed = k.rotate(ctx, &rotations[i]); failed != nil {
			failed = fmt.Errorf("seal the values of %s again: %w", rotations[i].Column, failed)
			break
		}
	}
	after, err := k.Count(context.WithoutCancel(ctx))
	for i := range after {
		rotations[i].After = after[i]
	}
	return rotations, errors.Join(failed, err)
}

func (k Keys) rotate(ctx context.Context, r *Rotation) error {
	for range rotationPasses {
		moved := r.Moved
		r.Unreadable = nil
		last := ""
		for {
			values, err := k.foreign(ctx, r.Column, last)
			if err != nil {
				return err
			}
			if len(values) == 0 {
				break
			}
			last = values[len(values)-1].row
			n, err := k.reseal(ctx, r, values)
			if err != nil {
				return err
			}
			r.Moved += n
			if k.Progress != nil {
				k.Progress(r.Column, r.Moved)
			}
		}
		if r.Moved == moved { // nothing is left but what does not open
			return nil
		}
	}
	return nil
}

// value is one sealed value of a column.
type value struct {
	row, company string
	sealed, next seal.Sealed
}

// foreign returns the next values, by row, that another key than the primary has sealed.
func (k Keys) foreign(ctx context.Context, c Column, after string) (_ []value, err error) {
	batch := k.Batch
	if batch == 0 {
		batch = rotationBatch
	}
	query, args := k.from(c, func(s *entsql.Selector) {
		s.Select("id", "company_id", c.Name).
			Where(entsql.Not(sealedBy(s.C(c.Name), k.Ring.Primary()))).Where(entsql.GT(s.C("id"), after)).
			OrderBy("id").Limit(batch)
	})
	rows, err := k.Store.SQL(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var out []value
	for rows.Next() {
		var v value
		if err := rows.Scan(&v.row, &v.company, &v.sealed); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// reseal writes the new form of values in one transaction and returns how many it found as they were read.
func (k Keys) reseal(ctx context.Context, r *Rotation, values []value) (moved int, err error) {
	readable := values[:0]
	for _, v := range values {
		if v.next, err = k.again(r.Column, v); errors.Is(err, seal.ErrUnknownKey) || errors.Is(err, seal.ErrUnreadable) {
			r.Unreadable = append(r.Unreadable, v.row)
			continue
		}
		if err != nil {
			return 0, err
		}
		readable = append(readable, v)
	}
	if len(readable) == 0 {
		return 0, nil
	}
	err = k.Store.RetryTx(ctx, func(ctx context.Context) error {
		moved = 0
		for _, v := range readable {
			query, args := entsql.Dialect(k.Store.Dialect()).Update(r.Column.Table).Set(r.Column.Name, v.next).
				Where(entsql.And(entsql.EQ("id", v.row), entsql.EQ("company_id", v.company),
					entsql.EQ(r.Column.Name, v.sealed))).Query()
			done, err := k.Store.SQL(ctx).ExecContext(ctx, query, args...)
			if err != nil {
				return err
			}
			n, err := done.RowsAffected()
			if err != nil {
				return err
			}
			moved += int(n)
		}
		return nil
	})
	return moved, err
}

// again opens a value and seals it with the primary key.
func (k Keys) again(c Column, v value) (seal.Sealed, error) {
	home := seal.Place{Company: v.company, Table: c.Table, Row: v.row, Column: c.Name}
	plain, err := k.Ring.Open(v.sealed, home)
	if err != nil {
		return nil, err
	}
	next, err := k.Ring.Seal(plain, home)
	if err != nil {
		return nil, err
	}
	if same, err := k.Ring.Open(next, home); err != nil || same != plain {
		return nil, errors.New("what was sealed again does not open: nothing was changed")
	}
	return next, nil
}
