package graph

import (
	"context"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/audit"
)

// AuditEventAppended resolves Subscription.auditEventAppended. Its goroutine ends with the stream.
func (r subscriptionResolver) AuditEventAppended(
	ctx context.Context, filter *model.AuditEventFilter, after *string,
) (<-chan *model.AuditStreamEvent, error) {
	if _, err := r.read.AuditEvents(filter); err != nil { // the same faults as those of the list
		return nil, err
	}
	in, err := r.Audit.Follow(ctx, followed(filter), after)
	if err != nil {
		return nil, err
	}
	out := make(chan *model.AuditStreamEvent)
	go func() {
		defer close(out)
		for d := range in {
			e := &model.AuditStreamEvent{Kind: model.StreamEventKindGap, Cursor: d.Cursor}
			if d.Event != nil {
				e.Kind, e.Event = model.StreamEventKindChange, auditEventOf(d.Event)
			}
			select {
			case out <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

func followed(f *model.AuditEventFilter) audit.Filter {
	if f == nil {
		return audit.Filter{}
	}
	out := audit.Filter{
		UserID: f.UserID.Value(), IntegrationID: f.IntegrationID.Value(), ConversationID: f.ConversationID.Value(),
		Since: f.Since.Value(), Until: f.Until.Value(),
	}
	if types := f.EventTypes.Value(); types != nil {
		out.Types = make([]string, len(types))
		for i, t := range types {
			out.Types[i] = string(t)
		}
	}
	return out
}

func auditEventOf(row *ent.AuditEvent) *model.AuditEvent {
	out := &model.AuditEvent{
		ID: row.ID, EventType: model.AuditEventType(row.EventType), Timestamp: row.Timestamp, Actor: row.Actor,
		UserID: row.UserID, IntegrationID: row.IntegrationID, PersonalityID: row.PersonalityID,
		ConversationID: row.ConversationID, Details: row.Details, Capability: row.Capability, Query: row.Query,
		Succeeded: row.Succeeded, ErrorCode: row.ErrorCode,
	}
	if row.LatencyMs != nil {
		out.LatencyMs = new(int32(min(*row.LatencyMs, 1<<31-1))) //nolint:gosec // bounded
	}
	return out
}
