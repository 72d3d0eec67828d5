package question

import "time"

// A date is a civil day: midnight UTC of it, so that AddDate counts days, months and years without any zone.
type date = time.Time

func day(y int, m time.Month, d int) date { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// dateOf returns the civil day of an instant in its location.
func dateOf(t time.Time) date { return day(t.Date()) }

// validDay returns the day y-m-d if the calendar has it.
func validDay(y, m, d int) (date, bool) {
	t := day(y, time.Month(m), d)
	return t, t.Day() == d && int(t.Month()) == m && y >= 1 && y <= 9999
}

// addMonths moves d by n months and stays within the month it lands in: 31 January and a month is 28 February.
func addMonths(d date, n int) date {
	first := day(d.Year(), d.Month(), 1).AddDate(0, n, 0)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(d.Day(), last)-1)
}

// instant returns the first instant of the civil day d, minutes after its midnight by the clock, that exists in loc. A
// clock time that is skipped becomes the end of the gap; one that comes twice, the first.
func instant(d date, minutes int, loc *time.Location) time.Time {
	d = d.AddDate(0, 0, minutes/1440)
	minutes %= 1440
	want := d.Add(time.Duration(minutes) * time.Minute)
	t := time.Date(d.Year(), d.Month(), d.Day(), minutes/60, minutes%60, 0, 0, loc)
	start, end := t.ZoneBounds()
	if got := civil(t); got.Before(want) {
		return end
	} else if got.After(want) {
		return start
	}
	if !start.IsZero() {
		_, before := start.Add(-time.Second).In(loc).Zone()
		_, after := t.Zone()
		if earlier := t.Add(time.Duration(after-before) * time.Second); earlier.Before(start) && civil(earlier).Equal(want) {
			return earlier
		}
	}
	return t
}

// civil returns the clock's reading of t as if it were UTC.
func civil(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// bounds returns the calendar unit that holds d, half-open.
func (c calendar) bounds(unit string, d date) (from, to date) {
	switch unit {
	case "week":
		from = d.AddDate(0, 0, -((int(d.Weekday()) - int(c.weekStart) + 7) % 7))
		return from, from.AddDate(0, 0, 7)
	case "month":
		from = day(d.Year(), d.Month(), 1)
		return from, from.AddDate(0, 1, 0)
	case "quarter":
		from = day(d.Year(), (d.Month()-1)/3*3+1, 1)
		return from, from.AddDate(0, 3, 0)
	case "year":
		return day(d.Year(), 1, 1), day(d.Year()+1, 1, 1)
	}
	return d, d.AddDate(0, 0, 1)
}

// shift moves d by n units.
func shift(unit string, d date, n int) date {
	switch unit {
	case "week":
		return d.AddDate(0, 0, 7*n)
	case "fortnight":
		return d.AddDate(0, 0, 14*n)
	case "month":
		return addMonths(d, n)
	case "quarter":
		return addMonths(d, 3*n)
	case "year":
		return addMonths(d, 12*n)
	}
	return d.AddDate(0, 0, n)
}

// calendar knows today and how its weeks begin.
type calendar struct {
	now       time.Time // in the asker's zone
	today     date
	weekStart time.Weekday
}

func newCalendar(o Options) calendar {
	loc := o.Location
	if loc == nil {
		loc = time.UTC
	}
	now := o.Now.In(loc)
	start := time.Monday
	if o.WeekStart != 0 {
		start = o.WeekStart % 7
	}
	return calendar{now: now, today: dateOf(now), weekStart: start}
}

func (c calendar) moment(d date, minutes int) time.Time { return instant(d, minutes, c.now.Location()) }
