package question

import (
	"slices"
	"time"
)

// times marks the words of time in the question and returns the stretches they name.
func (p *parser) times() []stretch {
	var out []stretch
	for i := 0; i < len(p.tokens); {
		s, ok := p.stretchAt(i)
		if !ok {
			i++
			continue
		}
		switch who := p.called(s); {
		case p.subject(i):
			for k := i; k < s.j; k++ {
				p.tokens[k].topic = true
			}
		case who == aPerson:
		case who == anyone:
			p.mark(s.j-1, s.j, "")
			p.tokens[s.j-1].doubt = true
		case s.unclear:
			p.unclear(s)
		default:
			p.mark(s.i, s.j, "window")
			out = append(out, s)
		}
		i = s.j
	}
	return out
}

// subject reports whether a time at i is what the question is about ("about the friday meeting"), not when. Of articles it
// looks behind two, however many there are.
func (p *parser) subject(i int) bool {
	k := i - 1
	for k > i-3 && (p.is(k, "the") || p.is(k, "a") || p.is(k, "our") || p.is(k, "my")) {
		k--
	}
	if !topicMarkers[p.at(k)] {
		return false
	}
	prev := p.at(k - 1)
	return prev != "from" && prev != "since" && prev != "in" && prev != "at"
}

// window makes one window of all stretches. It returns nil when there are none, or when they contradict each other; then it
// marks those that do not fit as unclear.
func (p *parser) window(stretches []stretch) *Window {
	base, clocks, exacts, ok := p.sort(stretches)
	if !ok {
		return nil
	}
	w := Window{}
	if base != nil {
		w = Window{p.instant(base.from), p.instant(base.to)}
	}
	if !p.clockWindow(&w, base, clocks) {
		return nil
	}
	for _, s := range exacts {
		if s.edge == inDay && w.Start == nil && w.End == nil {
			p.unclear(s)
			continue
		}
		w.cut(s.start, s.end)
	}
	if w.Start == nil && w.End != nil && p.lean != past && w.End.After(p.now) {
		w.Start = &p.now
	}
	switch {
	case w.Start == nil && w.End == nil:
		return nil
	case w.Start != nil && w.End != nil && !w.Start.Before(*w.End):
		for _, s := range stretches {
			p.unclear(s)
		}
		return nil
	}
	if !slices.ContainsFunc(stretches, func(s stretch) bool { return p.tokens[s.i].kind != "unclear" }) {
		return nil // "tonight at noon": what names the day is itself in doubt
	}
	return &w
}

// sort merges the stretches of days into one and sets clock times and exact ones apart.
func (p *parser) sort(stretches []stretch) (base *stretch, clocks, exacts []stretch, ok bool) {
	for _, s := range stretches {
		if s.unclear {
			continue
		}
		if s.clock {
			clocks = append(clocks, s)
		}
		switch {
		case s.exact:
			exacts = append(exacts, s)
		case s.days && (base == nil || base.mild):
			base = &s
		case s.mild:
		case s.days:
			merged, ok := merge(*base, s)
			if !ok {
				p.unclear(s)
				return nil, nil, nil, false
			}
			base = &merged
		}
	}
	return base, clocks, exacts, true
}

// merge joins two stretches of days: a weekday finds its week or its date, the smaller of two wins, neighbours joined by
// "and" become one. Others contradict each other.
func merge(a, b stretch) (stretch, bool) {
	switch {
	case len(b.weekdays) > 0 && a.grain == "week":
		return b.within(a), true
	case len(a.weekdays) > 0 && b.grain == "week":
		return a.within(b), true
	case len(a.weekdays) == 1 && b.grain == "day" && len(b.weekdays) == 0:
		return b, int(b.from.Weekday()) == a.weekdays[0]
	case len(b.weekdays) == 1 && a.grain == "day" && len(a.weekdays) == 0 && !b.joined:
		return a, int(a.from.Weekday()) == b.weekdays[0]
	case b.joined && (a.to.Equal(b.from) || b.to.Equal(a.from)):
		if b.from.Before(a.from) {
			a.from = b.from
		} else {
			a.to = b.to
		}
		a.grain, a.weekdays = "range", nil
		return a, true
	case b.from.After(a.from):
		a.from = b.from
	}
	if b.to.Before(a.to) {
		a.to = b.to
	}
	return a, a.from.Before(a.to)
}

// within moves a stretch of weekdays into a week.
func (s stretch) within(week stretch) stretch {
	s.from = inWeek(week.from, s.weekdays[0])
	s.to = inWeek(s.from, s.weekdays[len(s.weekdays)-1]).AddDate(0, 0, 1)
	s.grain, s.weekdays = "day", nil
	return s
}

// clockWindow narrows a window of one day to times of day. Without a day it is today's; of several days a time of day is no
// one window, so it stays out.
func (p *parser) clockWindow(w *Window, base *stretch, clocks []stretch) bool {
	if len(clocks) == 0 {
		return true
	}
	first, named := p.today, base != nil
	if named {
		first = base.from
	}
	if named && !base.to.Equal(first.AddDate(0, 0, 1)) {
		for _, s := range clocks {
			p.unclear(s)
		}
		return true
	}
	clocks = slices.DeleteFunc(clocks, func(s stretch) bool {
		if s.edge == inDay && !named {
			p.unclear(s)
			return true
		}
		return false
	})
	if len(clocks) == 0 {
		return true
	}
	a, b, openStart, openEnd := 0, 48*60, !named, !named
	for _, s := range clocks {
		a, b = max(a, s.a), min(b, s.b)
		openStart = openStart && s.edge == until
		openEnd = openEnd && s.edge == since
	}
	if a >= b {
		for _, s := range clocks {
			p.unclear(s)
		}
		return named
	}
	start, end := p.moment(first, a), p.moment(first, b)
	*w = Window{&start, &end}
	if openStart {
		w.Start = nil
	}
	if openEnd {
		w.End = nil
	}
	return true
}

func (p *parser) instant(d date) *time.Time {
	t := p.moment(d, 0)
	return &t
}

func (p *parser) unclear(s stretch) {
	for k := s.i; k < s.j; k++ {
		p.tokens[k].kind = "unclear"
	}
	if p.tokens[s.i].piece == 0 {
		p.mark(s.i, s.j, "unclear")
	}
}

// cut narrows w to start..end; nil is open.
func (w *Window) cut(start, end *time.Time) {
	if start != nil && (w.Start == nil || start.After(*w.Start)) {
		w.Start = start
	}
	if end != nil && (w.End == nil || end.Before(*w.End)) {
		w.End = end
	}
}
