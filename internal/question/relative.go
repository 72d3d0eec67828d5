package question

import (
	"strconv"
	"time"
)

// quantity reads a small number at i: "3", "three", "a", "a couple of".
func (p *parser) quantity(i int) (n, j int, ok bool) {
	w := p.at(i)
	if (w == "a" || w == "the") && p.is(i+1, "couple") {
		i, w = i+1, "couple"
	}
	if n, ok := numerals[w]; ok {
		if w == "couple" && p.is(i+1, "of") {
			i++
		}
		return n, i + 1, true
	}
	if w == "a" || w == "an" {
		return 1, i + 1, true
	}
	n, err := strconv.Atoi(w)
	return n, i + 1, err == nil && n >= 1 && len(w) <= 4
}

// relative reads times that are measured from now: "next 3 days", "within 24 hours", "in an hour", "2 weeks ago".
func (p *parser) relative(i int) (stretch, bool) {
	w := p.at(i)
	switch w {
	case "few", "several":
		if units[p.at(i+1)] != "" {
			return stretch{i: i, j: i + 2, unclear: true}, true
		}
	case "next", "coming", "following", "upcoming":
		if s, ok := p.span(i, i+1, 1); ok {
			return s, true
		}
	case "last", "past", "previous":
		if s, ok := p.span(i, i+1, -1); ok {
			return s, true
		}
	case "older", "newer":
		if s, ok := p.aged(i); ok {
			return s, true
		}
	case "within":
		if s, ok := p.within(i); ok {
			return s, true
		}
	case "in":
		if n, k, ok := p.quantity(i + 1); ok && units[p.at(k)] != "" && !p.is(i+1, "the") {
			return p.away(i, k+1, units[p.at(k)], n)
		}
	}
	n, k, ok := p.quantity(i)
	unit := units[p.at(k)]
	switch {
	case !ok || unit == "":
		return stretch{}, false
	case p.is(k+1, "ago"):
		return p.away(i, k+2, unit, -n)
	case p.is(k+1, "from") && (p.is(k+2, "now") || p.is(k+2, "today")):
		return p.away(i, k+3, unit, n)
	}
	return stretch{}, false
}

// within reads "within 24 hours": ahead, or back for mail and verbs in the past.
func (p *parser) within(i int) (stretch, bool) {
	k, sign := i+1, 1
	if p.lean == past {
		sign = -1
	}
	if p.is(k, "the") {
		k++
	}
	switch p.at(k) {
	case "next", "coming":
		k, sign = k+1, 1
	case "last", "past":
		k, sign = k+1, -1
	}
	return p.span(i, k, sign)
}

// aged reads "older than a year" and "newer than 3 days".
func (p *parser) aged(i int) (stretch, bool) {
	if !p.is(i+1, "than") {
		return stretch{}, false
	}
	s, ok := p.span(i, i+2, -1)
	if ok && p.is(i, "older") {
		s.start, s.end = nil, s.start
	}
	return s, ok
}

// span reads the amount at k and reaches that far from now. Hours are exact; of days and longer units the far end is a
// whole day. "last week" without an article is not measured, it is the calendar's.
func (p *parser) span(i, k, sign int) (stretch, bool) {
	n, j, counted := p.quantity(k)
	if !counted {
		n, j = 1, k
	}
	unit := units[p.at(j)]
	if unit == "" || n > 1000 {
		return stretch{}, false
	}
	calendarUnit := p.is(i, "last") || p.is(i, "next") || p.is(i, "previous")
	exactUnit := unit == "hour" || unit == "minute"
	if !counted && !exactUnit && (calendarUnit && !p.rolling(i) || p.is(j+1, "of")) {
		return stretch{}, false
	}
	far := p.now.Add(time.Duration(sign*n) * hours(unit))
	if !exactUnit {
		d := shift(unit, p.today, sign*n)
		if sign > 0 {
			d = d.AddDate(0, 0, 1)
		}
		far = p.moment(d, 0)
	}
	s := stretch{i: i, j: j + 1, exact: true, start: &p.now, end: &far}
	if sign < 0 {
		s.start, s.end = s.end, s.start
	}
	return s, true
}

func hours(unit string) time.Duration {
	if unit == "minute" {
		return time.Minute
	}
	return time.Hour
}

// away names the unit that lies n units from now: a day, a week of the calendar, an hour.
func (p *parser) away(i, j int, unit string, n int) (stretch, bool) {
	if n > 1000 || n < -1000 {
		return stretch{}, false
	}
	s := stretch{i: i, j: j}
	switch unit {
	case "minute", "hour":
		start := p.now.Add(time.Duration(n) * hours(unit))
		end := start.Add(hours(unit))
		s.exact, s.start, s.end = true, &start, &end
		return s, true
	case "fortnight":
		unit, n = "week", 2*n
	}
	first, _ := p.bounds(unit, p.today)
	from, to := p.bounds(unit, shift(unit, first, n))
	s.days, s.from, s.to, s.grain = true, from, to, unit
	return s, true
}

// around reads times that begin or end now: "now", "so far", "earlier today", "later this week", "rest of the day".
func (p *parser) around(i int) (stretch, bool) {
	s := stretch{i: i, exact: true}
	w := p.at(i)
	switch {
	case p.is(i, "right", "now"), p.is(i, "just", "now"):
		s.j = i + 2
	case w == "now" && !p.is(i-1, "until") && !p.is(i-1, "from"):
		s.j = i + 1
	case p.is(i, "so", "far"):
		s.j, s.end = i+2, &p.now
		return s, true
	case (w == "earlier" || w == "later") && p.is(i+1, "this") && parts[p.at(i+2)] != [2]int{}:
		part := parts[p.at(i+2)]
		start, end := p.moment(p.today, part[0]), p.moment(p.today, part[1])
		if s.j = i + 3; w == "later" {
			start = p.now
		} else {
			end = p.now
		}
		s.start, s.end = &start, &end
		return s, start.Before(end)
	case w == "earlier" || w == "later":
		o, _, j, ok := p.longer(i + 1)
		if !ok || !o.from.Before(p.today.AddDate(0, 0, 1)) || !o.to.After(p.today) {
			return s, false
		}
		return p.split(s, o, j, w == "later")
	case (w == "rest" || w == "remainder") && p.is(i+1, "of"):
		o, _, j, ok := p.longer(i + 2)
		if !ok || !o.from.Before(p.today.AddDate(0, 0, 1)) || !o.to.After(p.today) {
			return s, false
		}
		return p.split(s, o, j, true)
	default:
		return p.toDate(i)
	}
	end := p.now.Add(time.Minute)
	s.start, s.end = &p.now, &end
	return s, true
}

// split cuts a period that holds now at now.
func (p *parser) split(s stretch, o occurrence, j int, later bool) (stretch, bool) {
	start, end := p.moment(o.from, 0), p.moment(o.to, 0)
	if later {
		start = p.now
	} else {
		end = p.now
	}
	s.j, s.start, s.end = j, &start, &end
	return s, start.Before(end)
}

// toDate reads "year to date" and "ytd".
func (p *parser) toDate(i int) (stretch, bool) {
	unit, j := map[string]string{"ytd": "year", "mtd": "month", "qtd": "quarter", "wtd": "week"}[p.at(i)], i+1
	if u := units[p.at(i)]; unit == "" && u != "" && p.is(i+1, "to", "date") {
		unit, j = u, i+3
	}
	if unit == "" {
		return stretch{}, false
	}
	from, to := p.bounds(unit, p.today)
	return p.split(stretch{i: i, exact: true}, occurrence{from, to}, j, false)
}
