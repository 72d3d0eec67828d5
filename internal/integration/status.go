package integration

import (
	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/ent/predicate"
	"github.com/patchbay/patchbay/internal/health"
)

// Status is where an integration stands, spelled as in the GraphQL enum IntegrationStatus.
type Status string

// Where an integration can stand.
const (
	Incomplete   Status = "INCOMPLETE"
	Connected    Status = "CONNECTED"
	Disconnected Status = "DISCONNECTED"
	Expired      Status = "EXPIRED"
)

// StatusOf derives the status from the health: it is not stored beside it, so the two cannot contradict each other.
func StatusOf(row *ent.Integration) Status {
	switch state := health.Of(row); {
	case state.Reason == health.NotConfigured:
		return Incomplete
	case state.Status == health.Disconnected:
		return Disconnected
	case state.Status == health.Expired:
		return Expired
	}
	return Connected
}

// HasStatus is the filter that agrees with StatusOf. No statuses match nothing.
func HasStatus(statuses ...Status) predicate.Integration {
	matches := make([]predicate.Integration, 0, len(statuses)+1)
	incomplete := integration.HealthReason(string(health.NotConfigured))
	for _, s := range statuses {
		switch s {
		case Incomplete:
			matches = append(matches, incomplete)
		case Connected:
			matches = append(matches, integration.And(integration.Not(incomplete),
				integration.HealthStatusIn(string(health.Healthy), string(health.Degraded))))
		case Disconnected, Expired:
			matches = append(matches, integration.And(integration.Not(incomplete), integration.HealthStatus(string(s))))
		}
	}
	if len(matches) == 0 {
		return integration.IDIn()
	}
	return integration.Or(matches...)
}
