package question

// edgeOf reads a word that opens one end at i: "since", "no later than".
func (p *parser) edgeOf(i int) (e edge, k int, ok bool) {
	switch {
	case p.is(i, "up", "to"):
		return until, i + 2, true
	case p.is(i, "no", "later", "than"), p.is(i, "not", "later", "than"):
		return until, i + 3, true
	case p.is(i, "starting", "on"), p.is(i, "starting", "from"):
		return since, i + 2, true
	}
	e, ok = edges[p.at(i)]
	return e, i + 1, ok
}

// rangeWords join two ends; between also takes "and".
var (
	rangeWords   = set("to until through -")
	betweenWords = set("and to -")
)

// stretchAt reads the time that starts at i, if one does.
func (p *parser) stretchAt(i int) (stretch, bool) {
	if p.at(i) == "" {
		return stretch{}, false
	}
	for _, rule := range []func(int) (stretch, bool){p.ranged, p.relative, p.around, p.edged, p.recurring, p.point, p.partOfDay} {
		if s, ok := rule(i); ok {
			s.joined = joiners[p.at(i-1)]
			return s, true
		}
	}
	return p.clock(i, whole)
}

// ranged reads a time with two ends: "between monday and wednesday", "from 2 to 4pm", "jan 22-24".
func (p *parser) ranged(i int) (stretch, bool) {
	k, words := i, rangeWords
	switch p.at(i) {
	case "between":
		k, words = i+1, betweenWords
	case "from":
		k = i + 1
	}
	if p.is(k, "now") && words[p.at(k+1)] {
		s, ok := p.pointLooking(k+2, future, true)
		s.i = i
		s = p.open(s, until)
		s.start = &p.now
		return s, ok
	}
	s, ok := p.clockRange(k, words)
	if !ok {
		s, ok = p.dayRange(k, words)
	}
	if !ok {
		s, ok = p.unsettled(i, k, words)
	}
	s.i = i
	return s, ok
}

func (p *parser) dayRange(k int, words map[string]bool) (stretch, bool) {
	if p.is(k, "the") {
		k++
	}
	if s, ok := p.daysOfMonth(k, words); ok {
		return s, true
	}
	a, m, ok := p.named(k, words["and"] || words[p.at(k+1)])
	if !ok || !words[p.at(m)] {
		return stretch{}, false
	}
	if p.is(m+1, "the") {
		m++
	}
	b, j, ok := p.named(m+1, true)
	if !ok {
		return stretch{}, false
	}
	o, ok := p.between(a, b)
	s := stretch{j: j, days: true, from: o.from, to: o.to, grain: "range", unclear: !ok}
	if a.weekday >= 0 && b.weekday >= 0 {
		s.weekdays = []int{a.weekday, b.weekday}
	}
	return s, true
}

// daysOfMonth reads ranges whose month stands once: "22 to 24 january", "jan 22-24".
func (p *parser) daysOfMonth(k int, words map[string]bool) (stretch, bool) {
	var a, b name
	var j int
	first, ok := dayNumber(p.at(k))
	if m, isMonth := months[p.at(k)]; isMonth {
		first, ok = dayNumber(p.at(k + 1))
		last, ok2 := dayNumber(p.at(k + 3))
		if !ok || !ok2 || !words[p.at(k+2)] || p.clockAhead(k+3) || months[p.at(k+4)] != 0 {
			return stretch{}, false
		}
		y, end := p.yearAt(k + 4)
		a, b, j = p.dated(y, m, first), p.dated(y, m, last), end
	} else {
		if !ok || !words[p.at(k+1)] {
			return stretch{}, false
		}
		b, j, ok = p.monthDate(k+2, true)
		if !ok {
			return stretch{}, false
		}
		o, ok := p.choose(b, p.lean)
		if !ok {
			return stretch{}, false
		}
		a = p.dated(o.from.Year(), int(o.from.Month()), first)
	}
	o, ok := p.between(a, b)
	return stretch{j: j, days: true, from: o.from, to: o.to, grain: "range", unclear: !ok}, true
}

// between resolves a range: the end whose date is certain, or that lies where the question looks, fixes the other.
func (p *parser) between(a, b name) (occurrence, bool) {
	var x, y occurrence
	okX, okY := true, true
	switch {
	case a.fixed && b.fixed:
		x, okX = a.at(0)
		y, okY = b.at(0)
	case b.fixed || !a.fixed && p.lean == past:
		if y, okY = p.choose(b, past); okY {
			x, okX = a.lastStartingBy(y.from)
		}
	default:
		if x, okX = p.choose(a, p.lean); okX {
			y, okY = b.firstStartingFrom(x.from)
		}
	}
	return occurrence{x.from, y.to}, okX && okY && x.from.Before(y.to)
}

// edged reads a time with one end: "since monday", "by friday 5pm", "after 5pm", "from monday onwards".
func (p *parser) edged(i int) (stretch, bool) {
	e, k, ok := p.edgeOf(i)
	if !ok {
		return stretch{}, false
	}
	if e == until && p.is(k, "now") {
		return stretch{i: i, j: k + 1, exact: true, end: &p.now}, true
	}
	if s, ok := p.clock(k, e); ok {
		s.i = i
		return s, true
	}
	if meals[p.at(k)] && (e == before || e == after) {
		return stretch{i: i, j: k + 1, unclear: true}, true
	}
	if p.is(k, "the") {
		k++
	}
	inner, ok := p.relative(k)
	if !ok || inner.unclear {
		look := p.lean
		if e == since && look == weakFuture && p.at(i) == "since" {
			look = past
		}
		if inner, ok = p.pointLooking(k, look, true); !ok {
			return stretch{}, false
		}
	}
	if e == fromOn {
		if !p.is(inner.j, "on") && !p.is(inner.j, "onwards") && !p.is(inner.j, "onward") {
			return stretch{}, false
		}
		inner.j++
	}
	inner.i = i
	return p.open(inner, e), true
}

// open leaves one end of a stretch open.
func (p *parser) open(s stretch, e edge) stretch {
	if s.unclear {
		return s
	}
	lo, hi := s.start, s.end
	if s.days {
		start, end := p.moment(s.from, s.a), p.moment(s.to, 0)
		if s.clock {
			end = p.moment(s.from, s.b)
		}
		lo, hi = &start, &end
	}
	out := stretch{i: s.i, j: s.j, exact: true}
	switch e {
	case since, fromOn:
		out.start = lo
	case after:
		out.start = hi
	case before:
		out.end = lo
	default:
		out.end = hi
	}
	return out
}

// recurring notices "every friday" and "on mondays", which are many times and no window.
func (p *parser) recurring(i int) (stretch, bool) {
	if p.is(i, "every") || p.is(i, "each") {
		_, weekday := weekdays[p.at(i+1)]
		if weekday || units[p.at(i+1)] != "" {
			return stretch{i: i, j: i + 2, unclear: true}, true
		}
	}
	if _, plural := weekdayPlurals[p.at(i)]; plural {
		if _, _, ok := p.weekday(i, true); !ok {
			return stretch{i: i, j: i + 1, unclear: true}, true
		}
	}
	return stretch{}, false
}

// point reads one time without edges: "tonight", "tomorrow afternoon", "the week of january 22".
func (p *parser) point(i int) (stretch, bool) { return p.pointLooking(i, p.lean, false) }

func (p *parser) pointLooking(i int, look lean, bound bool) (stretch, bool) {
	if s, ok := p.night(i); ok {
		return s, true
	}
	n, j, ok := p.named(i, bound)
	if !ok {
		return stretch{}, false
	}
	o, ok := p.choose(n, look)
	s := stretch{i: i, j: j, days: true, from: o.from, to: o.to, grain: n.grain}
	switch {
	case !ok || n.grain == "unclear" && !bound:
		return stretch{i: i, j: j, unclear: true}, true
	case bound && !n.endpoint.IsZero():
		s.from, s.to = n.endpoint, n.endpoint
		return s, true
	}
	s.mild = p.is(i, "my")
	if n.weekday >= 0 {
		s.weekdays = []int{n.weekday}
	}
	if n.grain == "day" {
		p.partOrClock(&s, bound)
	}
	return s, true
}

// partOrClock adds the part of the day behind the name of a day, and for a bound the clock time.
func (p *parser) partOrClock(s *stretch, bound bool) {
	k := s.j
	switch {
	case p.is(k, "in", "the"):
		k += 2
	case p.is(k, "at"):
		k++
	}
	if part, ok := parts[p.at(k)]; ok && (k == s.j || k == s.j+2 || p.is(k, "night")) {
		s.clock, s.a, s.b, s.j = true, part[0], part[1], k+1
		return
	}
	if c, j, ok := p.clockAt(k); bound && ok && c.half != unknown {
		s.clock, s.a, s.b, s.j = true, c.minutes(), c.minutes(), j
	}
}

// night reads the parts of a day that need no day: "tonight", "this morning", "last night", "overnight".
func (p *parser) night(i int) (stretch, bool) {
	s := stretch{i: i, j: i + 2, days: true, grain: "day", from: p.today, clock: true}
	part, ok := parts[p.at(i+1)]
	switch {
	case p.is(i, "tonight"):
		part, s.j = parts["night"], i+1
	case p.is(i, "last", "night"):
		s.from, part = p.today.AddDate(0, 0, -1), [2]int{18 * 60, 30 * 60}
	case p.is(i, "overnight") && p.lean == past:
		s.from, part, s.j = p.today.AddDate(0, 0, -1), [2]int{18 * 60, 30 * 60}, i+1
	case !ok || !p.is(i, "this"):
		return stretch{}, false
	}
	s.to = s.from.AddDate(0, 0, 1)
	s.a, s.b = part[0], part[1]
	return s, true
}
