package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/patchbay/patchbay/ent"
)

// transaction is what a context carries inside InTx and ReadSnapshot.
type transaction struct {
	store    *Store
	client   *ent.Client
	snapshot bool // reads only

	mu     sync.Mutex
	ended  bool
	before []func(context.Context) error
	after  []func()
}

type transactionKey struct{}

// current returns the running transaction of ctx, or nil.
func current(ctx context.Context) *transaction {
	t, _ := ctx.Value(transactionKey{}).(*transaction)
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return nil
	}
	return t
}

// InTransaction reports whether ctx is inside a transaction of any Store. Nothing slow, and no network call, belongs
// there.
func InTransaction(ctx context.Context) bool { return current(ctx) != nil }

// Outside returns ctx without its transaction, for work that goes on by itself after the caller's transaction ends.
func Outside(ctx context.Context) context.Context {
	return context.WithValue(ctx, transactionKey{}, (*transaction)(nil))
}

// Client returns the client of the transaction that ctx is inside of, else one whose statements stand alone.
func (s *Store) Client(ctx context.Context) *ent.Client {
	if t := s.current(ctx); t != nil {
		return t.client
	}
	return s.client
}

func (s *Store) current(ctx context.Context) *transaction {
	if t := current(ctx); t != nil && t.store == s {
		return t
	}
	return nil
}

// SQL runs hand-written statements. Values are bound, never put into the text, and every statement names the company:
// no policy narrows it.
type SQL interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// SQL returns the connection of the transaction that ctx is inside of, else one whose statements stand alone.
func (s *Store) SQL(ctx context.Context) SQL { return s.Client(ctx) }

// InTx runs fn inside a transaction: everything fn does through the context it is given becomes visible together when
// fn returns nil, and not at all when it returns an error, panics, or ctx ends. A call inside another joins the outer
// transaction, whose end decides for both; so an error of an inner call is passed on, not swallowed.
//
// SQLite has one writer: inside fn every statement must use fn's context, or it waits for itself.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.inTx(ctx, fn, false)
}

// RetryTx is InTx for an fn that may run several times, because all it does goes through its context. It runs again, a
// few times, when the database gives up one of two transactions that wait for each other.
func (s *Store) RetryTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.inTx(ctx, fn, true)
}

// attempts bounds how often a transaction begins.
const attempts = 4

func (s *Store) inTx(ctx context.Context, fn func(ctx context.Context) error, repeatable bool) error {
	if t := s.current(ctx); t != nil {
		if t.snapshot {
			return errors.New("store: a transaction that writes cannot begin inside a snapshot")
		}
		return fn(ctx)
	}
	for attempt := 1; ; attempt++ {
		began, err := s.run(ctx, nil, fn)
		if err == nil || attempt == attempts || !transient(err) || began && !repeatable {
			return err
		}
		pause := time.NewTimer(rand.N(10 * time.Millisecond << attempt))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return err
		}
	}
}

// ReadSnapshot runs fn so that everything it reads through its context was true at one moment. fn cannot write. It may
// not be called inside InTx, whose reads see what others commit.
func (s *Store) ReadSnapshot(ctx context.Context, fn func(ctx context.Context) error) error {
	if t := s.current(ctx); t != nil {
		if !t.snapshot {
			return errors.New("store: a snapshot cannot begin inside a transaction that writes")
		}
		return fn(ctx)
	}
	opts := &sql.TxOptions{ReadOnly: true}
	if s.dialect == Postgres { // SQLite's reads are of one moment anyway
		opts.Isolation = sql.LevelRepeatableRead
	}
	_, err := s.run(ctx, opts, fn)
	return err
}

// run runs one transaction, one that only reads when opts is given. began is false when not even that succeeded.
func (s *Store) run(ctx context.Context, opts *sql.TxOptions, fn func(context.Context) error) (began bool, err error) {
	tx, err := s.client.BeginTx(ctx, opts)
	if err != nil {
		return false, fmt.Errorf("begin a transaction: %w", err)
	}
	t := &transaction{store: s, client: tx.Client(), snapshot: opts != nil}
	defer func() { // also after a panic, and when a test ends inside fn
		if !t.end() {
			_ = tx.Rollback()
		}
	}()
	inside := context.WithValue(ctx, transactionKey{}, t)
	if err := fn(inside); err != nil {
		return true, err
	}
	for i := 0; i < len(t.before); i++ { // one may add another
		if err := t.before[i](inside); err != nil {
			return true, err
		}
	}
	t.end()
	if err := tx.Commit(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return true, fmt.Errorf("commit: %w", err)
	}
	for _, wake := range t.after {
		wake()
	}
	return true, nil
}

// end ends the transaction for those who still hold its context, and reports whether it had ended before.
func (t *transaction) end() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.ended
	t.ended = true
	return was
}

// BeforeCommit runs fn as the last thing of the transaction that ctx is inside of, in the order of the calls; an error of
// fn rolls the transaction back. It is for locks that everybody wants: taken last they are held shortest, and always
// after every other, so transactions cannot wait for each other in a circle. Outside a transaction it is an error.
func (s *Store) BeforeCommit(ctx context.Context, fn func(ctx context.Context) error) error {
	t := s.current(ctx)
	if t == nil || t.snapshot {
		return errors.New("store: BeforeCommit needs a transaction that writes")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.before = append(t.before, fn)
	return nil
}

// AfterCommit runs fn once the transaction that ctx is inside of has been committed, in the order of the calls, and
// never when it is rolled back. Outside a transaction it runs fn at once. fn must not block.
func (s *Store) AfterCommit(ctx context.Context, fn func()) {
	t := s.current(ctx)
	if t == nil {
		fn()
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.after = append(t.after, fn)
}

// transient reports whether the same transaction may succeed the next time.
func transient(err error) bool {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return e.Code == pqerror.TRSerializationFailure || e.Code == pqerror.TRDeadlockDetected
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()&0xff == sqlite3.SQLITE_BUSY
	}
	return false
}
