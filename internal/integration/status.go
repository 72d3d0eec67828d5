package integration

import (
	"github.com/patchbay/patchbay/ent"
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
