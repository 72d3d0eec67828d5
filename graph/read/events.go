package read

import (
	"context"
	"errors"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/id"
)

var events = table[model.AuditEvent]{
	name:  "audit_events",
	scope: scope{company: "company_id", user: "user_id"},
	columns: []stored[model.AuditEvent]{
		{"id", nil, func(_ *Reader, e *model.AuditEvent) any { return &e.ID }},
		{"event_type", fieldsOf("eventType"), func(_ *Reader, e *model.AuditEvent) any { return &e.EventType }},
		{"timestamp", fieldsOf("timestamp"), func(_ *Reader, e *model.AuditEvent) any { return &e.Timestamp }},
		{"actor", fieldsOf("actor"), func(_ *Reader, e *model.AuditEvent) any { return &e.Actor }},
		{"user_id", fieldsOf("userId user"), func(_ *Reader, e *model.AuditEvent) any { return &e.UserID }},
		{"integration_id", fieldsOf("integrationId integration"), func(_ *Reader, e *model.AuditEvent) any {
			return &e.IntegrationID
		}},
		{"personality_id", fieldsOf("personalityId"), func(_ *Reader, e *model.AuditEvent) any { return &e.PersonalityID }},
		{"conversation_id", fieldsOf("conversationId"), func(_ *Reader, e *model.AuditEvent) any {
			return &e.ConversationID
		}},
		{"details", fieldsOf("details"), func(_ *Reader, e *model.AuditEvent) any { return (*column.Object)(&e.Details) }},
		{"capability", fieldsOf("capability"), func(_ *Reader, e *model.AuditEvent) any { return &e.Capability }},
		{"query", fieldsOf("query"), func(_ *Reader, e *model.AuditEvent) any { return &e.Query }},
		{"succeeded", fieldsOf("succeeded"), func(_ *Reader, e *model.AuditEvent) any { return &e.Succeeded }},
		{"error_code", fieldsOf("errorCode"), func(_ *Reader, e *model.AuditEvent) any { return &e.ErrorCode }},
		{"latency_ms", fieldsOf("latencyMs"), func(_ *Reader, e *model.AuditEvent) any { return &e.LatencyMs }},
	},
}

// AuditEvents returns the company's audit events that match a filter; nil matches all.
func (r *Reader) AuditEvents(f *model.AuditEventFilter) (*List[model.AuditEvent], error) {
	l := &List[model.AuditEvent]{table: &events, reader: r}
	if f == nil {
		return l, nil
	}
	if err := errors.Join(
		checkID(id.User, f.UserID, "userId"), checkID(id.Integration, f.IntegrationID, "integrationId"),
	); err != nil {
		return nil, err
	}
	l.where = func(s *statement) {
		if isGiven(f.EventTypes) {
			s.add(" AND t.event_type")
			s.in(texts(f.EventTypes.Value()))
		}
		if v := f.UserID.Value(); v != nil {
			s.add(" AND t.user_id = ?", *v)
		}
		if v := f.IntegrationID.Value(); v != nil {
			s.add(" AND t.integration_id = ?", *v)
		}
		if v := f.ConversationID.Value(); v != nil {
			s.add(" AND t.conversation_id = ?", *v)
		}
		if v := f.Since.Value(); v != nil {
			s.add(" AND t.timestamp >= ?", moment(*v))
		}
		if v := f.Until.Value(); v != nil {
			s.add(" AND t.timestamp < ?", moment(*v))
		}
	}
	return l, nil
}

// UserEvents returns what AuditEvents does, for each of many users.
func (r *Reader) UserEvents(f *model.AuditEventFilter) (*List[model.AuditEvent], error) {
	return r.linkedEvents(f, "user_id")
}

// IntegrationEvents returns what AuditEvents does, for each of many integrations.
func (r *Reader) IntegrationEvents(f *model.AuditEventFilter) (*List[model.AuditEvent], error) {
	return r.linkedEvents(f, "integration_id")
}

func (r *Reader) linkedEvents(f *model.AuditEventFilter, link string) (*List[model.AuditEvent], error) {
	l, err := r.AuditEvents(f)
	if err != nil {
		return nil, err
	}
	l.link = link
	return l, nil
}

// EventsByID reads audit events by their ids.
func (r *Reader) EventsByID(ctx context.Context, ids []string, fields Fields) ([]*model.AuditEvent, error) {
	return events.byID(ctx, r, ids, fields)
}
