package app

import (
	"context"
	"time"

	"github.com/patchbay/patchbay/internal/jobs"
)

const (
	// revocationsEvery and revocationBatch pace the retries of revocations that a provider could not take.
	revocationsEvery = 15 * time.Second
	revocationBatch  = 20
	// renewalsEvery and renewalBatch pace the renewal of tokens ahead of their end.
	renewalsEvery = 10 * time.Second
	renewalBatch  = 64
	// revokedKeysEvery is how soon a revocation is noticed that nobody could tell of.
	revokedKeysEvery = 10 * time.Second
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
			Name: "end what revoked keys have opened", Every: revokedKeysEvery, Batch: 1,
			Step: func(ctx context.Context, _ int) (int, error) { return 0, a.access.EndRevoked(ctx) },
		},
	}
}
