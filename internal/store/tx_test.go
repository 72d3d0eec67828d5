package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

// company writes a company through whatever transaction ctx is inside of.
func company(ctx context.Context, s *store.Store, id string) error {
	return s.Client(ctx).Company.Create().SetID(id).SetName(id).SetCreatedAt(noon).Exec(ctx)
}

func companies(t *testing.T, ctx context.Context, s *store.Store) []string {
	t.Helper()
	ids, err := s.Client(ctx).Company.Query().IDs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

func TestATransactionCountsWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	everyMode(t, func(t *testing.T, s *store.Store) {
		ctx := viewer.System(t.Context())
		boom := errors.New("boom")
		err := s.InTx(ctx, func(ctx context.Context) error {
			if err := company(ctx, s, "co_lost"); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Errorf("got %v, want fn's error", err)
		}
		func() {
			defer func() {
				if recover() != "panic" {
					t.Error("the panic did not go on")
				}
			}()
			_ = s.InTx(ctx, func(ctx context.Context) error {
				if err := company(ctx, s, "co_panic"); err != nil {
					return err
				}
				panic("panic")
			})
		}()
		cancelled, cancel := context.WithCancel(ctx)
		if err := s.InTx(cancelled, func(ctx context.Context) error {
			defer cancel()
			return company(ctx, s, "co_cancelled")
		}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before the commit: %v", err)
		}
		if err := s.InTx(cancelled, func(context.Context) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before the beginning: %v", err)
		}
		if err := s.InTx(ctx, func(ctx context.Context) error { return company(ctx, s, "co_kept") }); err != nil {
			t.Error(err)
		}
		if got := companies(t, ctx, s); !slices.Equal(got, []string{"co_kept"}) {
			t.Errorf("got %v", got)
		}
	})
}

func TestAnInnerTransactionJoinsTheOuter(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		ctx := viewer.System(t.Context())
		boom := errors.New("boom")
		err := s.InTx(ctx, func(ctx context.Context) error {
			outer := s.Client(ctx)
			err := s.InTx(ctx, func(ctx context.Context) error {
				if s.Client(ctx) != outer {
					t.Error("the inner call has a client of its own")
				}
				return company(ctx, s, "co_inner")
			})
			if err != nil {
				return err
			}
			if got := companies(t, ctx, s); len(got) != 1 {
				t.Errorf("the outer call sees %v", got)
			}
			return boom
		})
		if got := companies(t, ctx, s); !errors.Is(err, boom) || len(got) != 0 {
			t.Errorf("after the outer call failed: %v, %v", got, err)
		}
	})
}

func TestATransactionEndsForThoseWhoKeepItsContext(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		ctx := viewer.System(t.Context())
		var kept context.Context
		if store.InTransaction(ctx) {
			t.Error("inside before the beginning")
		}
		err := s.InTx(ctx, func(ctx context.Context) error {
			kept = ctx
			if !store.InTransaction(ctx) || store.InTransaction(store.Outside(ctx)) {
				t.Error("inside is not known from outside")
			}
			return nil
		})
		if err != nil || store.InTransaction(kept) {
			t.Errorf("inside after the end: %v", err)
		}
		if err := company(kept, s, "co_later"); err != nil {
			t.Errorf("a statement after the end: %v", err)
		}
	})
}

func TestAfterCommitRunsOnceAndOnlyAfterACommit(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		ctx := viewer.System(t.Context())
		var ran []string
		s.AfterCommit(ctx, func() { ran = append(ran, "outside") })
		if err := s.InTx(ctx, func(ctx context.Context) error {
			s.AfterCommit(ctx, func() { ran = append(ran, "first") })
			return s.InTx(ctx, func(ctx context.Context) error {
				s.AfterCommit(ctx, func() { ran = append(ran, "second") })
				if len(ran) != 1 {
					t.Errorf("before the commit ran %v", ran)
				}
				return nil
			})
		}); err != nil {
			t.Fatal(err)
		}
		_ = s.InTx(ctx, func(ctx context.Context) error {
			s.AfterCommit(ctx, func() { ran = append(ran, "never") })
			return errors.New("boom")
		})
		if want := []string{"outside", "first", "second"}; !slices.Equal(ran, want) {
			t.Errorf("ran %v, want %v", ran, want)
		}
	})
}

func TestOnlyARepeatableTransactionRunsAgain(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		ctx := viewer.System(t.Context())
		runs, hooks := 0, 0
		fails := func(times int) func(context.Context) error {
			runs, hooks = 0, 0
			return func(ctx context.Context) error {
				runs++
				s.AfterCommit(ctx, func() { hooks++ })
				if runs <= times {
					return &pq.Error{Code: "40001"}
				}
				return nil
			}
		}
		if err := s.RetryTx(ctx, fails(2)); err != nil || runs != 3 || hooks != 1 {
			t.Errorf("repeatable: %d runs, %d hooks, %v", runs, hooks, err)
		}
		if err := s.RetryTx(ctx, fails(100)); err == nil || runs < 2 || runs > 10 {
			t.Errorf("repeatable without success: %d runs, %v", runs, err)
		}
		if err := s.InTx(ctx, fails(1)); err == nil || runs != 1 {
			t.Errorf("not repeatable: %d runs, %v", runs, err)
		}
	})
}

func TestTwoTransactionsThatWaitForEachOtherBothEndWell(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, store.Options{URL: storetest.Postgres(t)})
	ctx := viewer.System(t.Context())
	for _, id := range []string{"co_1", "co_2"} {
		if err := company(ctx, s, id); err != nil {
			t.Fatal(err)
		}
	}
	var both, done sync.WaitGroup
	both.Add(2)
	rename := func(first, second string) func() {
		return func() {
			var once sync.Once
			if err := s.RetryTx(ctx, func(ctx context.Context) error {
				if err := s.Client(ctx).Company.UpdateOneID(first).SetName("x").Exec(ctx); err != nil {
					return err
				}
				once.Do(func() { both.Done(); both.Wait() })
				return s.Client(ctx).Company.UpdateOneID(second).SetName("x").Exec(ctx)
			}); err != nil {
				t.Error(err)
			}
		}
	}
	done.Go(rename("co_1", "co_2"))
	done.Go(rename("co_2", "co_1"))
	done.Wait()
}

func TestASnapshotIsOfOneMomentAndOnlyReads(t *testing.T) {
	t.Parallel()
	everyMode(t, func(t *testing.T, s *store.Store) {
		ctx := viewer.System(t.Context())
		if err := company(ctx, s, "co_1"); err != nil {
			t.Fatal(err)
		}
		err := s.ReadSnapshot(ctx, func(inside context.Context) error {
			before := companies(t, inside, s)
			if err := s.InTx(ctx, func(ctx context.Context) error { return company(ctx, s, "co_2") }); err != nil {
				t.Error(err)
			}
			if after := companies(t, inside, s); !slices.Equal(before, after) {
				t.Errorf("saw %v, then %v", before, after)
			}
			if err := s.InTx(inside, func(context.Context) error { return nil }); err == nil {
				t.Error("a transaction that writes began inside a snapshot")
			}
			return s.ReadSnapshot(inside, func(context.Context) error { return nil })
		})
		if err != nil {
			t.Error(err)
		}
		if err := s.ReadSnapshot(ctx, func(ctx context.Context) error { return company(ctx, s, "co_3") }); err == nil {
			t.Error("a snapshot wrote")
		}
		if err := s.InTx(ctx, func(ctx context.Context) error {
			return s.ReadSnapshot(ctx, func(context.Context) error { return nil })
		}); err == nil {
			t.Error("a snapshot began inside a transaction that writes")
		}
		if got := companies(t, ctx, s); len(got) != 2 {
			t.Errorf("got %v", got)
		}
	})
}

func TestManyWritersLoseNothing(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		ctx := viewer.System(t.Context())
		s.Client(ctx).CompanySequence.Create().SetID("co_a").ExecX(ctx)
		const writers, each = 8, 10
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				for range each {
					if err := s.InTx(ctx, func(ctx context.Context) error {
						if _, err := s.Client(ctx).CompanySequence.Query().Count(ctx); err != nil {
							return err
						}
						return s.Client(ctx).CompanySequence.UpdateOneID("co_a").AddHealth(1).Exec(ctx)
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if n := s.Client(ctx).CompanySequence.GetX(ctx, "co_a").Health; n != writers*each {
			t.Errorf("counted %d of %d", n, writers*each)
		}
	})
}

func TestTheClockIsTheDatabasesUnlessATestHoldsIt(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		now, err := s.Now(t.Context())
		if err != nil || time.Since(now).Abs() > time.Minute || now.Location() != time.UTC ||
			now.Nanosecond()%1000 != 0 {
			t.Errorf("got %v, %v", now, err)
		}
		_ = s.InTx(t.Context(), func(ctx context.Context) error {
			first, _ := s.Now(ctx)
			second, err := s.Now(ctx)
			if err != nil || second.Before(first) {
				t.Errorf("inside a transaction: %v, then %v (%v)", first, second, err)
			}
			return nil
		})
	})
	held := store.Options{Now: func() time.Time { return noon.Add(123).In(time.FixedZone("east", 3600)) }}
	storetest.RunWith(t, held, func(t *testing.T, s *store.Store) {
		if now, err := s.Now(t.Context()); err != nil || now != noon {
			t.Errorf("got %v, %v", now, err)
		}
	})
}

func TestAReplicasClockFollowsTheDatabasesThoughItJumps(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		var jump atomic.Int64
		there := func() time.Time { return time.Now().Add(time.Duration(jump.Load())) }
		s := storetest.Open(t, store.Options{URL: url, Now: there})
		c, err := s.Clock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, hours := range []time.Duration{6, -6, 0} {
			before := c.Now()
			jump.Store(int64(hours * time.Hour))
			if gone := c.Now().Sub(before); gone < 0 || gone > time.Minute {
				t.Errorf("the clock jumped by %v without a look", gone)
			}
			ahead, err := c.Sync(t.Context())
			for errors.Is(err, store.ErrSlowLook) { // the machine is busy
				ahead, err = c.Sync(t.Context())
			}
			if err != nil || (ahead+hours*time.Hour).Abs() > time.Minute {
				t.Errorf("this machine is said to be %v ahead of a clock that is %d hours ahead of it, %v", ahead, hours, err)
			}
			if off := c.Now().Sub(there()); off.Abs() > time.Minute {
				t.Errorf("the clock is off by %v", off)
			}
		}
	})
}

func TestBeforeCommitRunsLastAndMayStillRefuse(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		ctx := viewer.System(t.Context())
		if err := s.BeforeCommit(ctx, func(context.Context) error { return nil }); err == nil {
			t.Error("accepted outside a transaction")
		}
		boom := errors.New("boom")
		for _, want := range []error{nil, boom} {
			var order []string
			err := s.InTx(ctx, func(ctx context.Context) error {
				if err := s.BeforeCommit(ctx, func(ctx context.Context) error {
					order = append(order, "before")
					return errors.Join(company(ctx, s, "co_last"), want)
				}); err != nil {
					return err
				}
				s.AfterCommit(ctx, func() { order = append(order, "after") })
				order = append(order, "fn")
				return nil
			})
			if want == nil && (err != nil || !slices.Equal(order, []string{"fn", "before", "after"})) ||
				want != nil && (!errors.Is(err, boom) || slices.Contains(order, "after")) {
				t.Errorf("%v: ran %v, %v", want, order, err)
			}
			if want == nil {
				s.Client(ctx).Company.DeleteOneID("co_last").ExecX(ctx)
			}
		}
		if got := companies(t, ctx, s); len(got) != 0 {
			t.Errorf("got %v", got)
		}
	})
}
