package feed_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/patchbay/patchbay/internal/feed"
)

// rows is a table in memory: its changes are the numbers from 1.
type rows struct {
	mu     sync.Mutex
	end    int
	pruned int // numbers up to it are no longer there
	failed error
	hidden int // the last ones, which cannot be told yet
	reads  int
	wake   chan struct{}
	look   time.Duration
}

func (r *rows) C() <-chan struct{}     { return r.wake }
func (r *rows) Take() ([]string, bool) { return nil, false }

func (r *rows) write(n int) {
	r.mu.Lock()
	r.end += n
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *rows) table() *feed.Table[int, int] {
	return &feed.Table[int, int]{
		Listen: func(context.Context, string) (feed.Waker, error) { return r, nil },
		End: func(context.Context, string) (int, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.end, r.failed
		},
		Read: func(_ context.Context, _ string, after int) (feed.Batch[int, int], error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.reads++
			b := feed.Batch[int, int]{At: after}
			if after < r.pruned {
				return feed.Batch[int, int]{At: r.pruned, More: true, Broken: true}, nil
			}
			for b.At < r.end-r.hidden && len(b.Changes) < 10 {
				b.At++
				b.Changes = append(b.Changes, feed.Change[int, int]{At: b.At, What: b.At})
			}
			b.More, b.Pending = len(b.Changes) == 10, r.hidden > 0
			return b, r.failed
		},
		Compare: cmp.Compare[int],
		Look:    r.look,
		Log:     slog.New(slog.DiscardHandler),
	}
}

func all(int) bool { return true }

func drain(f *feed.Follower[int, int]) (got []int, open bool) {
	for {
		select {
		case c, open := <-f.C():
			if !open {
				return got, false
			}
			got = append(got, c.What)
		default:
			return got, true
		}
	}
}

func enter(t *testing.T, feeds *feed.Feeds[int, int], r *rows) *feed.Feed[int, int] {
	t.Helper()
	one, err := feeds.Enter(t.Context(), r.table(), "co_a")
	if err != nil {
		t.Fatal(err)
	}
	return one
}

func TestEveryChangeIsReadOnceAndReachesEveryoneWhoWantsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &rows{end: 5, wake: make(chan struct{}, 1)}
		var feeds feed.Feeds[int, int]
		one, two := enter(t, &feeds, r), enter(t, &feeds, r)
		if one != two {
			t.Error("two feeds of one company")
		}
		everything, _, ok := one.Join(5, all)
		even, _, _ := two.Join(5, func(n int) bool { return n%2 == 0 })
		if !ok {
			t.Fatal("cannot join at the end")
		}
		r.write(25)
		synctest.Wait()
		if got, open := drain(everything); len(got) != 25 || got[0] != 6 || !slices.IsSorted(got) || !open {
			t.Errorf("everything: %v", got)
		}
		if got, _ := drain(even); len(got) != 13 {
			t.Errorf("even: %v", got)
		}
		if r.reads != 3+1 { // three pages, and the one with which it began
			t.Errorf("%d reads", r.reads)
		}
		_, missed, ok := two.Join(28, all)
		if !ok || len(missed) != 2 {
			t.Errorf("joined behind 28: missed %v, %v", missed, ok)
		}
		if _, _, ok := two.Join(4, all); ok {
			t.Error("joined before everything that was read")
		}
		one.Leave()
		two.Leave()
		synctest.Wait()
		if _, open := drain(everything); open || one.Context().Err() == nil {
			t.Error("the feed goes on although everybody has left")
		}
	})
}

func TestAFullBufferAndALostChangeLetGoOfTheFollower(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &rows{wake: make(chan struct{}, 1)}
		var feeds feed.Feeds[int, int]
		one := enter(t, &feeds, r)
		slow, _, _ := one.Join(0, all)
		quick, _, _ := one.Join(0, func(n int) bool { return n%50 == 0 })
		r.write(1000)
		synctest.Wait()
		got, open := drain(slow)
		if open || len(got) == 0 || len(got) == 1000 || got[len(got)-1] != len(got) {
			t.Errorf("slow: %d changes, open %v", len(got), open)
		}
		if got, open := drain(quick); !open || len(got) != 20 {
			t.Errorf("quick: %v, open %v", got, open)
		}
		slow.Leave() // once more changes nothing
		r.mu.Lock()
		r.end, r.pruned = 2000, 1900
		r.mu.Unlock()
		r.write(1)
		synctest.Wait()
		if got, open := drain(quick); open || len(got) != 0 {
			t.Errorf("over the lost ones: %v, open %v", got, open)
		}
		if _, missed, ok := one.Join(1950, all); ok != (len(missed) == 51) {
			t.Errorf("joined again: %d missed, %v", len(missed), ok)
		}
		one.Leave()
		synctest.Wait()
	})
}

func TestAnOutageDelaysAFeedAndTheEndOfItsWakerEndsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &rows{wake: make(chan struct{}, 1)}
		var feeds feed.Feeds[int, int]
		one := enter(t, &feeds, r)
		follower, _, _ := one.Join(0, all)
		down := func(err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.failed = err
		}
		synctest.Wait()
		down(errors.New("down"))
		r.write(3)
		time.Sleep(time.Minute) // the bubble's clock
		if got, open := drain(follower); len(got) != 0 || !open {
			t.Errorf("during the outage: %v, open %v", got, open)
		}
		if _, err := feeds.Enter(t.Context(), r.table(), "co_b"); err == nil {
			t.Error("entered a feed whose table cannot be read")
		}
		down(nil)
		time.Sleep(time.Minute)
		if got, _ := drain(follower); !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("after the outage: %v", got)
		}
		close(r.wake)
		synctest.Wait()
		if _, open := drain(follower); open {
			t.Error("the follower outlives what wakes it")
		}
		one.Leave()
	})
}

func TestWhatCannotBeToldYetIsLookedForAgainEverMoreSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &rows{wake: make(chan struct{}, 1)}
		var feeds feed.Feeds[int, int]
		one := enter(t, &feeds, r)
		follower, _, _ := one.Join(0, all)
		synctest.Wait()
		r.mu.Lock()
		r.hidden = 1
		r.mu.Unlock()
		r.write(3)
		time.Sleep(time.Minute) // the bubble's clock
		synctest.Wait()
		if got, _ := drain(follower); !slices.Equal(got, []int{1, 2}) {
			t.Errorf("while the last is held back: %v", got)
		}
		if r.reads < 100 || r.reads > 250 {
			t.Errorf("%d looks within a minute", r.reads)
		}
		r.mu.Lock()
		r.hidden = 0
		r.mu.Unlock()
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		if got, _ := drain(follower); !slices.Equal(got, []int{3}) {
			t.Errorf("once it can be told: %v", got)
		}
		reads := r.reads
		time.Sleep(time.Hour)
		synctest.Wait()
		if r.reads != reads {
			t.Errorf("%d looks at nothing", r.reads-reads)
		}
		one.Leave()
		synctest.Wait()
	})
}

func TestATableWhoseWakesCanBeLostIsLookedAtNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &rows{wake: make(chan struct{}, 1), look: 5 * time.Second}
		var feeds feed.Feeds[int, int]
		one := enter(t, &feeds, r)
		follower, _, _ := one.Join(0, all)
		synctest.Wait()
		r.mu.Lock()
		r.end = 2 // and nobody wakes
		r.mu.Unlock()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got, _ := drain(follower); !slices.Equal(got, []int{1, 2}) {
			t.Errorf("%v", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if r.reads > 16 {
			t.Errorf("%d looks within a minute", r.reads)
		}
		one.Leave()
		synctest.Wait()
	})
}
