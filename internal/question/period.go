package question

import "time"

// period reads a calendar unit: "this week", "next month", "last friday", "the week after next", "the week of january 22".
func (p *parser) period(i int, _ bool) (name, int, bool) {
	w, next := p.at(i), p.at(i+1)
	switch {
	case units[w] == w && next == "after" && p.is(i+2, "next"):
		return p.unitAway(w, 2), i + 3, true
	case units[w] == w && next == "before" && p.is(i+2, "last"):
		return p.unitAway(w, -2), i + 3, true
	case w == "week" && (next == "of" || next == "starting" || next == "beginning" || next == "commencing"):
		return p.weekOf(i)
	case w == "weekend" && next == "of":
		return p.weekOf(i)
	case w == "weekend":
		return p.weekend(0, true), i + 1, true
	}
	if w == "my" && (next == "day" || next == "week" || next == "month") {
		return p.unitAway(next, 0), i + 2, true
	}
	offset, ok := map[string]int{"this": 0, "next": 1, "last": -1, "previous": -1, "coming": 1, "past": -1, "upcoming": 1}[w]
	if !ok {
		return name{}, i, false
	}
	if w == "this" && (next == "coming" || next == "past" || next == "upcoming") {
		if _, ok := weekdays[p.at(i+2)]; ok || p.is(i+2, "weekend") {
			return p.period(i+1, true)
		}
	}
	if wd, j, ok := p.weekday(i+1, true); ok {
		return p.weekdayAway(wd, w, offset), j, true
	}
	calendarUnit := w == "this" || w == "next" || w == "last" || w == "previous"
	switch {
	case next == "weekend":
		return p.weekend(offset, false), i + 2, true
	case (next == "month" || next == "week" || next == "quarter" || next == "year") && calendarUnit && !p.rolling(i):
		return p.unitAway(next, offset), i + 2, true
	}
	if m, ok := months[next]; ok && calendarUnit {
		n := p.monthOf(0, m)
		l := [3]lean{past, p.lean, future}[offset+1]
		if o, ok := p.choose(n, l); ok {
			if offset < 0 && o.to.After(p.today) {
				o = occurrence{o.from.AddDate(-1, 0, 0), o.to.AddDate(-1, 0, 0)}
			}
			return fixedName("month", o.from, o.to), i + 2, true
		}
	}
	return name{}, i, false
}

// rolling reports whether "last week" at i follows "in the", "over the" and so on: then it is the last seven days.
func (p *parser) rolling(i int) bool {
	return p.is(i-1, "the") && !p.is(i, "this")
}

func (p *parser) unitAway(unit string, n int) name {
	from, _ := p.bounds(unit, p.today)
	from, to := p.bounds(unit, shift(unit, from, n))
	return fixedName(unit, from, to)
}

// weekdayAway reads "next friday" as the one of next week, "last friday" as the latest before today, "coming friday" as the
// first after today, and "this friday" like "friday".
func (p *parser) weekdayAway(n name, word string, offset int) name {
	if offset == 0 {
		return n
	}
	var o occurrence
	switch {
	case word == "next":
		week, _ := p.bounds("week", p.today.AddDate(0, 0, 7))
		o, _ = n.firstStartingFrom(week)
	case offset > 0:
		o, _ = n.firstStartingFrom(p.today.AddDate(0, 0, 1))
	default:
		o, _ = n.lastStartingBy(p.today.AddDate(0, 0, -1))
	}
	return fixedName("day", o.from, o.to)
}

// weekend names Saturday and Sunday: those of this week, or that many weeks away. The bare one looks back with a past verb.
func (p *parser) weekend(offset int, bare bool) name {
	saturday := p.today.AddDate(0, 0, (6-int(p.today.Weekday()))%7)
	if p.today.Weekday() == time.Sunday {
		saturday = p.today.AddDate(0, 0, -1)
	}
	if bare && p.lean == past && saturday.After(p.today) {
		offset = -1
	}
	saturday = saturday.AddDate(0, 0, 7*offset)
	return fixedName("weekend", saturday, saturday.AddDate(0, 0, 2))
}

// weekOf reads "week of january 22", the week that holds that day, "week starting february 2", seven days from it, and the
// weekend of a day.
func (p *parser) weekOf(i int) (name, int, bool) {
	k := i + 2
	if p.is(k, "the") {
		k++
	}
	for _, rule := range []func(int, bool) (name, int, bool){p.numericDate, p.monthDate, p.dayOfMonth, p.weekday} {
		n, j, ok := rule(k, true)
		if !ok {
			continue
		}
		o, ok := p.choose(n, p.lean)
		if !ok {
			return name{}, i, false
		}
		from, to := p.bounds("week", o.from)
		switch {
		case p.is(i, "weekend"):
			from = o.from.AddDate(0, 0, (6-int(o.from.Weekday()))%7)
			if o.from.Weekday() == time.Sunday {
				from = o.from.AddDate(0, 0, -1)
			}
			to = from.AddDate(0, 0, 2)
		case !p.is(i+1, "of"):
			from, to = o.from, o.from.AddDate(0, 0, 7)
		}
		return fixedName("week", from, to), j, true
	}
	return name{}, i, false
}

// nthOf reads pieces of a longer time: "first week of march", "last day of the month", "first monday of march", "end of the
// month". A week of a month is seven days counted from its first or last day.
func (p *parser) nthOf(i int, _ bool) (name, int, bool) {
	w, piece := p.at(i), p.at(i+1)
	if short, ok := map[string]string{"eod": "day", "eow": "week", "eom": "month", "eoy": "year"}[w]; ok {
		_, to := p.bounds(short, p.today)
		return p.tail(short, occurrence{to: to}), i + 1, true
	}
	if piece == "of" && (w == "end" || w == "start" || w == "beginning") {
		o, grain, j, ok := p.longer(i + 2)
		switch {
		case !ok:
			return name{}, i, false
		case w == "end":
			return p.tail(grain, o), j, true
		case grain == "month":
			return fixedName("week", o.from, o.from.AddDate(0, 0, 7)), j, true
		}
		n := fixedName("unclear", o.from, o.from.AddDate(0, 0, 1))
		n.endpoint = o.from
		return n, j, true
	}
	if n, j, ok := p.halfOf(i); ok {
		return n, j, true
	}
	nth, ok := ordinals[w]
	if n, digits := ordinal(w); digits {
		nth, ok = n, n <= 5
	}
	wd, isWeekday := weekdays[piece]
	if !ok || !p.is(i+2, "of") && !p.is(i+2, "in") || piece != "week" && piece != "day" && !isWeekday {
		return name{}, i, false
	}
	o, grain, j, ok := p.longer(i + 3)
	if !ok || grain == "day" || grain == "week" && piece == "week" {
		return name{}, i, false
	}
	length := 1
	if piece == "week" {
		length = 7
	}
	first := o.from.AddDate(0, 0, (nth-1)*length)
	if nth < 0 {
		first = o.to.AddDate(0, 0, -length)
	}
	if isWeekday {
		first = nthWeekday(o, wd, nth)
	}
	last := first.AddDate(0, 0, length)
	if last.After(o.to) {
		last = o.to
	}
	if !first.Before(last) || first.Before(o.from) {
		return name{}, i, false
	}
	if length == 7 {
		return fixedName("week", first, last), j, true
	}
	return fixedName("day", first, last), j, true
}

// halfOf reads "first half of march": to the 15th, or from the 16th on.
func (p *parser) halfOf(i int) (name, int, bool) {
	nth := ordinals[p.at(i)]
	if nth != 1 && nth != 2 && nth != -1 || !p.is(i+1, "half", "of") {
		return name{}, i, false
	}
	o, grain, j, ok := p.longer(i + 3)
	if !ok || grain != "month" {
		return name{}, i, false
	}
	middle := o.from.AddDate(0, 0, 15)
	if nth == 1 {
		return fixedName("range", o.from, middle), j, true
	}
	return fixedName("range", middle, o.to), j, true
}

func nthWeekday(o occurrence, wd, nth int) date {
	if nth < 0 {
		last := o.to.AddDate(0, 0, -1)
		return last.AddDate(0, 0, -(int(last.Weekday())-wd+7)%7)
	}
	return o.from.AddDate(0, 0, (wd-int(o.from.Weekday())+7)%7+7*(nth-1))
}

// tail names the end of a period. Only of a month is it a time by itself, its last seven days; of others it bounds.
func (p *parser) tail(grain string, o occurrence) name {
	n := fixedName("unclear", o.to.AddDate(0, 0, -1), o.to)
	if grain == "month" {
		n = fixedName("week", o.to.AddDate(0, 0, -7), o.to)
	}
	n.endpoint = o.to
	return n
}

// longer parses the period behind "of": "the month", "this week", "next year", "march", "the day".
func (p *parser) longer(i int) (occurrence, string, int, bool) {
	if p.is(i, "the") {
		i++
	}
	if u := p.at(i); u == "day" || u == "week" || u == "month" || u == "quarter" || u == "year" {
		from, to := p.bounds(u, p.today)
		return occurrence{from, to}, u, i + 1, true
	}
	for _, rule := range []func(int, bool) (name, int, bool){p.relativeDay, p.period, p.month, p.quarter, p.year} {
		if n, j, ok := rule(i, true); ok {
			o, ok := p.choose(n, p.lean)
			return o, n.grain, j, ok
		}
	}
	return occurrence{}, "", i, false
}
