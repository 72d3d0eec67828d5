package loader_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/patchbay/patchbay/graph/loader"
)

func TestOneLevelIsOneReadForEachSetOfArguments(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reads atomic.Int64
		read := func(_ context.Context, size int, ids []string) ([]string, error) {
			reads.Add(1)
			out := make([]string, len(ids))
			for i, id := range ids {
				out[i] = fmt.Sprint(id, size)
			}
			return out, nil
		}
		var l loader.Loader[int, string]
		var wg sync.WaitGroup
		for n := range 50 {
			for _, size := range []int{1, 2} {
				wg.Go(func() {
					id := fmt.Sprint("id", n, "/")
					if got, err := l.Load(t.Context(), id, size, read); err != nil || got != fmt.Sprint(id, size) {
						t.Errorf("%s: %s, %v", id, got, err)
					}
				})
			}
		}
		wg.Wait()
		if n := reads.Load(); n != 2 {
			t.Errorf("%d reads, want 2", n)
		}
		if _, err := l.Load(t.Context(), "id0/", 1, read); err != nil || reads.Load() != 2 {
			t.Errorf("what was read is read again: %v", err)
		}
	})
}

func TestAHundredKeysDoNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sizes := make(chan int, 10)
		read := func(_ context.Context, _ loader.None, ids []string) ([]int, error) {
			sizes <- len(ids)
			return make([]int, len(ids)), nil
		}
		var l loader.Loader[loader.None, int]
		var wg sync.WaitGroup
		for n := range 250 {
			wg.Go(func() { _, _ = l.Load(t.Context(), fmt.Sprint(n), loader.None{}, read) })
		}
		wg.Wait()
		close(sizes)
		if got := slices.Sorted(func(yield func(int) bool) {
			for n := range sizes {
				if !yield(n) {
					return
				}
			}
		}); !slices.Equal(got, []int{50, 100, 100}) {
			t.Errorf("reads of %v ids", got)
		}
	})
}

func TestACallerThatGoesAwayTakesNobodyWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		read := func(ctx context.Context, _ loader.None, ids []string) ([]int, error) {
			return make([]int, len(ids)), ctx.Err()
		}
		var l loader.Loader[loader.None, int]
		gone, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = l.Load(gone, "first", loader.None{}, read) })
		synctest.Wait() // the batch has begun with the context of the first
		leave()
		wg.Go(func() {
			if _, err := l.Load(t.Context(), "second", loader.None{}, read); err != nil {
				t.Errorf("the second caller: %v", err)
			}
		})
		wg.Wait()
	})
}

func TestWhatCouldNotBeReadIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		read := func(_ context.Context, _ loader.None, ids []string) ([]int, error) {
			if broken.Load() {
				return nil, errors.New("no database")
			}
			return make([]int, len(ids)), nil
		}
		var l loader.Loader[loader.None, int]
		if _, err := l.Load(t.Context(), "a", loader.None{}, read); err == nil {
			t.Error("no error")
		}
		if err := l.Fill(t.Context(), []string{"b"}, loader.None{}, read); err == nil {
			t.Error("no error of Fill")
		}
		broken.Store(false)
		for _, id := range []string{"a", "b"} {
			if _, err := l.Load(t.Context(), id, loader.None{}, read); err != nil {
				t.Errorf("%s stays broken: %v", id, err)
			}
		}
	})
}

func TestWhatWasFilledIsNotReadAgain(t *testing.T) {
	t.Parallel()
	var reads atomic.Int64
	read := func(_ context.Context, _ loader.None, ids []string) ([]string, error) {
		reads.Add(1)
		return slices.Clone(ids), nil
	}
	var l loader.Loader[loader.None, string]
	if err := l.Fill(t.Context(), []string{"b", "a", "b"}, loader.None{}, read); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		if got, err := l.Load(t.Context(), id, loader.None{}, read); err != nil || got != id {
			t.Errorf("%s: %s, %v", id, got, err)
		}
	}
	if n := reads.Load(); n != 1 {
		t.Errorf("%d reads", n)
	}
}

func TestAReadOfTheWrongLengthIsAnErrorNotAPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		read := func(context.Context, loader.None, []string) ([]int, error) { return []int{1, 2, 3}, nil }
		var l loader.Loader[loader.None, int]
		if _, err := l.Load(t.Context(), "a", loader.None{}, read); err == nil {
			t.Error("no error")
		}
	})
}
