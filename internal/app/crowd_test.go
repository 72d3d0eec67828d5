package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// heapInUse is what is live.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestAThousandSubscribersComeAndGo opens a thousand streams to one replica over HTTP, each about its own integrations. It
// counts goroutines and memory, so it runs beside no other test.
func TestAThousandSubscribersComeAndGo(t *testing.T) { //nolint:paralleltest // see above
	s := newSealedServer(t, storetest.SQLite(t))
	var hooks []string
	for range 40 {
		hooks = append(hooks, s.webhook())
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	// follow reads a stream: it hands each event to told until that returns false or ctx ends.
	follow := func(ctx context.Context, ids []string, told func(kind, id string) bool) {
		body := text(map[string]any{"variables": map[string]any{"ids": ids}, "query": `subscription($ids: [ID!]) {
			integrationHealthChanged(integrationIds: $ids) { kind integrationId } }`})
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/graphql", strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Authorization", "Bearer "+s.Key)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "text/event-stream")
		resp, err := client.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue
			}
			var a answer
			if err := json.Unmarshal([]byte(data), &a); err != nil || len(a.Errors) > 0 {
				t.Errorf("%v %s", err, data)
				return
			}
			kind, _ := at(a.Data, "integrationHealthChanged", "kind").(string)
			id, _ := at(a.Data, "integrationHealthChanged", "integrationId").(string)
			if !told(kind, id) {
				return
			}
		}
	}
	visit, leave := context.WithTimeout(t.Context(), patience)
	follow(visit, hooks[:1], func(string, string) bool { return false }) // what the first one makes stays
	leave()
	s.answers(hooks[0])
	routines, memory := runtime.NumGoroutine(), heapInUse()

	ctx, leave := context.WithTimeout(t.Context(), 3*patience)
	defer leave()
	var ready, heard, gone sync.WaitGroup
	for n := range subscribers {
		own := []string{hooks[n%len(hooks)], hooks[(7*n+3)%len(hooks)]}
		slices.Sort(own)
		own = slices.Compact(own)
		ready.Add(1)
		heard.Add(1)
		gone.Go(func() {
			begun, done := sync.OnceFunc(ready.Done), sync.OnceFunc(heard.Done)
			defer begun()
			defer done()
			var got []string
			follow(ctx, own, func(kind, id string) bool {
				if got = append(got, kind+" "+id); len(got) == len(own) {
					begun()
				}
				if len(got) == 2*len(own) {
					done()
				}
				return true
			})
			var want []string
			for _, kind := range []string{"SNAPSHOT ", "REMOVED "} {
				for _, id := range own {
					want = append(want, kind+id)
				}
			}
			slices.Sort(got)
			if slices.Sort(want); !slices.Equal(got, want) {
				t.Errorf("subscriber %d got %q, want %q", n, got, want)
			}
		})
	}
	ready.Wait()
	crowd := runtime.NumGoroutine()
	for _, id := range hooks {
		s.mutate("integrationDisconnect", "", map[string]any{"id": id})
	}
	heard.Wait()
	leave()
	gone.Wait()
	client.CloseIdleConnections()
	wait(t, "the goroutines", func() bool { return runtime.NumGoroutine() <= routines+10 })
	var stays int64
	wait(t, "the memory", func() bool {
		stays = int64(heapInUse()) - int64(memory) //nolint:gosec // far from the limits
		return stays < 8<<20
	})
	t.Logf("%d subscribers took %d goroutines; %d and %d KiB stay", subscribers, crowd-routines,
		runtime.NumGoroutine()-routines, stays>>10)
}
