package app

import (
	"context"
	"time"

	"github.com/patchbay/patchbay/internal/jobs"
	"github.com/patchbay/patchbay/internal/provider"
)

const (
	// revocationsEvery and revocationBatch pace the retries of revocations that a provider could not take.
	revocationsEvery = 15 * time.Second
	revocationBatch  = 20
	// renewalsEvery and renewalBatch pace the renewal of tokens ahead of their end.
	renewalsEvery = 10 * time.Second
	renewalBatch  = 64
	// probesEvery and probeBatch pace the probes that are due, agesEvery and ageBatch what nothing has proved for too long.
	probesEvery = 10 * time.Second
	probeBatch  = 64
	agesEvery   = 30 * time.Second
	ageBatch    = 100
	// watchesEvery is how soon an ill provider is noticed.
	watchesEvery = 15 * time.Second
	// prunesEvery and pruneBatch pace the deletion of what is kept for a time only.
	prunesEvery = 10 * time.Minute
	pruneBatch  = 500
	// clockEvery is how often the database is asked for its time, and wayOff how far off a machine's clock is worth a word.
	clockEvery = 30 * time.Second
	wayOff     = time.Minute
	// revokedKeysEvery is how soon a revocation is noticed that nobody could tell of.
	revokedKeysEvery = 3 * time.Second
)

// jobs is all that runs by itself.
func (a *App) jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "keep time", Every: clockEvery, Batch: 1, Step: a.keepTime()},
		{
			Name: "retry revocations", Every: revocationsEvery, Batch: revocationBatch,
			Step: a.credentials.RetryRevocations,
		},
		{Name: "renew tokens ahead", Every: renewalsEvery, Batch: renewalBatch, Step: a.credentials.RefreshDue},
		{
			Name: "probe health", Every: probesEvery, Batch: probeBatch,
			Step: func(ctx context.Context, batch int) (int, error) {
				return a.health.ProbeDue(ctx, a.integrations, batch)
			},
		},
		{Name: "age health", Every: agesEvery, Batch: ageBatch, Step: a.health.AgeDue},
		{
			Name: "watch providers", Every: watchesEvery, Batch: 1,
			Step: func(ctx context.Context, _ int) (int, error) { return a.health.WatchProviders(ctx) },
		},
		a.prune("prune health changes", a.settings.KeepHealthChanges, a.health.Prune),
		a.prune("prune attempts to connect", a.settings.KeepAttempts, a.integrations.PruneAttempts),
		{
			Name: "prune idempotency keys", Every: prunesEvery, Batch: pruneBatch,
			Step: func(ctx context.Context, batch int) (int, error) { return a.queries.PruneKeys(ctx, a.now(), batch) },
		},
		{
			Name: "end what revoked keys have opened", Every: revokedKeysEvery, Batch: 1,
			Step: func(ctx context.Context, _ int) (int, error) { return 0, a.access.EndRevoked(ctx) },
		},
	}
}

// keepTime returns the job that keeps the clock right, and says when this machine's own has come to be far off.
func (a *App) keepTime() func(context.Context, int) (int, error) {
	var told time.Duration
	return func(ctx context.Context, _ int) (int, error) {
		ahead, err := a.clock.Sync(ctx)
		if err == nil && (ahead-told).Abs() > wayOff {
			told = ahead
			a.log.WarnContext(ctx, "this machine's clock is not the database's, which is used", "ahead_seconds", ahead.Seconds())
		}
		return 0, err
	}
}

// prune is the job that deletes what ended longer ago than it is kept; 0 keeps it for ever.
func (a *App) prune(
	name string, keep time.Duration, prune func(ctx context.Context, before time.Time, limit int) (int, error),
) jobs.Job {
	return jobs.Job{Name: name, Every: prunesEvery, Batch: pruneBatch, Step: func(ctx context.Context, n int) (int, error) {
		if keep <= 0 {
			return 0, nil
		}
		return prune(ctx, a.now().Add(-keep), n)
	}}
}

// probeInterval returns how often a provider is probed; 0 when it cannot be.
func probeInterval(catalog *provider.Catalog) func(name string) time.Duration {
	return func(name string) time.Duration {
		p, ok := catalog.Get(name)
		if !ok || !p.Probe.Possible() {
			return 0
		}
		return p.Probe.Every
	}
}
