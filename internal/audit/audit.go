// Package audit appends to the trail of what was done, and streams it. An event is written in the transaction of what it
// records, so the one is never there without the other; it is never changed.
package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/feed"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

// Type says what was done, spelled as in the GraphQL enum AuditEventType.
type Type string

// What is recorded.
const (
	Connected          Type = "CONNECTED"
	Reconnected        Type = "RECONNECTED"
	ConnectFailed      Type = "CONNECT_FAILED"
	Created            Type = "CREATED"
	Updated            Type = "UPDATED"
	Disconnected       Type = "DISCONNECTED"
	Revoked            Type = "REVOKED"
	Query              Type = "QUERY"
	Invoked            Type = "INVOKED"
	TokenRefreshed     Type = "TOKEN_REFRESHED"
	TokenRefreshFailed Type = "TOKEN_REFRESH_FAILED"
	HealthChanged      Type = "HEALTH_CHANGED"
	AccessChanged      Type = "ACCESS_CHANGED"
	Deleted            Type = "DELETED"
	APIKeyCreated      Type = "API_KEY_CREATED"
	APIKeyRevoked      Type = "API_KEY_REVOKED"
)

// Event is one thing that was done. Details hold what else is known: never bodies, never secrets.
type Event struct {
	Type           Type
	UserID         *string
	IntegrationID  *string
	PersonalityID  *string
	ConversationID *string
	Details        column.Object
	Capability     *string
	Query          *string
	// Failure is the problem's code when it did not succeed, and empty when it did.
	Failure   string
	LatencyMs *int64
}

// Service appends events and streams them.
type Service struct {
	Store *store.Store
	Now   func() time.Time
	NewID func(id.Kind) string
	// Look is how often whoever follows the trail looks although nobody has said that there is anything; 0 means every
	// five seconds.
	Look time.Duration

	feeds feed.Feeds[place, *ent.AuditEvent]
}

// Append writes e in the caller's transaction, or in one of its own when there is none. The actor and the company are
// the viewer's. It returns the event's id.
func (s *Service) Append(ctx context.Context, e Event) (eventID string, err error) {
	if s.Store.Dialect() == store.Postgres { // which orders the stream by itself
		return s.append(ctx, e, nil)
	}
	v, _ := viewer.From(ctx)
	err = s.Store.InTx(ctx, func(ctx context.Context) error { // there is one writer: this is the next number
		end, err := s.end(ctx, v.Company)
		if err != nil {
			return err
		}
		eventID, err = s.append(ctx, e, new(end.tx+1))
		return err
	})
	return eventID, err
}

func (s *Service) append(ctx context.Context, e Event, tx *int64) (string, error) {
	v, _ := viewer.From(ctx)
	create := s.Store.Client(ctx).AuditEvent.Create().
		SetID(s.NewID(id.AuditEvent)).
		SetEventType(string(e.Type)).
		SetTimestamp(s.Now()).
		SetActor(v.Actor).
		SetNillableUserID(e.UserID).
		SetNillableIntegrationID(e.IntegrationID).
		SetNillablePersonalityID(e.PersonalityID).
		SetNillableConversationID(e.ConversationID).
		SetDetails(e.Details).
		SetNillableCapability(e.Capability).
		SetNillableQuery(e.Query).
		SetSucceeded(e.Failure == "").
		SetNillableLatencyMs(e.LatencyMs).
		SetNillableTx(tx)
	if e.Failure != "" {
		create.SetErrorCode(e.Failure)
	}
	row, err := create.Save(ctx)
	if err != nil {
		return "", fmt.Errorf("append %s to the audit trail: %w", e.Type, err)
	}
	s.Store.Wake(ctx, channel, row.CompanyID)
	return row.ID, nil
}
