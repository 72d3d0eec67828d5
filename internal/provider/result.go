package provider

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxText is the longest text that a result keeps, in bytes.
const maxText = 256 << 10

// Result is one thing found. Kind says which type of the contract it is and so which Fields it has.
type Result struct {
	Kind string
	// Title, Content and URL are empty when absent.
	Title, Content, URL string
	// Fields holds the typed fields of the kind under the contract's names: string, bool, []string or time.Time. An
	// absent field is not in it; lists and allDay always are.
	Fields map[string]any
	// Data is what the manifest maps as `data`, or else everything it maps, without nulls. It is never nil.
	Data map[string]any
}

// kinds read what a manifest maps into the fields of the contract's types.
var kinds = map[string]func(mapped) map[string]any{
	"calendar_event": calendarEvent,
	"email_message":  emailMessage,
	"custom_record":  func(mapped) map[string]any { return map[string]any{} },
}

// Kinds returns the names of all kinds of results, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

func newResult(kind string, fields map[string]any) Result {
	m := mapped(fields)
	r := Result{Kind: kind, Title: m.text("title"), Content: m.text("content"), URL: m.address("url")}
	r.Fields = kinds[kind](m)
	if data, ok := fields["data"]; ok {
		if r.Data, ok = data.(map[string]any); !ok {
			r.Data = map[string]any{}
		}
		return r
	}
	r.Data = maps.Clone(fields)
	maps.DeleteFunc(r.Data, func(_ string, v any) bool { return v == nil })
	return r
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

// mapped is what one `results` object holds.
type mapped map[string]any

// text returns a text or number as text, and nothing for anything else.
func (m mapped) text(name string) string {
	s, _ := scalar(m[name])
	if _, isBool := m[name].(bool); isBool {
		return ""
	}
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}

func (m mapped) texts(name string) []string {
	out := []string{}
	for _, s := range texts(m[name]) {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// address returns a web address, and nothing for anything else.
func (m mapped) address(name string) string {
	u, err := url.Parse(m.text(name))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}

func (m mapped) copyText(out map[string]any, field, name string) {
	if s := m.text(name); s != "" {
		out[field] = s
	}
}

func (m mapped) copyTime(out map[string]any, field, name string) {
	if t, ok := instant(m[name], m.text("time_zone")); ok {
		out[field] = t
	}
}

// instant reads RFC 3339, a time without an offset in the named zone, or seconds since 1970 as a number or as text;
// text of 13 digits is milliseconds.
func instant(v any, zone string) (time.Time, bool) {
	s, ok := v.(string)
	if !ok {
		s, ok = scalar(v)
		if _, isBool := v.(bool); !ok || isBool {
			return time.Time{}, false
		}
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, true
	}
	location, err := time.LoadLocation(zone)
	if err != nil || location == time.Local {
		location = time.UTC
	}
	if t, err := time.ParseInLocation("2006-01-02T15:04:05", s, location); err == nil {
		return t, true
	}
	if len(s) == 13 {
		if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
			return time.UnixMilli(ms).UTC(), true
		}
	}
	whole, fraction, _ := strings.Cut(s, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || len(whole) > 12 {
		return time.Time{}, false
	}
	nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	return time.Unix(seconds, max(nanos, 0)).UTC(), true
}
