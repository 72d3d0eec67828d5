package health_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/healthchange"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

// reasons alternate, so that each report is a change.
var reasons = []health.Reason{health.ProviderError, health.OK}

// settled waits until what a test has started is gone: the number of goroutines comes down to base.
func settled(t *testing.T, base int) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); ; runtime.Gosched() {
		n := runtime.NumGoroutine()
		if n <= base {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%d goroutines, %d before", n, base)
		}
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// It counts goroutines and memory, so it runs beside no other test.
func TestAThousandReadersShareOneReaderOfTheOutbox(t *testing.T) { //nolint:paralleltest // see above
	for name, url := range map[string]func(*testing.T) string{"SQLite": storetest.SQLite, "PostgreSQL": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, storetest.Open(t, store.Options{URL: url(t)}))
			foreign := newWorld(t, w.Store)
			theirs := foreign.integration(t, foreign.users[0], "acme")
			var rows []*ent.Integration
			for i := range 10 {
				rows = append(rows, w.integration(t, w.users[i%2], []string{"acme", "umbrella"}[i%2]))
			}
			reading, statements := store.CountStatements(w.ctx) // the first reader's context is the feed's
			first, stop := context.WithCancel(reading)
			defer stop()
			opened, err := w.Follow(first, health.Filter{IntegrationIDs: []string{theirs.ID}})
			if err != nil {
				t.Fatal(err)
			}
			crowd := func() {
				base := runtime.NumGoroutine()
				const readers, rounds = 1000, 4
				ctx, leave := context.WithCancel(w.ctx)
				defer leave()
				var ready, came, all sync.WaitGroup
				want := make([]int, readers)
				for i := range readers {
					filter := health.Filter{}
					asks := viewer.Viewer{Company: w.company, Actor: "key_test", Scopes: viewer.Scopes}
					switch i % 4 {
					case 0:
						filter.IntegrationIDs, want[i] = []string{rows[i%10].ID, theirs.ID}, 1
					case 1:
						filter.Providers, want[i] = []string{"umbrella"}, 5
					case 2:
						filter.UserID, want[i] = &w.users[0].ID, 5
					case 3:
						asks.User, want[i] = w.users[1].ID, 5
					}
					want[i] *= rounds
					ready.Add(1)
					came.Add(1)
					all.Go(func() {
						told := sync.OnceFunc(came.Done)
						defer told()
						stream, err := w.Follow(viewer.With(ctx, asks), filter)
						ready.Done()
						if err != nil {
							t.Error(err)
							return
						}
						for range want[i] {
							if e := next(t, stream); e.Kind != health.Change || e.IntegrationID == theirs.ID {
								t.Errorf("reader %d: %+v", i, e)
							}
						}
						told()
						for e := range stream {
							t.Errorf("reader %d: more came: %+v", i, e)
						}
					})
				}
				ready.Wait()
				before := statements.Count()
				for n := range rounds {
					for _, row := range append(slices.Clone(rows), theirs) {
						by := w
						if row == theirs {
							by = foreign
						}
						by.report(t, row, reasons[n%2])
					}
				}
				came.Wait() // each reader waits for an event with a limit of its own
				// At most one read for each change and its wake, and one that finds nothing, whoever listens.
				if n := statements.Count() - before; n > 3*10*rounds {
					t.Errorf("%d statements for %d changes and %d readers", n, 10*rounds, readers)
				}
				leave()
				all.Wait()
				settled(t, base)
			}
			crowd() // fills what is kept for good: connections, their statements, the program's own tables
			before := heap()
			crowd()
			if now := heap(); now > before+1<<20 {
				t.Errorf("%d KiB of memory stay", (now-before)>>10)
			}
			stop()
			for e := range opened {
				t.Errorf("another company's event: %+v", e)
			}
		})
	}
}

func TestAReaderWhoseBufferIsFullIsToldOfTheGap(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		row := w.integration(t, w.users[0], "acme")
		ctx, cancel := context.WithCancel(w.ctx)
		defer cancel()
		slow, err := w.Follow(ctx, health.Filter{Snapshot: true})
		if err != nil {
			t.Fatal(err)
		}
		next(t, slow)
		quick, err := w.Follow(ctx, health.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		// A reader that has not joined yet when the changes come reads them by itself, and then there is no gap: again.
		written, told := 0, 0
		var gap bool
		for range 20 {
			for range 150 {
				w.report(t, row, reasons[written%2])
				written++
				if e := next(t, quick); e.Kind != health.Change {
					t.Fatalf("who keeps up got %+v", e)
				}
			}
			for told < written && !gap {
				e := next(t, slow)
				if gap = e.Kind == health.Gap; gap {
					break
				}
				if e.Kind != health.Change || e.Health.Reason != reasons[told%2] {
					t.Fatalf("change %d = %+v", told, e)
				}
				told++
			}
			if gap {
				break
			}
		}
		if !gap {
			t.Fatalf("all %d changes came", told)
		}
		if e := next(t, slow); e.Kind != health.Snapshot || e.Health.Reason != reasons[(written-1)%2] {
			t.Errorf("behind the gap: %+v", e)
		}
		w.report(t, row, reasons[written%2])
		if e := next(t, slow); e.Kind != health.Change {
			t.Errorf("then: %+v", e)
		}
		cancel()
		for range slow { //nolint:revive // until it closes
		}
		for range quick { //nolint:revive // until it closes
		}
	})
}

func TestTheStreamOfADeletedUserTellsWhatWasRemovedAndEnds(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		row := w.integration(t, w.users[0], "acme")
		asUser := viewer.With(w.ctx, viewer.Viewer{Company: w.company, User: w.users[0].ID, Actor: w.users[0].ID})
		var streams []<-chan health.Event
		for _, open := range []struct {
			ctx    context.Context
			filter health.Filter
		}{{w.ctx, health.Filter{UserID: &w.users[0].ID}}, {asUser, health.Filter{}}} {
			stream, err := w.Follow(open.ctx, open.filter)
			if err != nil {
				t.Fatal(err)
			}
			streams = append(streams, stream)
		}
		err := w.Store.InTx(w.ctx, func(ctx context.Context) error {
			if err := w.Removed(ctx, row); err != nil {
				return err
			}
			client := w.Store.Client(ctx)
			if err := client.Integration.DeleteOneID(row.ID).Exec(ctx); err != nil {
				return err
			}
			if err := client.User.DeleteOneID(w.users[0].ID).Exec(ctx); err != nil {
				return err
			}
			return w.UserGone(ctx, w.users[0].ID)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, stream := range streams {
			if e := next(t, stream); e.Kind != health.Removed || e.IntegrationID != row.ID {
				t.Errorf("got %+v", e)
			}
			for e := range stream {
				t.Errorf("more came: %+v", e)
			}
		}
	})
}

// within returns the next event, and false when the stream has ended.
func within(t *testing.T, stream <-chan health.Event) (health.Event, bool) {
	t.Helper()
	select {
	case e, open := <-stream:
		return e, open
	case <-time.After(time.Minute):
		t.Fatal("no event came")
		return health.Event{}, false
	}
}

// Two replicas over one database: what they listen with is killed, one is closed in the middle, and the client leaves at
// random points and goes on wherever it lands. What it was told is the table, in order.
func TestBehaviour16NoChangeIsLostWhateverBreaks(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			url := storetest.Postgres(t)
			w := newWorld(t, storetest.Open(t, store.Options{URL: url}))
			doomed, err := store.Open(t.Context(), store.Options{URL: url, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			replicas := []*health.Service{
				{Store: w.Store, Audit: w.Audit, Now: w.Now, NewID: w.NewID},
				{Store: doomed, Audit: w.Audit, Now: w.Now, NewID: w.NewID},
			}
			var rows []*ent.Integration
			for range 5 {
				rows = append(rows, w.integration(t, w.users[0], "acme"))
			}
			start, done := context.WithCancel(w.ctx)
			snapshot, err := w.Follow(start, health.Filter{Snapshot: true})
			if err != nil {
				t.Fatal(err)
			}
			var after *string
			for range rows {
				after = new(next(t, snapshot).Cursor)
			}
			done()
			for range snapshot { //nolint:revive // until it closes
			}

			const changes = 240
			ended := int64(0) // connections that listened
			written := make(chan struct{})
			go func() {
				defer close(written)
				random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable
				last := map[string]int{}
				for i := range changes {
					row := rows[random.IntN(len(rows))]
					if _, err := w.Report(w.ctx, row.ID, health.Finding{Reason: reasons[last[row.ID]%2]}); err != nil {
						t.Error(err)
					}
					last[row.ID]++
					switch {
					case i == changes/2:
						if err := doomed.Close(); err != nil {
							t.Error(err)
						}
					case random.IntN(12) == 0:
						broken, err := w.Store.SQL(w.ctx).ExecContext(w.ctx, `select pg_terminate_backend(pid) from pg_stat_activity
							where query like 'LISTEN%' and datname = current_database()`)
						if err != nil {
							t.Error(err)
							continue
						}
						n, _ := broken.RowsAffected()
						ended += n
					}
				}
			}()

			random := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // repeatable
			var told []string
			gaps := 0
			for len(told) < changes && gaps == 0 {
				ctx, cancel := context.WithCancel(w.ctx)
				on := replicas[random.IntN(len(replicas))]
				stream, err := on.Follow(ctx, health.Filter{After: after})
				if err != nil { // the replica is gone
					cancel()
					replicas = replicas[:1]
					continue
				}
				for range 1 + random.IntN(30) {
					e, open := within(t, stream)
					if !open {
						break
					}
					if e.Kind == health.Gap {
						gaps++
						break
					}
					after = &e.Cursor
					told = append(told, e.IntegrationID+" "+string(e.Health.Reason))
					if len(told) == changes {
						break
					}
				}
				cancel()
				for range stream { //nolint:revive // until it closes
				}
			}
			<-written
			var want []string
			for _, c := range w.Store.Client(w.ctx).HealthChange.Query().Order(healthchange.BySeq()).AllX(w.ctx) {
				want = append(want, c.IntegrationID+" "+c.Reason)
			}
			if gaps > 0 {
				t.Fatalf("%d gaps although everything is kept", gaps)
			}
			if ended == 0 {
				t.Error("no listening connection was ended")
			}
			if !slices.Equal(told, want) {
				t.Errorf("told %d changes, want %d:\n%s\n\n%s", len(told), len(want),
					strings.Join(told, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}
