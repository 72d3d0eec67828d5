package app_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// load is what callers did during an outage: what they were answered, and how else requests ended.
type load struct {
	mu        sync.Mutex
	questions []string // that were answered
	users     []string // ids that were answered
	hooks     []string
	failures  map[string]int // by code
	strange   []string       // failures that do not say to try again
	succeeded [12]atomic.Int64
}

func (l *load) failed(code, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failures == nil {
		l.failures = map[string]int{}
	}
	l.failures[code]++
	if code != "UNAVAILABLE" && code != "TIMEOUT" {
		l.strange = append(l.strange, text)
	}
}

func (l *load) failedTimes() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, times := range l.failures {
		n += times
	}
	return n
}

// call sends one request and notes how it ended; then is told of the payload of an answer.
func (l *load) call(r *running, field, query string, variables map[string]any, then func(payload any)) {
	a, err := r.send(r.t.Context(), query, variables)
	payload := at(a.Data, field)
	switch {
	case err != nil:
		l.failed(err.Error(), err.Error())
	case len(a.Errors) > 0:
		code, _ := a.Errors[0].Extensions["code"].(string)
		l.failed(code, a.raw)
	case at(payload, "userErrors", 0) != nil:
		l.failed("userErrors", a.raw)
	default:
		l.mu.Lock()
		defer l.mu.Unlock()
		then(payload)
	}
}

// work asks, makes a user and, as the first worker, a webhook, again and again until done says so.
func (l *load) work(s *sealedServer, r *running, worker int, hook string, done func() bool) {
	for n := 0; !done(); n++ {
		question := fmt.Sprintf("order status of %d-%d", worker, n)
		l.call(r, "integrationQuery", `mutation($i: ID!, $q: String!) {
			integrationQuery(input: {integrationId: $i, query: $q, timeoutMs: 30000}) { result { results { title } } userErrors { code message } } }`, map[string]any{"i": hook, "q": question},
			func(any) { l.questions = append(l.questions, question); l.succeeded[worker].Add(1) })
		l.call(r, "userCreate", `mutation { userCreate(input: {}) { user { id } userErrors { code message } } }`, nil,
			func(p any) { l.users = append(l.users, at(p, "user", "id").(string)) })
		if worker > 0 {
			continue
		}
		l.call(r, "integrationCreate", `mutation($in: IntegrationCreateInput!) { integrationCreate(input: $in) {
			integration { id } userErrors { code message } } }`, map[string]any{"in": s.hookInput()},
			func(p any) { l.hooks = append(l.hooks, at(p, "integration", "id").(string)) })
	}
}

// TestADatabaseThatRestartsUnderLoadLosesNothingThatWasAnswered takes PostgreSQL away from two replicas under load, twice.
// Requests fail with a code that says to try again and recover by themselves; what was answered is in the trail exactly
// once and counted; a stream goes on.
func TestADatabaseThatRestartsUnderLoadLosesNothingThatWasAnswered(t *testing.T) {
	t.Parallel()
	server, database := storetest.OwnPostgres(t)
	s := newSealedServer(t, database)
	replicas := []*running{s.running, s.start(t)}
	hook := s.webhook()

	events := replicas[1].subscribe(streamed, nil)
	var (
		told  sync.Map // integration ids
		gaps  atomic.Int64
		ended atomic.Bool
	)
	go func() {
		defer ended.Store(true)
		for e := range events {
			if at(e, "integrationHealthChanged", "kind") == "GAP" {
				gaps.Add(1)
			}
			id, _ := at(e, "integrationHealthChanged", "integrationId").(string)
			told.Store(id, true)
		}
	}()

	l := &load{}
	var stop atomic.Bool
	var workers sync.WaitGroup
	for w := range l.succeeded {
		workers.Go(func() { l.work(s, replicas[w%2], w, hook, stop.Load) })
	}
	// everybody waits until each worker has been answered some times more.
	everybody := func(times int64) {
		t.Helper()
		var want [len(l.succeeded)]int64
		for w := range want {
			want[w] = l.succeeded[w].Load() + times
		}
		wait(t, "the callers", func() bool {
			for w := range want {
				if l.succeeded[w].Load() < want[w] {
					return false
				}
			}
			return true
		})
	}
	everybody(3)
	for range 2 {
		before := l.failedTimes()
		if err := server.Down(t.Context()); err != nil {
			t.Fatal(err)
		}
		wait(t, "failures", func() bool { return l.failedTimes() >= before+20 })
		if err := server.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		everybody(3)
	}
	stop.Store(true)
	workers.Wait()
	t.Logf("%d questions, %d users and %d webhooks were answered; failures: %v; %d gaps",
		len(l.questions), len(l.users), len(l.hooks), l.failures, gaps.Load())
	for i, text := range l.strange {
		if i < 5 {
			t.Errorf("a failure that does not say to try again: %s", text)
		}
	}

	db := openBeside(t, database)
	defer db.Close()
	trail := map[string]int{}
	for _, question := range column(t, db, `select query from audit_events where event_type = 'QUERY' and succeeded`) {
		trail[question]++
	}
	for _, question := range l.questions {
		if trail[question] != 1 {
			t.Errorf("%q was answered and is in the trail %d times", question, trail[question])
		}
	}
	counted := column(t, db, `select coalesce(sum(queries), 0)::text from usage_counters`)
	recorded := column(t, db, `select count(*)::text from audit_events where event_type = 'QUERY' and succeeded`)
	if !slices.Equal(counted, recorded) {
		t.Errorf("%v questions are counted, %v are in the trail", counted, recorded)
	}
	made := column(t, db, `select user_id from audit_events where event_type = 'CREATED' and details->>'kind' = 'user'`)
	rows := column(t, db, `select id from users`)
	for _, list := range [][]string{made, rows} {
		if slices.Sort(list); len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Error("a user is there twice")
		}
	}
	for _, id := range l.users {
		if !slices.Contains(rows, id) || !slices.Contains(made, id) {
			t.Errorf("user %s was answered: the row is there: %v, the event: %v",
				id, slices.Contains(rows, id), slices.Contains(made, id))
		}
	}
	if !slices.Equal(made, rows) {
		t.Errorf("%d users, %d events", len(rows), len(made))
	}

	final := s.webhook()
	wait(t, "the stream to go on", func() bool {
		_, heard := told.Load(final)
		return heard || ended.Load()
	})
	if ended.Load() {
		t.Fatal("the stream ended")
	}
	for _, id := range l.hooks {
		if _, ok := told.Load(id); !ok {
			t.Errorf("the stream says nothing of %s", id)
		}
	}
}

// wait waits until something is so.
func wait(t *testing.T, what string, so func() bool) {
	t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for limit := time.After(patience); !so(); {
		select {
		case <-look.C:
		case <-limit:
			t.Fatalf("still waiting for %s", what)
		}
	}
}

// hookInput makes a webhook that answers questions about orders.
func (s *sealedServer) hookInput() map[string]any {
	return map[string]any{
		"provider": "custom_webhook", "name": "Orders",
		"config": map[string]any{
			"url":            strings.TrimSuffix(s.vendor.URL, "/") + "/hook",
			"authentication": map[string]any{"type": "bearer", "token": "{{TOKEN}}"},
			"capabilities":   []any{map[string]any{"name": "order_status", "trigger_phrases": []string{"order status"}}},
		},
		"secrets": map[string]any{"TOKEN": mark},
	}
}
