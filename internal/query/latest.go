package query

import (
	"context"
	"time"

	"github.com/patchbay/patchbay/internal/provider"
)

// Calendars list their events oldest first, so the newest of a period are found by reading all of it. A question such
// as "my last five meetings" names no beginning: the near past is read first, and the far past only if that held too
// few.
const (
	nearPast = 60 * 24 * time.Hour
	farPast  = 3 * 365 * 24 * time.Hour
)

// towardsTheLatest makes the request read a whole period where the newest results are wanted and come last.
func (a *asking) towardsTheLatest(wanted bool) {
	a.latest = wanted
	if !wanted || !oldestFirst(a.capability) {
		return
	}
	a.input.Limit = maxLimit
	if w := a.input.Window; w != nil && w.Start == nil && w.End != nil {
		a.lookBack = true
		a.beginBefore(nearPast)
	}
}

func (a *asking) beginBefore(end time.Duration) {
	start := a.input.Window.End.Add(-end)
	a.input.Window = &provider.Window{Start: &start, End: a.input.Window.End}
}

// farther reads the far past when the near past held too few.
func (a *asking) farther(ctx context.Context) error {
	if !a.lookBack || len(a.items) >= a.limit {
		return nil
	}
	a.beginBefore(farPast)
	request, err := a.capability.Request(ctx, a.input)
	if err != nil {
		return err
	}
	a.items, a.answers, a.truncated = nil, nil, false
	return a.pages(ctx, request)
}

// cut leaves as many results as are wanted: the first, or the newest where those are.
func (a *asking) cut() {
	if len(a.items) <= a.limit {
		return
	}
	a.truncated = true
	if a.latest && ascending(a.items) {
		a.items = a.items[len(a.items)-a.limit:]
		return
	}
	a.items = a.items[:a.limit]
}

func oldestFirst(c *provider.Capability) bool { return c.Kind == "calendar_event" }

// ascending reports whether results come oldest first.
func ascending(items []provider.Result) bool {
	var first, last time.Time
	for _, item := range items {
		if at := when(item); !at.IsZero() {
			if first.IsZero() {
				first = at
			}
			last = at
		}
	}
	return last.After(first)
}

// when is the time that a kind of result goes by; zero when it has none.
func when(r provider.Result) time.Time {
	for _, name := range []string{"start", "sentAt", "updatedAt", "createdAt", "placedAt"} {
		if at, ok := r.Fields[name].(time.Time); ok {
			return at
		}
	}
	if day, ok := r.Fields["startDate"].(string); ok {
		at, _ := time.Parse(time.DateOnly, day)
		return at
	}
	return time.Time{}
}
