package model

import (
	"time"

	"github.com/patchbay/patchbay/graph/page"
)

// AuditEvent is a row of audit_events. A look-ahead may have read only the columns that the selection needs.
type AuditEvent struct {
	ID             string
	EventType      AuditEventType
	Timestamp      time.Time
	Actor          string
	UserID         *string
	IntegrationID  *string
	PersonalityID  *string
	ConversationID *string
	Details        map[string]any
	Capability     *string
	Query          *string
	Succeeded      bool
	ErrorCode      *string
	LatencyMs      *int32
}

// AuditEventConnection and AuditEventEdge page audit events.
type (
	AuditEventConnection = page.Connection[*AuditEvent]
	AuditEventEdge       = page.Edge[*AuditEvent]
)

// IsNode marks a Node.
func (*AuditEvent) IsNode() {}

// Key returns the id.
func (e *AuditEvent) Key() string { return e.ID }
