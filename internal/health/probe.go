package health

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/turn"
	"github.com/patchbay/patchbay/internal/viewer"
)

// Prober asks a provider whether an integration's credential works, and records what the answer proves. It returns an
// error only when the fault is our own. *integration.Service is one.
type Prober interface {
	Probe(ctx context.Context, row *ent.Integration) (Probed, error)
}

// Probed is how a probe went.
type Probed struct {
	// Sent says that the provider was asked; it is not when the credential has ended or there is no probe.
	Sent bool
	// Failed says that it gave no proof.
	Failed bool
	// RetryAfter is the wait that it asked for; 0 when it named none.
	RetryAfter time.Duration
}

// probers bounds the probes that one ProbeDue runs at once.
var probers = turn.Bounds{All: 16, PerProvider: 8, PerCompany: 8}

const (
	// probeLimit bounds one probe with all that it needs first, such as a new token. It is far shorter than probeLease,
	// after which another may probe the same integration.
	probeLimit = 45 * time.Second
	probeLease = 2 * time.Minute
	// releaseLimit bounds the write of when a row is due next. A process that stops waits for it.
	releaseLimit = 15 * time.Second
)

// ProbeDue probes up to limit integrations whose time has come, of all companies, oldest due first, and returns how many
// it took. One provider gets at most half of a batch and one company a quarter, and each half of what runs at once. It is
// one step of what runs by itself; replicas may call it at the same time, and each integration is taken by one of them.
func (s *Service) ProbeDue(ctx context.Context, prober Prober, limit int) (int, error) {
	began := s.Now()
	rows, held, err := s.claimProbes(ctx, store.ShareOf(limit))
	if err != nil {
		return 0, err
	}
	var (
		mu   sync.Mutex
		errs []error
	)
	of := func(row *ent.Integration) (string, string) { return row.Provider, row.CompanyID }
	turn.Each(probers, rows, of, func(row *ent.Integration) {
		ctx := viewer.SystemFor(ctx, row.CompanyID)
		next := row.NextProbeAt // given back when the process stops, or the turn comes too late in the lease
		if ctx.Err() == nil && s.Now().Sub(began) < probeLease-2*probeLimit {
			after, err := s.probe(ctx, prober, row)
			switch {
			case err == nil:
				next = after
			case ctx.Err() == nil: // the lease holds the row for a while
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
				return
			}
		}
		s.release(ctx, row, held, next)
	})
	return len(rows), errors.Join(errs...)
}

// claimProbes takes due rows and returns them as they were. The lease is the due time itself, moved to the time until
// which the rows are held: those of a process that dies are due again then.
func (s *Service) claimProbes(ctx context.Context, share store.Share) ([]*ent.Integration, time.Time, error) {
	var rows []*ent.Integration
	var held time.Time
	err := s.Store.InTx(viewer.System(ctx), func(ctx context.Context) error {
		now, err := s.Store.Now(ctx)
		if err != nil {
			return err
		}
		held = now.Add(probeLease)
		due := integration.And(integration.NextProbeAtLTE(now), integration.Enabled(true))
		query := s.Store.Client(ctx).Integration.Query().
			Where(due, share.Within(integration.FieldNextProbeAt, due)).
			Order(integration.ByNextProbeAt(), integration.ByID()).Limit(share.Limit)
		if s.Store.Locks() {
			query.ForUpdate(entsql.WithLockAction(entsql.SkipLocked))
		}
		if rows, err = query.All(ctx); err != nil || len(rows) == 0 {
			return err
		}
		ids := make([]string, len(rows))
		for i, row := range rows {
			ids[i] = row.ID
		}
		return s.Store.Client(ctx).Integration.Update().Where(integration.IDIn(ids...)).SetNextProbeAt(held).Exec(ctx)
	})
	if err != nil {
		return nil, held, fmt.Errorf("claim probes: %w", err)
	}
	return rows, held, nil
}

// probe sends one probe and returns when the next is due; nil when there is nothing to probe.
func (s *Service) probe(ctx context.Context, prober Prober, row *ent.Integration) (*time.Time, error) {
	limited, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	done, err := prober.Probe(limited, row)
	if err != nil && limited.Err() != nil && ctx.Err() == nil { // it took too long, which proves nothing
		done, err = Probed{Failed: true}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("probe %s: %w", row.ID, err)
	}
	if done.Sent {
		err := s.Store.Client(ctx).Integration.Update().Where(integration.ID(row.ID)).SetProbedAt(s.Now()).Exec(ctx)
		if err != nil {
			return nil, fmt.Errorf("record a probe: %w", err)
		}
	}
	every := s.every(row.Provider)
	if every <= 0 {
		return nil, nil //nolint:nilnil // never again
	}
	failures := 0
	switch {
	case done.Failed:
		failures = row.FailedProbes + 1
	case !done.Sent: // what has ended is looked at now and then
		failures = failuresToDegrade + maxRest
	}
	next := s.nextProbe(every, failures, done.RetryAfter)
	return &next, nil
}

// release sets when the row is due next, unless something else has said so meanwhile. Without the write the row is due
// when its lease ends.
func (s *Service) release(ctx context.Context, row *ent.Integration, held time.Time, next *time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseLimit)
	defer cancel()
	update := s.Store.Client(ctx).Integration.Update().Where(integration.ID(row.ID), integration.NextProbeAt(held))
	if next == nil {
		update.ClearNextProbeAt()
	} else {
		update.SetNextProbeAt(*next)
	}
	if err := update.Exec(ctx); err != nil {
		s.log().WarnContext(ctx, "when to probe again is not recorded", "integration_id", row.ID, "error", err)
	}
}
