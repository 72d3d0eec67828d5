package sandbox

import (
	"encoding/base64"
	"time"
)

// event is an event as Google Calendar words it.
type event struct {
	Kind              string         `json:"kind"`
	ETag              string         `json:"etag"`
	ID                string         `json:"id"`
	Status            string         `json:"status"`
	HTMLLink          string         `json:"htmlLink"`
	Created           string         `json:"created"`
	Updated           string         `json:"updated"`
	Summary           string         `json:"summary"`
	Description       string         `json:"description,omitempty"`
	Location          string         `json:"location,omitempty"`
	Creator           eventPerson    `json:"creator"`
	Organizer         eventPerson    `json:"organizer"`
	Start             eventTime      `json:"start"`
	End               eventTime      `json:"end"`
	Recurrence        []string       `json:"recurrence,omitempty"`
	RecurringEventID  string         `json:"recurringEventId,omitempty"`
	OriginalStartTime *eventTime     `json:"originalStartTime,omitempty"`
	Transparency      string         `json:"transparency,omitempty"`
	ICalUID           string         `json:"iCalUID"`
	Sequence          int            `json:"sequence"`
	Attendees         []eventPerson  `json:"attendees,omitempty"`
	HangoutLink       string         `json:"hangoutLink,omitempty"`
	Reminders         map[string]any `json:"reminders"`
	EventType         string         `json:"eventType"`
}

type eventPerson struct {
	Email          string `json:"email"`
	DisplayName    string `json:"displayName,omitempty"`
	Organizer      bool   `json:"organizer,omitempty"`
	Self           bool   `json:"self,omitempty"`
	ResponseStatus string `json:"responseStatus,omitempty"`
}

// eventTime is a moment or, for events of whole days, a date.
type eventTime struct {
	Date     string `json:"date,omitempty"`
	DateTime string `json:"dateTime,omitempty"`
	TimeZone string `json:"timeZone,omitempty"`
}

// word writes an appointment down as the person self sees it, with its times in a zone.
func (e appointment) word(self string, in *time.Location) event {
	key := firstOf(e.series, e.id)
	out := event{
		Kind: "calendar#event", ETag: etag(e.id), ID: e.id, Status: "confirmed",
		HTMLLink: "https://www.google.com/calendar/event?eid=" +
			base64.RawURLEncoding.EncodeToString([]byte(e.id+" "+self)),
		Created: stamp(e.created), Updated: stamp(e.created.Add(time.Duration(chance(e.id, e.created, 3600)) * time.Second)),
		Summary: e.summary, Description: e.description, Location: e.location,
		Creator:   eventPerson{Email: e.organizer, DisplayName: names[e.organizer], Self: e.organizer == self},
		Organizer: eventPerson{Email: e.organizer, DisplayName: names[e.organizer], Self: e.organizer == self},
		Start:     e.moment(e.start, in), End: e.moment(e.end, in),
		ICalUID: key + "@google.com", Reminders: map[string]any{"useDefault": true}, EventType: e.eventType(),
	}
	if e.free {
		out.Transparency = "transparent"
	}
	if e.video {
		code := digest(key)
		code = letters(code[:3]) + "-" + letters(code[3:7]) + "-" + letters(code[7:10])
		out.HangoutLink = "https://meet.google.com/" + code
	}
	switch {
	case e.series != "":
		original := out.Start
		out.RecurringEventID, out.OriginalStartTime = e.series, &original
	case len(e.days) > 0 || e.month > 0:
		out.Recurrence = []string{e.rule()}
	}
	if len(e.guests) > 0 {
		out.Attendees = append(out.Attendees, eventPerson{Email: e.organizer, DisplayName: names[e.organizer],
			Organizer: true, Self: e.organizer == self, ResponseStatus: "accepted"})
	}
	for i, g := range e.guests {
		answer := "accepted"
		switch {
		case e.pending:
			answer = "needsAction"
		case i > 2:
			answer = "tentative"
		}
		out.Attendees = append(out.Attendees,
			eventPerson{Email: g, DisplayName: names[g], Self: g == self, ResponseStatus: answer})
	}
	return out
}

func (e appointment) moment(t time.Time, in *time.Location) eventTime {
	if e.at == "" {
		return eventTime{Date: t.Format(time.DateOnly)}
	}
	return eventTime{DateTime: t.In(in).Format(time.RFC3339), TimeZone: e.plan.zone}
}

// letters turns hexadecimal digits into the letters that meeting codes are made of.
func letters(hex string) string {
	b := []byte(hex)
	for i, c := range b {
		if c <= '9' {
			b[i] = 'p' + (c - '0')
		}
	}
	return string(b)
}
