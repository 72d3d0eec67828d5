package provider

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// kinds read what a manifest maps into the fields of the contract's types.
var kinds = map[string]func(mapped) map[string]any{
	"calendar_event": calendarEvent,
	"email_message":  emailMessage,
	"document_item":  fieldsOf("author updated_at"),
	"work_item":      fieldsOf("key status priority assignee requester created_at updated_at"),
	"order":          fieldsOf("number status total currency customer placed_at"),
	"crm_record":     fieldsOf("kind email phone stage amount owner updated_at"),
	"chat_message":   fieldsOf("author channel sent_at"),
	"custom_record":  fieldsOf(""),
}

// Kinds returns the names of all kinds of results, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// fieldsOf reads fields of these names: a time where the name ends in _at, which the contract spells At, else a text.
func fieldsOf(names string) func(mapped) map[string]any {
	return func(m mapped) map[string]any {
		out := map[string]any{}
		for name := range strings.FieldsSeq(names) {
			if what, isTime := strings.CutSuffix(name, "_at"); isTime {
				m.copyTime(out, what+"At", name)
			} else {
				m.copyText(out, name, name)
			}
		}
		return out
	}
}

// calendarEvent reads start and end (RFC 3339, or YYYY-MM-DD for a day, where the end is the day after the last),
// time_zone, location, organizer and attendees. A time without an offset is in time_zone, and in UTC without one.
func calendarEvent(m mapped) map[string]any {
	out := map[string]any{"allDay": false, "attendees": m.texts("attendees")}
	m.copyText(out, "timeZone", "time_zone")
	m.copyText(out, "location", "location")
	m.copyText(out, "organizer", "organizer")
	first, err := time.Parse(time.DateOnly, m.text("start"))
	if err != nil {
		m.copyTime(out, "start", "start")
		m.copyTime(out, "end", "end")
		return out
	}
	last := first
	if after, err := time.Parse(time.DateOnly, m.text("end")); err == nil && after.After(first) {
		last = after.AddDate(0, 0, -1)
	}
	out["allDay"], out["startDate"], out["endDate"] = true, first.Format(time.DateOnly), last.Format(time.DateOnly)
	return out
}

// emailMessage reads from, to, sent_at and unread.
func emailMessage(m mapped) map[string]any {
	out := map[string]any{"to": m.texts("to")}
	m.copyText(out, "from", "from")
	m.copyTime(out, "sentAt", "sent_at")
	if unread, ok := m["unread"].(bool); ok {
		out["unread"] = unread
	}
	return out
}
