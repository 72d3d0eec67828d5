package model

import (
	"time"

	"github.com/patchbay/patchbay/graph/page"
)

// ExpiringCredential is what may be shown of a row of credentials: when it ends.
type ExpiringCredential struct {
	ID            string
	IntegrationID string
	ExpiresAt     time.Time
	RenewsItself  bool
}

// ExpiringCredentialConnection and ExpiringCredentialEdge page credentials that end.
type (
	ExpiringCredentialConnection = page.Connection[*ExpiringCredential]
	ExpiringCredentialEdge       = page.Edge[*ExpiringCredential]
)

// Key returns when it ends, then the id: the order of the list.
func (c *ExpiringCredential) Key() string { return page.Timed(c.ExpiresAt, c.ID) }
