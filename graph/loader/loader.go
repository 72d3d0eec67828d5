// Package loader gathers what the resolvers of one level ask for one by one, and reads it together.
//
//	resolver ── Load(id, arguments) ──┐
//	resolver ── Load(id, arguments) ──┼── a millisecond, or a hundred keys ── read(arguments, ids) ── one statement
//	resolver ── Load(id, arguments) ──┘
package loader

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/graph-gophers/dataloader/v7"
)

// How a Loader gathers keys. A full page starts at once; a level that is smaller waits a millisecond.
const (
	wait     = time.Millisecond
	capacity = 100
	timeout  = 10 * time.Second
)

// key names one thing to load: what it belongs to, and the arguments it is asked with.
type key[A comparable] struct {
	id   string
	args A
}

// None is for things that are loaded without arguments.
type None struct{}

// A Read returns one value for each id, in their order.
type Read[A comparable, V any] func(ctx context.Context, args A, ids []string) ([]V, error)

// A Loader gathers the keys of one level and reads them together, once for each set of arguments. The zero value is
// ready and must not be copied. It lives for one response and keeps what it has read; what could not be read is tried
// again. It is safe for concurrent use.
type Loader[A comparable, V any] struct {
	mu     sync.RWMutex
	filled map[key[A]]V

	once   sync.Once
	loader *dataloader.Loader[key[A], V]
}

// Fill reads what is known to be asked for next, so that Load need not wait for a level to gather.
func (l *Loader[A, V]) Fill(ctx context.Context, ids []string, args A, read Read[A, V]) error {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) == 0 {
		return nil
	}
	values, err := checked(ctx, ids, args, read)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.filled == nil {
		l.filled = make(map[key[A]]V, len(ids))
	}
	for i, id := range ids {
		l.filled[key[A]{id, args}] = values[i]
	}
	return nil
}

// Load returns what read makes of id; it blocks until then. All calls of one Loader give the same read. It is given the
// ids that were asked for with the same arguments, and runs once for many callers: so it is cut off from the first
// caller's cancellation, keeps its values, and has a time limit of its own.
func (l *Loader[A, V]) Load(ctx context.Context, id string, args A, read Read[A, V]) (V, error) {
	l.mu.RLock()
	v, ok := l.filled[key[A]{id, args}]
	l.mu.RUnlock()
	if ok {
		return v, nil
	}
	l.once.Do(func() {
		batch := func(ctx context.Context, keys []key[A]) []*dataloader.Result[V] {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
			defer cancel()
			results := make([]*dataloader.Result[V], len(keys))
			for args, places := range byArguments(keys) {
				l.group(ctx, keys, places, args, results, read)
			}
			return results
		}
		l.loader = dataloader.NewBatchedLoader(batch, dataloader.WithWait[key[A], V](wait),
			dataloader.WithBatchCapacity[key[A], V](capacity))
	})
	return l.loader.Load(ctx, key[A]{id, args})()
}

// group reads the keys at these places, which have the same arguments, into results.
func (l *Loader[A, V]) group(
	ctx context.Context, keys []key[A], places []int, args A, results []*dataloader.Result[V],
	read Read[A, V],
) {
	ids := make([]string, len(places))
	for i, place := range places {
		ids[i] = keys[place].id
	}
	values, err := checked(ctx, ids, args, read)
	for i, place := range places {
		if err != nil {
			l.loader.Clear(ctx, keys[place])
			results[place] = &dataloader.Result[V]{Error: err}
			continue
		}
		results[place] = &dataloader.Result[V]{Data: values[i]}
	}
}

func checked[A comparable, V any](ctx context.Context, ids []string, args A, read Read[A, V]) ([]V, error) {
	values, err := read(ctx, args, ids)
	if err == nil && len(values) != len(ids) {
		err = fmt.Errorf("a loader read %d values for %d ids", len(values), len(ids))
	}
	return values, err
}

// byArguments returns the places of the keys that have the same arguments.
func byArguments[A comparable](keys []key[A]) map[A][]int {
	out := map[A][]int{}
	for place, k := range keys {
		out[k.args] = append(out[k.args], place)
	}
	return out
}
