package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"time"
)

// nestedQuery is what a dashboard asks: a page of people, what they have connected, and what happened last.
const nestedQuery = `{ users(first:20){edges{node{id externalId metadata integrations(first:5){edges{node{id provider{name} ` +
	`status scopes lastUsedAt auditEvents(first:3){edges{node{eventType timestamp}}}}}}}}} }`

// nestedRead compares the nested read with a server by hand.
func (w *world) nestedRead(ctx context.Context) error {
	ours, err := w.patchbay(ctx)
	if err != nil {
		return err
	}
	defer ours.stop()
	hand, err := launch(ctx, "rows", w.database)
	if err != nil {
		return err
	}
	defer hand.stop()
	body, err := json.Marshal(map[string]string{"query": nestedQuery})
	if err != nil {
		return err
	}
	targets := []target{
		{name: "patchbay", server: ours, path: "/graphql", body: body, header: http.Header{"Authorization": {"Bearer " + w.key}}},
		{name: "by hand", server: hand, path: "/", body: body, header: http.Header{}},
	}
	if err := sameAnswer(ctx, targets); err != nil {
		return err
	}
	statements, err := w.statements(ctx, targets)
	if err != nil {
		return err
	}
	costs, err := compare(ctx, w.postgres, targets...)
	if err != nil {
		return err
	}
	report("Nested read: 20 users, their integrations, 3 audit events each", targets, costs, statements)
	return nil
}

// sameAnswer makes sure that the servers are compared over the same work.
func sameAnswer(ctx context.Context, targets []target) error {
	var first any
	var before []byte
	for i, t := range targets {
		text, err := t.once(ctx, http.DefaultClient)
		if err != nil {
			return err
		}
		var got any
		if err := json.Unmarshal(text, &got); err != nil {
			return err
		}
		if i == 0 {
			first, before = got, text
		} else if !reflect.DeepEqual(first, got) {
			return fmt.Errorf("%s answers something else than %s:\n%.800s\n%.800s", t.name, targets[0].name, text, before)
		}
	}
	return nil
}

// settle is longer than an idle process of PostgreSQL keeps its counts to itself (PGSTAT_IDLE_INTERVAL, 10 s).
const settle = 11 * time.Second

// statements returns how many statements one request takes, as PostgreSQL counts transactions: outside of explicit ones
// each statement is one. Authentication is among them.
func (w *world) statements(ctx context.Context, targets []target) ([]float64, error) {
	const requests = 100
	before, err := w.transactions(ctx)
	if err != nil {
		return nil, err
	}
	var out []float64
	for _, t := range targets {
		for range requests {
			if _, err := t.once(ctx, http.DefaultClient); err != nil {
				return nil, err
			}
		}
		after, err := w.transactions(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, float64(after-before)/requests)
		before = after
	}
	return out, nil
}

// transactions returns the database's count of transactions once every process has reported.
func (w *world) transactions(ctx context.Context) (n int64, err error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(settle):
	}
	err = w.db.QueryRowContext(ctx, "select xact_commit from pg_stat_database where datname = current_database()").Scan(&n)
	return n, err
}

func report(title string, targets []target, costs []cost, statements []float64) {
	fmt.Printf("\n%s\n%-12s %12s %12s %12s %12s\n", title, "", "server", "PostgreSQL", "total", "latency")
	us := func(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }
	for i, t := range targets {
		c := costs[i]
		fmt.Printf("%-12s %12s %12s %12s %12s", t.name, us(c.server), us(c.database), us(c.total()), us(c.latency))
		if statements != nil {
			fmt.Printf("   %.1f statements", statements[i])
		}
		fmt.Println()
	}
	fmt.Printf("ratio of total processor time: %.2f\n", float64(costs[0].total())/float64(costs[1].total()))
}
