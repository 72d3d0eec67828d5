package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// followed is what a client knows of the stream: the place it goes on from, and what it was told.
type followed struct {
	after any // the last cursor
	told  []string
}

const flapping = `subscription($after: String) { integrationHealthChanged(after: $after) {
	kind cursor integrationId health { status reason } } }`

// follow opens a socket at a replica, goes on where the client stands, and reads up to some events. Whatever breaks
// ends it: the client tries again elsewhere.
func (c *followed) follow(ctx context.Context, r *running, events int) {
	conn, _, err := websocket.Dial(ctx, r.URL+"/graphql", &websocket.DialOptions{ //nolint:bodyclose // the connection's
		Subprotocols: []string{"graphql-transport-ws"},
	})
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	for _, frame := range []map[string]any{
		{"type": "connection_init", "payload": map[string]any{"authorization": "Bearer " + r.Key}},
		{"type": "subscribe", "id": "1", "payload": map[string]any{
			"query": flapping, "variables": map[string]any{"after": c.after},
		}},
	} {
		if conn.Write(ctx, websocket.MessageText, []byte(text(frame))) != nil {
			return
		}
	}
	for events > 0 {
		_, frame, err := conn.Read(ctx)
		if err != nil {
			return
		}
		var m map[string]any
		if err := json.Unmarshal(frame, &m); err != nil || m["type"] == "error" {
			c.told = append(c.told, string(frame))
			return
		}
		e := at(m, "payload", "data", "integrationHealthChanged")
		if e == nil {
			continue // the acknowledgement, or a ping
		}
		events--
		c.after = at(e, "cursor")
		kind, _ := at(e, "kind").(string)
		id, _ := at(e, "integrationId").(string)
		status, _ := at(e, "health", "status").(string)
		reason, _ := at(e, "health", "reason").(string)
		c.told = append(c.told, strings.TrimSpace(fmt.Sprint(kind, " ", id, " ", status, " ", reason)))
	}
}

// differs says how what a client was told is not the table, in order; "" when it is. Only where it was told of a gap
// may something lack.
func (c *followed) differs(table []string) string {
	gap := false
	for n, line := range c.told {
		if line == "GAP" {
			gap = true
			continue
		}
		if gap && strings.HasPrefix(line, "SNAPSHOT ") {
			continue
		}
		place := slices.Index(table, line)
		if place < 0 || place > 0 && !gap {
			return fmt.Sprintf("event %d is not the next of the table", n)
		}
		table, gap = table[place+1:], false
	}
	if len(table) > 0 && !gap {
		return fmt.Sprintf("the last %d of the table were not told", len(table))
	}
	return ""
}

// outbox is what the table says happened after a number, in order, as a client is told of it.
func (f *fleet) outbox(after int) []string {
	f.t.Helper()
	return column(f.t, f.database, fmt.Sprintf(`select rtrim(concat_ws(' ', kind, integration_id,
		case when kind = 'CHANGE' then status || ' ' || reason end)) from health_changes where seq > %d order by seq`, after))
}

// TestBehaviour16ASocketThatFlapsIsToldTheWholeTable writes through three processes at once, kills one after another
// with SIGKILL, and again and again the connections that they listen to the database with. A client's socket breaks at
// random points and goes on at any replica: what it was told is the table, in order. A client that was away until the
// table no longer held what it had missed is told so, and then how things stand.
func TestBehaviour16ASocketThatFlapsIsToldTheWholeTable(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // repeatable
	f := newFleet(t, 3, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 5*patience)
	defer cancel()

	var client, away followed
	for _, c := range []*followed{&client, &away} {
		c.follow(ctx, f.replicas[0].running, 1)
		if len(c.told) != 1 || !strings.HasPrefix(c.told[0], "SNAPSHOT "+f.calendar) {
			t.Fatalf("first %q", c.told)
		}
		c.told = nil
	}
	before := len(f.outbox(0))

	var replicas sync.Mutex // guards f.replicas once they are killed
	living := func(n int) *running {
		replicas.Lock()
		defer replicas.Unlock()
		return f.replicas[n].running
	}
	// Writers do not mind how a request ends: what happened is what the table says.
	const changes = 240
	written, stop := context.WithCancel(ctx)
	defer stop()
	var writers sync.WaitGroup
	for n := range f.replicas {
		writers.Go(func() {
			hook := map[string]any{"in": map[string]any{
				"provider": "custom_webhook", "name": "Orders", "config": map[string]any{
					"url": "https://webhooks.example.com/", "capabilities": []any{map[string]any{
						"name": "orders", "description": "", "trigger_phrases": []string{"order"},
					}},
				},
			}}
			for written.Err() == nil {
				r := living(n)
				a, err := r.send(ctx, `mutation($in: IntegrationCreateInput!) { integrationCreate(input: $in) {
					integration { id } userErrors { message } } }`, hook)
				id, ok := at(a.Data, "integrationCreate", "integration", "id").(string)
				if err != nil || !ok {
					continue
				}
				_, _ = r.send(ctx, `mutation($i: ID!) { integrationDisconnect(input: {id: $i}) { userErrors { message } } }`,
					map[string]any{"i": id})
			}
		})
	}
	listeners := 0
	var breaking sync.WaitGroup
	breaking.Go(func() {
		defer stop()
		for round := range 6 {
			wait(t, "changes", func() bool { return len(f.outbox(before)) >= changes/6*(round+1) })
			broken := 0
			wait(t, "a listening connection", func() bool {
				broken = len(column(t, f.database, `select pg_terminate_backend(pid)::text from pg_stat_activity
					where query like 'LISTEN%' and datname = current_database()`))
				return broken > 0
			})
			listeners += broken
			if round%2 == 0 {
				continue
			}
			killed := living(round / 2)
			killed.stop()
			next := f.start()
			replicas.Lock()
			f.replicas[round/2] = next
			replicas.Unlock()
		}
	})

	for written.Err() == nil {
		client.follow(written, living(random.IntN(3)), 1+random.IntN(20))
	}
	breaking.Wait()
	writers.Wait()
	want := f.outbox(before)
	for tries := 0; client.differs(want) != "" && tries < 10; tries++ {
		limit, enough := context.WithTimeout(ctx, 20*time.Second)
		client.follow(limit, living(random.IntN(3)), max(1, len(want)-len(client.told)))
		enough()
	}
	t.Logf("%d changes, %d listening connections were ended", len(want), listeners)
	if how := client.differs(want); how != "" {
		t.Errorf("%s; told %d changes, want %d:\n%s\n\n%s", how, len(client.told), len(want),
			strings.Join(client.told, "\n"), strings.Join(want, "\n"))
	}
	if len(want) < changes || listeners < 6 {
		t.Errorf("%d changes and %d ended connections prove little", len(want), listeners)
	}

	if _, err := f.database.ExecContext(ctx, `delete from health_changes where seq <= $1`, before+changes/2); err != nil {
		t.Fatal(err)
	}
	stand := column(t, f.database, `select concat_ws(' ', 'SNAPSHOT', id, health_status, health_reason)
		from integrations order by id`)
	away.follow(ctx, living(0), 1+len(stand))
	if !slices.Equal(away.told, append([]string{"GAP"}, stand...)) {
		t.Errorf("who was away was told %q, want a gap and %q", away.told, stand)
	}
}
