package model

import (
	"time"

	"github.com/patchbay/patchbay/graph/page"
)

// PersonalityConnection and PersonalityEdge page personalities.
type (
	PersonalityConnection = page.Connection[*Personality]
	PersonalityEdge       = page.Edge[*Personality]
)

// Key returns the id.
func (p *Personality) Key() string { return p.ID }

// Key returns the id.
func (c *Company) Key() string { return c.ID }

// Key returns the id.
func (k *APIKey) Key() string { return k.ID }

// PersonalityAccess is one rule; its personality comes with it.
type PersonalityAccess struct {
	Personality *Personality
	Allowed     bool
}

// ConnectAttempt is a row of connect_attempts, with the state that it was asked by.
type ConnectAttempt struct {
	State         string
	Status        ConnectAttemptStatus
	Provider      *Provider
	IntegrationID *string
	ExpiresAt     time.Time
	Failure       UserError
}
