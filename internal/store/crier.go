package store

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"time"

	"github.com/lib/pq"
)

const (
	// cryEvery is how long news wait for others at most: one statement tells all of them.
	cryEvery = 50 * time.Millisecond
	// cryLimit bounds that statement.
	cryLimit = 5 * time.Second
)

// crier tells the other processes on a PostgreSQL what was committed here, outside of the transactions that are told of:
// those that send a NOTIFY themselves commit one after the other, all over the database. What cannot be told is dropped.
type crier struct {
	db  *sql.DB
	log *slog.Logger

	mu      sync.Mutex
	news    map[topic]struct{}
	begun   bool
	ended   bool
	wake    chan struct{}
	stop    chan struct{}
	running sync.WaitGroup
}

func newCrier(db *sql.DB, log *slog.Logger) *crier {
	return &crier{
		db: db, log: log, news: map[topic]struct{}{}, wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
}

// tell returns at once.
func (c *crier) tell(t topic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	if !c.begun {
		c.begun = true
		c.running.Go(c.run)
	}
	c.news[t] = struct{}{}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// close tells what is left and ends the crier.
func (c *crier) close() {
	c.mu.Lock()
	ended := c.ended
	c.ended = true
	c.mu.Unlock()
	if !ended {
		close(c.stop)
	}
	c.running.Wait()
}

func (c *crier) run() {
	pace := time.NewTimer(0)
	defer pace.Stop()
	for {
		select {
		case <-c.stop:
			c.cry()
			return
		case <-c.wake:
		}
		select { // the last cry was long enough ago
		case <-c.stop:
		case <-pace.C:
		}
		c.cry()
		pace.Reset(cryEvery)
	}
}

func (c *crier) cry() {
	c.mu.Lock()
	var channels, payloads []string
	for t := range c.news {
		channels, payloads = append(channels, t.channel), append(payloads, t.payload)
	}
	clear(c.news)
	c.mu.Unlock()
	if len(channels) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cryLimit)
	defer cancel()
	_, err := c.db.ExecContext(ctx,
		"select pg_notify(channel, payload) from unnest($1::text[], $2::text[]) as news(channel, payload)",
		pq.Array(channels), pq.Array(payloads))
	if err != nil {
		c.log.WarnContext(ctx, "other replicas were not woken and will look by themselves", "error", err)
	}
}
