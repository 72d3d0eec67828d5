package health

import (
	"slices"

	"github.com/patchbay/patchbay/ent/healthchange"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/ent/predicate"
)

// Filter chooses what a reader gets. Empty fields choose everything the viewer may see.
type Filter struct {
	UserID         *string
	IntegrationIDs []string
	Providers      []string
	// After resumes behind the event with this cursor; it wins over Snapshot.
	After *string
	// Snapshot asks for the present state of everything that matches before the changes.
	Snapshot bool
}

func (f Filter) matches(c *change) bool {
	return (f.UserID == nil || c.user == *f.UserID) &&
		(f.IntegrationIDs == nil || slices.Contains(f.IntegrationIDs, c.event.IntegrationID)) &&
		(f.Providers == nil || slices.Contains(f.Providers, c.provider))
}

func (f Filter) integrations() []predicate.Integration {
	var out []predicate.Integration
	if f.UserID != nil {
		out = append(out, integration.UserID(*f.UserID))
	}
	if f.IntegrationIDs != nil {
		out = append(out, integration.IDIn(slices.Clone(f.IntegrationIDs)...))
	}
	if f.Providers != nil {
		out = append(out, integration.ProviderIn(slices.Clone(f.Providers)...))
	}
	return out
}

func (f Filter) changes() []predicate.HealthChange {
	var out []predicate.HealthChange
	if f.UserID != nil {
		out = append(out, healthchange.UserID(*f.UserID))
	}
	if f.IntegrationIDs != nil {
		out = append(out, healthchange.IntegrationIDIn(slices.Clone(f.IntegrationIDs)...))
	}
	if f.Providers != nil {
		out = append(out, healthchange.ProviderIn(slices.Clone(f.Providers)...))
	}
	return out
}
