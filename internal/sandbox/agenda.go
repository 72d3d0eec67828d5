package sandbox

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// appointment is an event before Google words it.
type appointment struct {
	*plan
	id         string
	series     string // id of the recurring event it belongs to; "" for an event of its own
	start, end time.Time
	created    time.Time
}

// plan is what recurs: what happens, on which days, from when to when.
type plan struct {
	key         string // begins the ids; letters a to v and digits, as Google's ids
	summary     string
	description string
	location    string

	days  []time.Weekday // weekly on these days
	even  bool           // in even weeks of the year alone
	month int            // on this day of the month instead

	at      string // clock time in zone, "" for an event of whole days
	minutes int
	wholes  int // days of an event without clock time
	zone    string

	organizer string
	guests    []string // the organizer left out
	pending   bool     // the guests have not answered yet
	video     bool
	free      bool   // does not make its people busy
	kind      string // Google's eventType; "" is default
}

func (p *plan) has(email string) bool {
	return p.organizer == email || slices.Contains(p.guests, email)
}

// on reports whether the plan happens on a day.
func (p *plan) on(d time.Time) bool {
	if p.month > 0 {
		return d.Day() == p.month
	}
	_, week := d.ISOWeek()
	return slices.Contains(p.days, d.Weekday()) && (!p.even || week%2 == 0)
}

// rule is the plan's recurrence as in RFC 5545.
func (p *plan) rule() string {
	if p.month > 0 {
		return "RRULE:FREQ=MONTHLY;BYMONTHDAY=" + strconv.Itoa(p.month)
	}
	var days []string
	for _, d := range p.days {
		days = append(days, strings.ToUpper(d.String()[:2]))
	}
	rule := "RRULE:FREQ=WEEKLY;"
	if p.even {
		rule += "INTERVAL=2;"
	}
	return rule + "BYDAY=" + strings.Join(days, ",")
}

// span returns the plan's beginning and end on a day; whole days are those of the calendar's zone.
func (p *plan) span(d time.Time, calendar *time.Location) (start, end time.Time) {
	y, m, day := d.Date()
	if p.at == "" {
		return time.Date(y, m, day, 0, 0, 0, 0, calendar), time.Date(y, m, day+p.wholes, 0, 0, 0, 0, calendar)
	}
	hour, minute, _ := strings.Cut(p.at, ":")
	h, _ := strconv.Atoi(hour)
	n, _ := strconv.Atoi(minute)
	start = time.Date(y, m, day, h, n, 0, 0, zone(p.zone))
	return start, start.Add(time.Duration(p.minutes) * time.Minute)
}

// agenda is the calendar of one account, or a calendar shared by all.
type agenda struct {
	plans    []*plan // recurring
	chances  []*plan // one of them happens on a working day, another on a day off, by chance that follows from the date
	dayOff   []*plan
	seed     string
	location *time.Location
	now      time.Time
}

// agendaOf returns an account's own calendar.
func agendaOf(a account, now time.Time) agenda {
	mine := func(all []*plan) []*plan {
		return slices.DeleteFunc(slices.Clone(all), func(p *plan) bool { return !p.has(a.Email) })
	}
	return agenda{mine(meetings), mine(occasions), mine(leisure), a.Email, a.location(), now}
}

// reach returns the days that the calendar holds: from the beginning of last year until two years from now.
func (a agenda) reach() (from, to time.Time) {
	y, m, d := a.now.Date()
	return time.Date(y-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(y+2, m, d, 0, 0, 0, 0, time.UTC)
}

// between returns what ends after from and starts before to, in the order of beginnings.
func (a agenda) between(from, to time.Time) []appointment {
	first, last := a.reach()
	if d := from.UTC().Truncate(24*time.Hour).AddDate(0, 0, -9); d.After(first) {
		first = d
	}
	if d := to.UTC().Truncate(24*time.Hour).AddDate(0, 0, 2); d.Before(last) {
		last = d
	}
	var out []appointment
	for d := first; d.Before(last); d = d.AddDate(0, 0, 1) {
		for _, e := range a.on(d) {
			if e.end.After(from) && e.start.Before(to) {
				out = append(out, e)
			}
		}
	}
	slices.SortStableFunc(out, func(x, y appointment) int { return x.start.Compare(y.start) })
	return out
}

// on returns what begins on a day.
func (a agenda) on(d time.Time) []appointment {
	var out []appointment
	since, _ := a.reach()
	for _, p := range a.plans {
		if p.on(d) {
			start, end := p.span(d, a.location)
			out = append(out, appointment{
				plan: p, id: p.key + "_" + instance(p, start), series: p.key, start: start, end: end, created: since,
			})
		}
	}
	pool := a.chances
	if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
		pool = a.dayOff
	}
	if len(pool) > 0 {
		p := pool[chance(a.seed, d, len(pool))]
		start, end := p.span(d, a.location)
		created := start.AddDate(0, 0, -3-chance(p.key, d, 20))
		if midnight := a.now.Truncate(24 * time.Hour); created.After(midnight) {
			created = midnight
		}
		out = append(out, appointment{
			plan: p, id: p.key + d.Format("20060102"), start: start, end: end, created: created,
		})
	}
	return out
}

// first returns the recurring event itself, which begins where the calendar begins.
func (a agenda) first(p *plan) appointment {
	d, last := a.reach()
	since := d
	for !p.on(d) && d.Before(last) {
		d = d.AddDate(0, 0, 1)
	}
	start, end := p.span(d, a.location)
	return appointment{plan: p, id: p.key, start: start, end: end, created: since}
}

// find returns the event with this id: a recurring one, one of its instances, or one of its own.
func (a agenda) find(id string) (appointment, bool) {
	for _, p := range a.plans {
		if p.key == id {
			return a.first(p), true
		}
	}
	for d, last := a.reach(); d.Before(last); d = d.AddDate(0, 0, 1) {
		for _, e := range a.on(d) {
			if e.id == id {
				return e, true
			}
		}
	}
	return appointment{}, false
}

// instance is how Google writes the original start into the id of an instance.
func instance(p *plan, start time.Time) string {
	if p.at == "" {
		return start.Format("20060102")
	}
	return start.UTC().Format("20060102T150405Z")
}

// chance returns a number below n that follows from the words and the day.
func chance(word string, d time.Time, n int) int {
	h := fnv.New32a()
	h.Write([]byte(word + d.Format("2006-01-02")))
	v := h.Sum32()
	return int((v ^ v>>15) % uint32(n))
}

// mentions reports whether every word of q occurs in the event's text or people.
func (e appointment) mentions(q string) bool {
	text := []string{e.summary, e.description, e.location, e.organizer, names[e.organizer]}
	for _, g := range e.guests {
		text = append(text, g, names[g])
	}
	all := strings.ToLower(strings.Join(text, "\n"))
	for word := range strings.FieldsSeq(strings.ToLower(q)) {
		if !strings.Contains(all, strings.Trim(word, `"`)) {
			return false
		}
	}
	return true
}

func (e appointment) eventType() string { return firstOf(e.kind, "default") }
