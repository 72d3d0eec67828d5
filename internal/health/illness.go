package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/ent/providerillness"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/viewer"
)

const (
	// illnessWindow is how far back probes are counted, and illnessProbes how many there must be to call a provider ill.
	illnessWindow = 5 * time.Minute
	illnessProbes = 20
)

// tally is how the last probes of one provider went, of all companies.
type tally struct {
	Provider string `json:"provider"`
	Probes   int    `json:"probes"`
	Failed   int    `json:"failed"`
}

// most reports whether more than half of the probes failed.
func (t tally) most() bool { return 2*t.Failed > t.Probes }

// WatchProviders calls a provider ill when more than half of at least twenty integrations that were probed in the last
// five minutes failed, and well again when that is not so any more; without a probe it stays as it was. Each company
// that has the provider is told once, by one audit event, and so it is of the recovery. It returns how many companies
// were told. It is one step of what runs by itself; replicas may call it at the same time.
func (s *Service) WatchProviders(ctx context.Context) (int, error) {
	system := viewer.System(ctx)
	tallies, err := s.tallies(system)
	if err != nil {
		return 0, err
	}
	ill, err := s.Store.Client(system).ProviderIllness.Query().All(system)
	if err != nil {
		return 0, fmt.Errorf("read which providers are ill: %w", err)
	}
	told := 0
	var errs []error
	count := func(changed bool, err error) {
		if changed {
			told++
		}
		errs = append(errs, err)
	}
	for _, row := range ill {
		t, probed := tallies[row.Provider]
		switch {
		case probed && !t.most():
		case !probed:
			if waits, err := s.awaitsProbes(system, row); err != nil || waits {
				errs = append(errs, err)
				continue
			}
		default:
			continue
		}
		count(s.recovered(viewer.SystemFor(ctx, row.CompanyID), row, t))
	}
	for _, t := range tallies {
		known := slices.ContainsFunc(ill, func(row *ent.ProviderIllness) bool { return row.Provider == t.Provider })
		if !t.most() || t.Probes < illnessProbes && !known {
			continue
		}
		companies, err := s.concerned(system, t.Provider)
		errs = append(errs, err)
		for _, company := range companies {
			has := func(row *ent.ProviderIllness) bool { return row.Provider == t.Provider && row.CompanyID == company }
			if !slices.ContainsFunc(ill, has) {
				count(s.sickened(viewer.SystemFor(ctx, company), t))
			}
		}
	}
	return told, errors.Join(errs...)
}

// tallies counts, for each provider, the integrations that were probed lately and could have worked.
func (s *Service) tallies(ctx context.Context) (map[string]tally, error) {
	var all []tally
	err := s.Store.Client(ctx).Integration.Query().
		Where(integration.ProbedAtGT(s.Now().Add(-illnessWindow)),
			integration.HealthStatusIn(string(Healthy), string(Degraded))).
		GroupBy(integration.FieldProvider).
		Aggregate(ent.As(ent.Count(), "probes"), func(*entsql.Selector) string {
			return entsql.As("SUM(CASE WHEN failed_probes > 0 THEN 1 ELSE 0 END)", "failed")
		}).Scan(ctx, &all)
	if err != nil {
		return nil, fmt.Errorf("count the last probes: %w", err)
	}
	out := make(map[string]tally, len(all))
	for _, t := range all {
		out[t.Provider] = t
	}
	return out, nil
}

// awaitsProbes reports whether a probe is still to come that can show whether the provider is well.
func (s *Service) awaitsProbes(ctx context.Context, row *ent.ProviderIllness) (bool, error) {
	awaits, err := s.Store.Client(ctx).Integration.Query().
		Where(integration.Provider(row.Provider), integration.Enabled(true), integration.NextProbeAtNotNil(),
			integration.HealthStatusIn(string(Healthy), string(Degraded))).Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("look for probes of an ill provider: %w", err)
	}
	return awaits, nil
}

func (s *Service) concerned(ctx context.Context, provider string) ([]string, error) {
	companies, err := s.Store.Client(ctx).Integration.Query().Where(integration.Provider(provider)).
		GroupBy(integration.FieldCompanyID).Strings(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for those whom an ill provider concerns: %w", err)
	}
	return companies, nil
}

// sickened tells a company that a provider is ill, unless it has been told.
func (s *Service) sickened(ctx context.Context, t tally) (bool, error) {
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		v, _ := viewer.From(ctx)
		err := s.Store.Client(ctx).ProviderIllness.Create().SetID(s.NewID(id.ProviderIllness)).SetCompanyID(v.Company).
			SetProvider(t.Provider).SetBeganAt(s.Now()).Exec(ctx)
		if err != nil {
			return err
		}
		return s.tell(ctx, t, true)
	})
	if ent.IsConstraintError(err) { // another replica was faster
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("record that a provider is ill: %w", err)
	}
	return true, nil
}

// recovered tells a company that a provider is well again, unless it has been told.
func (s *Service) recovered(ctx context.Context, row *ent.ProviderIllness, t tally) (bool, error) {
	t.Provider = row.Provider
	told := false
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		n, err := s.Store.Client(ctx).ProviderIllness.Delete().Where(providerillness.ID(row.ID)).Exec(ctx)
		if err != nil || n == 0 {
			return err
		}
		told = true
		return s.tell(ctx, t, false)
	})
	if err != nil {
		return false, fmt.Errorf("record that a provider is well: %w", err)
	}
	return told, nil
}

func (s *Service) tell(ctx context.Context, t tally, ill bool) error {
	_, err := s.Audit.Append(ctx, audit.Event{Type: audit.HealthChanged, Details: column.Object{
		"provider": t.Provider, "providerIll": ill, "probes": t.Probes, "failed": t.Failed,
	}})
	return err
}

// held reports whether a finding about one integration is the illness of its provider, of which its company has been told.
func (s *Service) held(ctx context.Context, row *ent.Integration, f Finding) (bool, error) {
	if !f.passing() {
		return false, nil
	}
	ill, err := s.Store.Client(ctx).ProviderIllness.Query().
		Where(providerillness.CompanyID(row.CompanyID), providerillness.Provider(row.Provider)).Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("read whether a provider is ill: %w", err)
	}
	return ill, nil
}
