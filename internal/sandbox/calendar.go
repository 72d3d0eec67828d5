package sandbox

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// rotaID is the calendar that both accounts see besides their own.
const rotaID = "rota@group.calendar.example.com"

// Scopes that Google's description of the Calendar API names for each method.
var (
	eventScopes = []string{"calendar", "calendar.events", "calendar.events.freebusy", "calendar.events.owned",
		"calendar.events.owned.readonly", "calendar.events.readonly", "calendar.readonly"}
	calendarListScopes = []string{"calendar", "calendar.calendarlist", "calendar.calendarlist.readonly",
		"calendar.readonly"}
	freeBusyScopes = []string{"calendar", "calendar.events.freebusy", "calendar.freebusy", "calendar.readonly"}
	calendarScopes = []string{"calendar", "calendar.readonly"}
	settingScopes  = []string{"calendar", "calendar.readonly"}
)

// calendar serves Google Calendar, version 3.
func (s *Sandbox) calendar(mux *http.ServeMux) {
	const base = "/calendar/v3"
	mux.HandleFunc("GET "+base+"/users/me/calendarList", s.guarded(s.calendarList, calendarListScopes...))
	mux.HandleFunc("GET "+base+"/users/me/calendarList/{calendar}", s.guarded(s.calendarEntry, calendarListScopes...))
	mux.HandleFunc("GET "+base+"/users/me/settings/{setting}", s.guarded(s.calendarSetting, settingScopes...))
	mux.HandleFunc("GET "+base+"/calendars/{calendar}", s.guarded(s.getCalendar, calendarScopes...))
	mux.HandleFunc("GET "+base+"/calendars/{calendar}/events", s.guarded(s.listEvents, eventScopes...))
	mux.HandleFunc("GET "+base+"/calendars/{calendar}/events/{event}", s.guarded(s.getEvent, eventScopes...))
	mux.HandleFunc("POST "+base+"/freeBusy", s.guarded(s.freeBusy, freeBusyScopes...))
}

var googleMissing = googleError{code: 404, domain: "global", reason: "notFound", message: "Not Found"}

// book returns a calendar as the caller sees it.
func (s *Sandbox) book(c caller, id string) (a agenda, name string, fault *googleError) {
	switch id {
	case "primary", c.Email:
		return agendaOf(c.account, s.opts.Now()), c.Email, nil
	case rotaID:
		return agenda{plans: rota, seed: rotaID, location: c.location(), now: s.opts.Now()}, "On-call rota", nil
	default:
		return agenda{}, "", &googleMissing
	}
}

func calendarEntries(c caller) []map[string]any {
	entry := func(id, summary, role string) map[string]any {
		return map[string]any{
			"kind": "calendar#calendarListEntry", "etag": etag(id), "id": id, "summary": summary, "timeZone": c.Zone,
			"accessRole": role, "selected": true, "colorId": "14", "backgroundColor": "#9fe1e7", "foregroundColor": "#000000",
			"conferenceProperties": map[string]any{"allowedConferenceSolutionTypes": []string{"hangoutsMeet"}},
			"defaultReminders":     []any{map[string]any{"method": "popup", "minutes": 10}},
		}
	}
	own := entry(c.Email, c.Email, "owner")
	own["primary"] = true
	return []map[string]any{own, entry(rotaID, "On-call rota", "reader")}
}

func (s *Sandbox) calendarList(r *http.Request, c caller) (any, *googleError) {
	entries := calendarEntries(c)
	items, next, fault := paged(r.URL.Query(), entries, 100, 250)
	if fault != nil {
		return nil, fault
	}
	out := map[string]any{"kind": "calendar#calendarList", "etag": etag(c.Email), "items": items}
	if next != "" {
		out["nextPageToken"] = next
	}
	return out, nil
}

func (s *Sandbox) calendarEntry(r *http.Request, c caller) (any, *googleError) {
	id := r.PathValue("calendar")
	for _, e := range calendarEntries(c) {
		if e["id"] == id || id == "primary" && e["primary"] == true {
			return e, nil
		}
	}
	return nil, &googleMissing
}

func (s *Sandbox) getCalendar(r *http.Request, c caller) (any, *googleError) {
	a, name, fault := s.book(c, r.PathValue("calendar"))
	if fault != nil {
		return nil, fault
	}
	return map[string]any{
		"kind": "calendar#calendar", "etag": etag(name), "id": a.seed, "summary": name, "timeZone": a.location.String(),
	}, nil
}

func (s *Sandbox) calendarSetting(r *http.Request, c caller) (any, *googleError) {
	values := map[string]string{"timezone": c.Zone, "locale": "en", "weekStart": "1", "format24HourTime": "true"}
	id := r.PathValue("setting")
	value, ok := values[id]
	if !ok {
		return nil, &googleMissing
	}
	return map[string]any{"kind": "calendar#setting", "etag": etag(id + value), "id": id, "value": value}, nil
}

// window is what events.list is asked for.
type window struct {
	min, max time.Time
	zone     *time.Location
}

// readWindow reads timeMin and timeMax, RFC 3339 with an offset, and timeZone. What is absent reaches as far as the
// calendar does.
func readWindow(a agenda, timeMin, timeMax, timeZone string) (window, *googleError) {
	win := window{zone: a.location}
	win.min, win.max = a.reach()
	bad := func(parameter string) (window, *googleError) {
		e := badRequest(parameter, "Bad Request")
		return window{}, &e
	}
	var err error
	if timeZone != "" {
		if win.zone, err = time.LoadLocation(timeZone); err != nil || timeZone == "Local" {
			e := badRequest("timeZone", "Invalid time zone definition.")
			return window{}, &e
		}
	}
	if timeMin != "" {
		if win.min, err = time.Parse(time.RFC3339, timeMin); err != nil {
			return bad("timeMin")
		}
	}
	if timeMax != "" {
		if win.max, err = time.Parse(time.RFC3339, timeMax); err != nil {
			return bad("timeMax")
		}
	}
	if timeMin != "" && timeMax != "" && !win.min.Before(win.max) {
		return window{}, &googleError{code: 400, domain: "calendar", reason: "timeRangeEmpty",
			message: "The specified time range is empty.", locationType: "parameter", location: "timeMax"}
	}
	return win, nil
}

func (s *Sandbox) listEvents(r *http.Request, c caller) (any, *googleError) {
	q := r.URL.Query()
	a, name, fault := s.book(c, r.PathValue("calendar"))
	if fault != nil {
		return nil, fault
	}
	win, fault := readWindow(a, q.Get("timeMin"), q.Get("timeMax"), q.Get("timeZone"))
	if fault != nil {
		return nil, fault
	}
	single, order := q.Get("singleEvents") == "true", q.Get("orderBy")
	if order != "" && order != "updated" && (order != "startTime" || !single) {
		e := badRequest("orderBy", "The requested ordering is not available for the particular query.")
		return nil, &e
	}
	found := slices.DeleteFunc(a.between(win.min, win.max), func(e appointment) bool { return !e.mentions(q.Get("q")) })
	if types := q["eventTypes"]; len(types) > 0 {
		found = slices.DeleteFunc(found, func(e appointment) bool { return !slices.Contains(types, e.eventType()) })
	}
	if !single {
		found = a.folded(found)
	}
	switch order {
	case "updated":
		slices.SortStableFunc(found, func(x, y appointment) int { return x.created.Compare(y.created) })
	case "":
		// Google promises no order here, so nobody may count on that of the beginnings.
		slices.SortStableFunc(found, func(x, y appointment) int { return cmp.Compare(etag(x.id), etag(y.id)) })
	}
	page, next, fault := paged(q, found, 250, 2500)
	if fault != nil {
		return nil, fault
	}
	items := make([]event, len(page))
	for i, e := range page {
		items[i] = e.word(c.Email, win.zone)
	}
	out := map[string]any{
		"kind": "calendar#events", "etag": etag(name), "summary": name, "timeZone": win.zone.String(),
		"updated": stamp(a.now.Truncate(time.Minute)), "accessRole": "owner", "items": items,
		"defaultReminders": []any{map[string]any{"method": "popup", "minutes": 10}},
	}
	if next != "" {
		out["nextPageToken"] = next
	}
	return out, nil
}

// folded replaces instances by the recurring event they belong to.
func (a agenda) folded(found []appointment) []appointment {
	var out []appointment
	seen := map[string]bool{}
	for _, e := range found {
		if e.series == "" {
			out = append(out, e)
		} else if !seen[e.series] {
			seen[e.series] = true
			out = append(out, a.first(e.plan))
		}
	}
	return out
}

func (s *Sandbox) getEvent(r *http.Request, c caller) (any, *googleError) {
	a, _, fault := s.book(c, r.PathValue("calendar"))
	if fault != nil {
		return nil, fault
	}
	win, fault := readWindow(a, "", "", r.URL.Query().Get("timeZone"))
	if fault != nil {
		return nil, fault
	}
	e, ok := a.find(r.PathValue("event"))
	if !ok {
		return nil, &googleMissing
	}
	return e.word(c.Email, win.zone), nil
}

func (s *Sandbox) freeBusy(r *http.Request, c caller) (any, *googleError) {
	var in struct {
		TimeMin, TimeMax, TimeZone string
		Items                      []struct{ ID string }
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, &googleError{code: 400, domain: "global", reason: "parseError", message: "Parse Error"}
	}
	if in.TimeMin == "" || in.TimeMax == "" {
		return nil, &googleError{code: 400, domain: "global", reason: "required", message: "Missing required field"}
	}
	win, fault := readWindow(agendaOf(c.account, s.opts.Now()), in.TimeMin, in.TimeMax, firstOf(in.TimeZone, "UTC"))
	if fault != nil {
		return nil, fault
	}
	calendars := map[string]any{}
	for _, item := range in.Items {
		a, _, fault := s.book(c, item.ID)
		if colleague, ok := accountOf(item.ID); ok {
			a, fault = agendaOf(colleague, s.opts.Now()), nil // within a company everybody sees when others are busy
		}
		if fault != nil {
			calendars[item.ID] = map[string]any{
				"errors": []any{map[string]any{"domain": "global", "reason": "notFound"}}, "busy": []any{},
			}
			continue
		}
		calendars[item.ID] = map[string]any{"busy": busy(a.between(win.min, win.max), win)}
	}
	return map[string]any{
		"kind": "calendar#freeBusy", "timeMin": stamp(win.min), "timeMax": stamp(win.max), "calendars": calendars,
	}, nil
}

// busy merges what makes people busy into spans that do not touch, cut to the window.
func busy(found []appointment, win window) []map[string]string {
	var spans [][2]time.Time
	for _, e := range found {
		if e.free {
			continue
		}
		start, end := e.start, e.end
		if start.Before(win.min) {
			start = win.min
		}
		if end.After(win.max) {
			end = win.max
		}
		if n := len(spans); n > 0 && !start.After(spans[n-1][1]) {
			if end.After(spans[n-1][1]) {
				spans[n-1][1] = end
			}
			continue
		}
		spans = append(spans, [2]time.Time{start, end})
	}
	out := make([]map[string]string, len(spans))
	for i, s := range spans {
		out[i] = map[string]string{
			"start": s[0].In(win.zone).Format(time.RFC3339), "end": s[1].In(win.zone).Format(time.RFC3339),
		}
	}
	return out
}

// etag is a quoted digest of a name.
func etag(name string) string { return strconv.Quote(digest(name)[:16]) }

// stamp is how Google writes an instant.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
