package model

import (
	"time"

	"github.com/patchbay/patchbay/graph/page"
)

// IntegrationHealthChange is a row of health_changes.
type IntegrationHealthChange struct {
	ID         string
	From       *HealthStatus
	To         HealthStatus
	Reason     HealthReason
	OccurredAt time.Time
}

// IntegrationHealthChangeConnection and IntegrationHealthChangeEdge page health changes.
type (
	IntegrationHealthChangeConnection = page.Connection[*IntegrationHealthChange]
	IntegrationHealthChangeEdge       = page.Edge[*IntegrationHealthChange]
)

// IsNode marks a Node.
func (*IntegrationHealthChange) IsNode() {}

// Key returns the id.
func (c *IntegrationHealthChange) Key() string { return c.ID }

// IntegrationHealthEvent is one delivery of the stream of health; its integration is read for each delivery.
type IntegrationHealthEvent struct {
	Kind           StreamEventKind
	Cursor         string
	IntegrationID  *string
	Health         *IntegrationHealth
	PreviousStatus *HealthStatus
	OccurredAt     time.Time
}
