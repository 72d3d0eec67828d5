package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
)

// listen opens a second store on the same PostgreSQL, as another replica, and subscribes there; on SQLite, which has no
// other, it subscribes in the same one.
func listen(t *testing.T, s *store.Store, url, channel string) *store.Subscription {
	t.Helper()
	if s.Dialect() == store.Postgres {
		s = storetest.Open(t, store.Options{URL: url})
	}
	sub, err := s.Listen(t.Context(), channel)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// woken waits for payloads until there are n different ones or a resync.
func woken(t *testing.T, sub *store.Subscription, n int) (payloads []string, resync bool) {
	t.Helper()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	for len(payloads) < n && !resync {
		select {
		case _, open := <-sub.C():
			if !open {
				t.Fatal("the subscription has ended")
			}
			var more []string
			more, resync = sub.Take()
			payloads = append(payloads, more...)
		case <-limit.C:
			t.Fatalf("woken with %v only", payloads)
		}
	}
	return payloads, resync
}

func TestACommitWakesAndARollbackDoesNot(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, store.Options{URL: url})
		sub := listen(t, s, url, "health")
		_ = s.InTx(t.Context(), func(ctx context.Context) error {
			if err := s.Notify(ctx, "health", "lost"); err != nil {
				t.Error(err)
			}
			return errors.New("boom")
		})
		if err := s.InTx(t.Context(), func(ctx context.Context) error {
			if err := s.Notify(ctx, "other", "elsewhere"); err != nil {
				return err
			}
			for _, payload := range []string{"co_a", "co_b", "co_a"} {
				if err := s.Notify(ctx, "health", payload); err != nil {
					return err
				}
			}
			select {
			case <-sub.C():
				t.Error("woken before the commit")
			default:
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if got, resync := woken(t, sub, 2); !slices.Equal(got, []string{"co_a", "co_b"}) || resync {
			t.Errorf("got %v, resync %v", got, resync)
		}
		if err := s.Notify(t.Context(), "health", "co_c"); err != nil {
			t.Fatal(err)
		}
		if got, _ := woken(t, sub, 1); !slices.Equal(got, []string{"co_c"}) {
			t.Errorf("got %v", got)
		}
	})
}

func TestListeningToOnePayloadHearsNoOther(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, store.Options{URL: url})
		sub, err := s.ListenTo(t.Context(), "health", "co_b")
		if err != nil {
			t.Fatal(err)
		}
		for _, payload := range []string{"co_a", "co_b", "co_a"} {
			if err := s.Notify(t.Context(), "health", payload); err != nil {
				t.Fatal(err)
			}
		}
		if got, resync := woken(t, sub, 1); !slices.Equal(got, []string{"co_b"}) || resync {
			t.Errorf("got %v, resync %v", got, resync)
		}
	})
}

func TestASlowReaderIsToldToLookAtEverything(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, store.Options{URL: url})
		sub := listen(t, s, url, "health")
		if err := s.InTx(t.Context(), func(ctx context.Context) error {
			for i := range 1500 {
				if err := s.Notify(ctx, "health", fmt.Sprint(i)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if s.Dialect() == store.SQLite { // all have been delivered, and nobody looked
			if got, resync := woken(t, sub, 1); !resync || len(got) != 0 {
				t.Errorf("got %d payloads, resync %v", len(got), resync)
			}
			return
		}
		seen := map[string]bool{}
		for len(seen) < 1500 { // whichever way the reader keeps up, nothing is lost silently
			got, resync := woken(t, sub, 1)
			if resync {
				return
			}
			for _, payload := range got {
				seen[payload] = true
			}
		}
	})
}

func TestALostConnectionEndsInAResync(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	s := storetest.Open(t, store.Options{URL: url})
	sub := listen(t, s, url, "health")
	if n := number(t, t.Context(), s, `select count(pg_terminate_backend(pid)) from pg_stat_activity
		where query like 'LISTEN%' and datname = current_database()`); n != 1 {
		t.Fatalf("%d connections listen", n)
	}
	if _, resync := woken(t, sub, 1); !resync {
		t.Error("woken without a resync")
	}
	if err := s.Notify(t.Context(), "health", "again"); err != nil {
		t.Fatal(err)
	}
	if got, _ := woken(t, sub, 1); !slices.Equal(got, []string{"again"}) {
		t.Errorf("got %v", got)
	}
}

func TestASubscriptionEndsWithItsContextAndWithTheStore(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		s, err := store.Open(t.Context(), store.Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		first, err := s.Listen(ctx, "health")
		if err != nil {
			t.Fatal(err)
		}
		second, err := s.Listen(t.Context(), "health")
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		<-first.C()
		if err := s.Notify(t.Context(), "health", "still"); err != nil {
			t.Fatal(err)
		}
		if got, _ := woken(t, second, 1); !slices.Equal(got, []string{"still"}) {
			t.Errorf("got %v", got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, open := <-second.C(); open {
			t.Error("the subscription outlives the store")
		}
		if _, err := s.Listen(t.Context(), "health"); err == nil {
			t.Error("listening to a closed store")
		}
	})
}

func TestListeningWaitsForTheDatabaseNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	for name, unusable := range map[string]string{
		"absent": "postgres://u@127.0.0.1:1/x?sslmode=disable",
		"silent": fake(t, nil) + "?sslmode=disable",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(t.Context(), store.Options{URL: url, ListenURL: unusable})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if _, err := s.Listen(ctx, "health"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			began := time.Now()
			if err := s.Close(); err != nil || time.Since(began) > time.Minute {
				t.Errorf("closing took %v, %v", time.Since(began), err)
			}
		})
	}
}

// Whatever is said at every request must not make the commits of a database wait for each other, so it is told of after
// them, and of all that happened in one moment at once.
func TestWhatHappensAllTheTimeWakesOtherReplicasToo(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, store.Options{URL: url})
		sub := listen(t, s, url, "audit")
		_ = s.InTx(t.Context(), func(ctx context.Context) error {
			s.Wake(ctx, "audit", "lost")
			return errors.New("boom")
		})
		var all sync.WaitGroup
		want := []string{}
		for i := range 40 {
			company := fmt.Sprintf("co_%02d", i)
			want = append(want, company)
			all.Go(func() {
				for range 5 {
					if err := s.InTx(t.Context(), func(ctx context.Context) error {
						s.Wake(ctx, "audit", company)
						return nil
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		got := map[string]bool{}
		for len(got) < len(want) {
			payloads, resync := woken(t, sub, 1)
			if resync {
				t.Fatal("told to look at everything")
			}
			for _, payload := range payloads {
				got[payload] = true
			}
		}
		all.Wait()
		if got["lost"] || !got["co_00"] || !got["co_39"] {
			t.Errorf("woken for %v", slices.Sorted(maps.Keys(got)))
		}
	})
}

// A store that is closed tells what it has not told yet, and leaves nothing behind.
func TestAStoreThatIsClosedTellsOthersFirst(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	here, err := store.Open(t.Context(), store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	sub := listen(t, here, url, "audit")
	for i := range 3 { // the second and the third come too soon after the first
		here.Wake(t.Context(), "audit", fmt.Sprint(i))
	}
	if err := here.Close(); err != nil {
		t.Fatal(err)
	}
	here.Wake(t.Context(), "audit", "late")
	payloads, _ := woken(t, sub, 3)
	slices.Sort(payloads)
	if !slices.Equal(payloads, []string{"0", "1", "2"}) {
		t.Errorf("woken with %v", payloads)
	}
}
