// Package jobs runs what runs by itself: it calls a service's step again and again until nothing is due, waits, and
// goes on. The rows themselves are the schedule; a step claims what is due, so every replica may run every job.
//
// A batch that is not full says nothing about what is still due: a step takes only so much of one provider or company.
//
//	Run ──▶ step ──▶ found anything? ──yes──▶ step …
//	           ▲                 └──no──▶ wait Every ± jitter ──┐
//	           └────────────────────────────────────────────────┘
package jobs

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Job is one kind of work.
type Job struct {
	Name string
	// Every is the wait between two looks for due rows; it is varied by a quarter, so that replicas spread.
	Every time.Duration
	// Batch is how many rows one step may claim.
	Batch int
	// Step claims and handles at most Batch due rows and returns how many it took; what it took is not due again at once.
	// It returns soon after ctx ends.
	Step func(ctx context.Context, batch int) (int, error)
}

// Run runs the jobs side by side until ctx ends and each has returned from its last step. An error is logged and the job
// goes on after its wait: one bad row must not stop the rest.
func Run(ctx context.Context, log *slog.Logger, jobs ...Job) {
	var all sync.WaitGroup
	for _, job := range jobs {
		all.Go(func() { job.run(ctx, log) })
	}
	all.Wait()
}

func (j Job) run(ctx context.Context, log *slog.Logger) {
	for ctx.Err() == nil {
		n, err := j.Step(ctx, j.Batch)
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "job failed", "job", j.Name, "error", err)
		}
		if err == nil && n > 0 {
			continue
		}
		timer := time.NewTimer(j.wait())
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}

func (j Job) wait() time.Duration {
	return time.Duration(float64(j.Every) * (0.75 + rand.Float64()/2)) //nolint:gosec // spreads replicas, keeps no secret
}
