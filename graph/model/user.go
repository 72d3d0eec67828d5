package model

import (
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/graph/page"
)

// User is a row of users. A look-ahead may have read only the columns that the selection needs.
type User struct {
	ID         string
	ExternalID *string
	Metadata   map[string]any
	CreatedAt  time.Time
	UpdatedAt  time.Time

	// Integrations and AuditEvents are the pages that a look-ahead has read.
	Integrations Pages[*IntegrationConnection]
	AuditEvents  Pages[*AuditEventConnection]
}

// UserConnection and UserEdge page users.
type (
	UserConnection = page.Connection[*User]
	UserEdge       = page.Edge[*User]
)

// UserOf returns what a service has answered with.
func UserOf(row *ent.User) *User {
	return &User{
		ID: row.ID, ExternalID: row.ExternalID, Metadata: row.Metadata, CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt,
	}
}

// IsNode marks a Node.
func (*User) IsNode() {}

// Key returns the id.
func (u *User) Key() string { return u.ID }
