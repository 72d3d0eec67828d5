// Package turn lets work that runs by itself go on side by side, within bounds: so much at once, and of that only so much
// for one provider and for one company, so that a vendor that hangs, or one company's, leaves room for the others.
package turn

import (
	"slices"
	"sync"
)

// Bounds are how many may be at work at once: in all, for one provider, and for one company. Each is at least 1.
type Bounds struct{ All, PerProvider, PerCompany int }

// Each calls do for every item and returns when all are done. Items begin in their order, except that one whose provider
// or company is at its bound lets those behind it go ahead.
func Each[T any](b Bounds, items []T, of func(T) (provider, company string), do func(T)) {
	var (
		waiting            = slices.Clone(items)
		working            sync.WaitGroup
		done               = make(chan T)
		all                int
		providers, company = map[string]int{}, map[string]int{}
	)
	next := func(item T) bool {
		p, c := of(item)
		return providers[p] < b.PerProvider && company[c] < b.PerCompany
	}
	count := func(item T, by int) {
		p, c := of(item)
		all, providers[p], company[c] = all+by, providers[p]+by, company[c]+by
	}
	for len(waiting) > 0 || all > 0 {
		if i := slices.IndexFunc(waiting, next); i >= 0 && all < b.All {
			item := waiting[i]
			waiting = slices.Delete(waiting, i, i+1)
			count(item, 1)
			working.Go(func() {
				defer func() { done <- item }()
				do(item)
			})
			continue
		}
		count(<-done, -1)
	}
	working.Wait()
}
