package store

import (
	"context"
	"slices"
	"sync"
)

// Counter collects the statements that ran under one context. It is safe for concurrent use.
type Counter struct {
	mu      sync.Mutex
	queries []string
}

// Count returns how many statements ran. Beginning and ending a transaction are not counted.
func (c *Counter) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queries)
}

// Queries returns the statements in the order in which they ran.
func (c *Counter) Queries() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.queries)
}

type counterKey struct{}

// CountStatements returns a context whose statements are collected, for tests that hold a number of round trips down.
// Contexts made from it count into the same Counter.
func CountStatements(ctx context.Context) (context.Context, *Counter) {
	c := &Counter{}
	return context.WithValue(ctx, counterKey{}, c), c
}

func count(ctx context.Context, query string) {
	if c, ok := ctx.Value(counterKey{}).(*Counter); ok {
		c.mu.Lock()
		c.queries = append(c.queries, query)
		c.mu.Unlock()
	}
}
