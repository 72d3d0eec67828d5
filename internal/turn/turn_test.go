package turn_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/patchbay/patchbay/internal/turn"
)

type item struct {
	n                 int
	provider, company string
	takes             time.Duration
}

func (i item) of() (string, string) { return i.provider, i.company }

func TestNobodyHoldsMoreTurnsThanTheBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var items []item
		for n := range 300 {
			items = append(items, item{n, []string{"a", "a", "b"}[n%3], []string{"x", "y"}[n%2], time.Second})
		}
		var mu sync.Mutex
		at, most, done := map[string]int{}, map[string]int{}, 0
		turn.Each(turn.Bounds{All: 6, PerProvider: 4, PerCompany: 5}, items, item.of, func(i item) {
			mu.Lock()
			for _, who := range []string{"all", i.provider, i.company} {
				at[who]++
				most[who] = max(most[who], at[who])
			}
			mu.Unlock()
			time.Sleep(i.takes)
			mu.Lock()
			defer mu.Unlock()
			done++
			for _, who := range []string{"all", i.provider, i.company} {
				at[who]--
			}
		})
		if done != 300 || most["all"] != 6 || most["a"] != 4 || most["x"] > 5 || most["y"] > 5 {
			t.Errorf("%d done, at most %v at once", done, most)
		}
	})
}

func TestBehaviour13AVendorThatHangsLetsTheOthersGoAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var items []item
		for n := range 20 {
			items = append(items, item{n, "hangs", "x", time.Minute})
		}
		for n := range 20 {
			items = append(items, item{20 + n, "works", "x", time.Second})
		}
		began := time.Now()
		var mu sync.Mutex
		var order []int
		var last time.Duration // when the last that works was done
		turn.Each(turn.Bounds{All: 8, PerProvider: 4, PerCompany: 8}, items, item.of, func(i item) {
			time.Sleep(i.takes)
			mu.Lock()
			defer mu.Unlock()
			if i.provider == "works" {
				last = time.Since(began)
				order = append(order, i.n)
			}
		})
		if last != 5*time.Second || len(order) != 20 || slices.Max(order[:4]) > 23 {
			t.Errorf("what works was done after %v: %v", last, order)
		}
		if took := time.Since(began); took != 5*time.Minute {
			t.Errorf("all took %v", took)
		}
	})
}

func TestNothingToDoIsDone(t *testing.T) {
	t.Parallel()
	turn.Each(turn.Bounds{All: 1, PerProvider: 1, PerCompany: 1}, nil, item.of, func(item) { t.Error("called") })
}
