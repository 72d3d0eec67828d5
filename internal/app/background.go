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
	// revokedKeysEvery is how soon a revocation is noticed that nobody could tell of.
	revokedKeysEvery = 3 * time.Second
)

// jobs is all that runs by itself.
func (a *App) jobs() []jobs.Job {
	return []jobs.Job{
		{
			Name: "retry revocations", Every: revocationsEvery, Batch: revocationBatch,
			Step: a.credentials.RetryRevocations,
		},
		{Name: "renew tokens ahead", Every: renewalsEvery, Batch: renewalBatch, Step: a.credentials.RefreshDue},
		{
			Name: "probe health", Every: probesEvery, Batch: probeBatch,
			Step: func(ctx context.Context, batch int) (int, error) { return a.health.ProbeDue(ctx, a.integrations, batch) },
		},
		{Name: "age health", Every: agesEvery, Batch: ageBatch, Step: a.health.AgeDue},
		{
			Name: "end what revoked keys have opened", Every: revokedKeysEvery, Batch: 1,
			Step: func(ctx context.Context, _ int) (int, error) { return 0, a.access.EndRevoked(ctx) },
		},
	}
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
