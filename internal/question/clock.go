package question

import (
	"strconv"
	"strings"
)

// clockTime is a time of day. Without am, pm or two digits before the colon it has two meanings, and half is unknown.
type clockTime struct {
	hour, minute int
	half         half
}

type half int

const (
	unknown half = iota
	am
	pm
	full // of the 24-hour clock
)

// minutes returns the minutes after midnight.
func (c clockTime) minutes() int {
	h := c.hour
	switch {
	case c.half == am && h == 12:
		h = 0
	case c.half == pm && h < 12:
		h += 12
	}
	return h*60 + c.minute
}

// clockWord reads 5pm, 5:30pm, 17:00, noon, and a bare 5 as a clock time of unknown half.
func clockWord(w string) (clockTime, bool) {
	switch w {
	case "noon":
		return clockTime{hour: 12, half: full}, true
	case "midnight":
		return clockTime{hour: 24, half: full}, true
	}
	c := clockTime{}
	digits := strings.TrimRight(w, "apm.")
	switch strings.ReplaceAll(w[len(digits):], ".", "") {
	case "":
	case "am", "a":
		c.half = am
	case "pm", "p":
		c.half = pm
	default:
		return c, false
	}
	hour, minute, colon := strings.Cut(digits, ":")
	h, err := strconv.Atoi(hour)
	if err != nil || len(hour) > 2 || h < 0 {
		return c, false
	}
	c.hour = h
	if colon {
		m, err := strconv.Atoi(minute)
		if err != nil || len(minute) != 2 || m < 0 || m > 59 {
			return c, false
		}
		c.minute = m
		if c.half == unknown && (len(hour) == 2 || h > 12 || h == 0) {
			c.half = full
		}
	}
	if c.half == am || c.half == pm {
		return c, h >= 1 && h <= 12
	}
	return c, h <= 23
}

// clockAt reads a clock time at i, with the am, pm or part of the day behind it.
func (p *parser) clockAt(i int) (c clockTime, j int, ok bool) {
	if c, ok = clockWord(p.at(i)); !ok || p.at(i) == "" {
		return c, i, false
	}
	j = i + 1
	if p.is(j, "o'clock") {
		j++
	}
	if c.half != unknown {
		return c, j, true
	}
	switch p.at(j) {
	case "am", "a.m":
		c.half, j = am, j+1
	case "pm", "p.m":
		c.half, j = pm, j+1
	}
	k := j
	if p.is(k, "in", "the") {
		k += 2
	}
	switch w := p.at(k); {
	case c.half != unknown || c.hour < 1 || c.hour > 12 || k == j && w != "at":
	case w == "morning":
		c.half, j = am, k+1
	case w == "afternoon" || w == "evening":
		c.half, j = pm, k+1
	case w == "at" && p.is(k+1, "night") && c.hour >= 6 && c.hour < 12:
		c.half, j = pm, k+2
	}
	return c, j, c.half == unknown || c.hour >= 1 && c.hour <= 12
}

// clockAhead reports whether a clock time with a known half stands at i.
func (p *parser) clockAhead(i int) bool {
	c, _, ok := p.clockAt(i)
	return ok && c.half != unknown
}

// clockRange reads "2 to 4pm", "9am-11am", "between 9am and noon". One side may lend the other its half of the day.
func (p *parser) clockRange(i int, connectors map[string]bool) (stretch, bool) {
	a, k, ok := p.clockAt(i)
	if !ok || !connectors[p.at(k)] {
		return stretch{}, false
	}
	b, j, ok := p.clockAt(k + 1)
	if !ok || a.half == unknown && b.half == unknown {
		return stretch{}, false
	}
	from, to, ok := settle(a, b)
	return stretch{i: i, j: j, clock: true, a: from, b: to}, ok
}

// unsettled reads "2 to 4", which is a range of times of day with two meanings.
func (p *parser) unsettled(i, k int, connectors map[string]bool) (stretch, bool) {
	a, m, okA := p.clockAt(k)
	b, j, okB := p.clockAt(m + 1)
	ok := okA && okB && connectors[p.at(m)] && a.half == unknown && b.half == unknown && a != b
	return stretch{i: i, j: j, unclear: true}, ok && (i != k || p.is(m, "-")) && (units[p.at(j)] == "")
}

func settle(a, b clockTime) (from, to int, ok bool) {
	if a.half == unknown && (a.hour < 1 || a.hour > 12) {
		a.half = full
	}
	if b.half == unknown && (b.hour < 1 || b.hour > 12) {
		b.half = full
	}
	switch {
	case a.half == unknown:
		to = b.minutes()
		for _, h := range []half{am, pm} {
			a.half = h
			if m := a.minutes(); m < to {
				from, ok = m, true
			}
		}
		return from, to, ok
	case b.half == unknown:
		from = a.minutes()
		for _, h := range []half{pm, am} {
			b.half = h
			if m := b.minutes(); m > from {
				to, ok = m, true
			}
		}
		return from, to, ok
	}
	from, to = a.minutes(), b.minutes()
	if to <= from {
		to += 24 * 60
	}
	return from, to, from < to && from < 24*60
}

// clock reads one clock time with its edge: "at 3pm", "before noon", "since 9am". Alone it opens an hour.
func (p *parser) clock(i int, e edge) (stretch, bool) {
	c, j, ok := p.clockAt(i)
	if ok && c.half == unknown && c.hour > 12 && p.at(i-1) == "at" {
		c.half = full
	}
	if ok && c.half == unknown && (p.at(i-1) == "at" || strings.Contains(p.at(i), ":")) && c.hour > 0 {
		return stretch{i: i, j: j, unclear: true}, true
	}
	if !ok || c.half == unknown {
		return stretch{}, false
	}
	s := stretch{i: i, j: j, clock: true, a: c.minutes(), b: 24 * 60, edge: e}
	switch e {
	case whole:
		if s.a == 24*60 {
			return stretch{}, false
		}
		s.b = s.a + 60
	case before, until:
		s.a, s.b = 0, s.a
	}
	return s, s.a < s.b
}

// partOfDay reads the morning of some other stretch's day: "in the afternoon", "on the morning of".
func (p *parser) partOfDay(i int) (stretch, bool) {
	k := i
	if (p.is(k, "in") || p.is(k, "on")) && p.is(k+1, "the") {
		k += 2
	} else if !p.is(k, "at", "night") {
		return stretch{}, false
	} else {
		k++
	}
	part, ok := parts[p.at(k)]
	return stretch{i: i, j: k + 1, clock: true, a: part[0], b: part[1], edge: inDay}, ok
}
