package health

import (
	"context"
	"errors"
	"fmt"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/viewer"
)

// AgeDue turns up to limit integrations stale whose health nothing has proved for too long, of all companies, the oldest
// first, and returns how many it looked at. It is one step of what runs by itself; replicas may call it at the same time,
// and each change is made by one of them.
func (s *Service) AgeDue(ctx context.Context, limit int) (int, error) {
	system := viewer.System(ctx)
	rows, err := s.Store.Client(system).Integration.Query().
		Where(integration.HealthStatus(string(Healthy)), integration.StaleAtLTE(s.Now())).
		Order(integration.ByStaleAt(), integration.ByID()).Limit(limit).
		Select(integration.FieldID, integration.FieldCompanyID).All(system)
	if err != nil {
		return 0, fmt.Errorf("look for stale health: %w", err)
	}
	var errs []error
	for _, row := range rows {
		unproved := func(row *ent.Integration) bool {
			return row.HealthStatus == string(Healthy) && row.StaleAt != nil && !row.StaleAt.After(s.Now())
		}
		_, err := s.report(viewer.SystemFor(ctx, row.CompanyID), row.ID, Finding{Reason: Stale}, unproved)
		if err != nil && !problem.Is(err, problem.NotFound) {
			errs = append(errs, err)
		}
	}
	return len(rows), errors.Join(errs...)
}
