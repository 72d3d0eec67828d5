package question

import "time"

// stretch is a time as the grammar sees it, before it becomes a window: whole civil days, exact instants, or a part of a
// day that some other stretch names.
type stretch struct {
	i, j int // tokens

	days     bool // from..to hold
	from, to date // half-open; a zero end is open
	grain    string
	weekdays []int // for names of weekdays: which, so that "friday next week" can find its week

	exact      bool       // start..end hold
	start, end *time.Time // half-open; nil is open

	clock bool // minutes hold
	a, b  int  // minutes after midnight, half-open
	edge  edge // for days and clock: whether one end is open

	mild    bool // "my day": gives way to any other day
	joined  bool // stands behind "and" or "or"
	unclear bool // looks like a time and has no one meaning
}

// edge says which end of a stretch a word like "since" leaves open.
type edge int

const (
	whole  edge = iota
	since       // from its start on
	after       // from its end on
	before      // up to its start
	until       // up to its end
	fromOn      // from its start on; within a day, to the end of the day
	inDay       // holds only within a day that another stretch names
)

var edges = map[string]edge{
	"since": since, "after": after, "before": before, "until": until, "by": until, "through": until, "from": fromOn,
	"starting": since, "following": after,
}

// lean is where a question looks when a name of a day fits both past and future.
type lean int

const (
	weakFuture lean = iota // nothing says: weekdays look ahead, dates to the nearest
	future
	past
)

// leaning reads the tense. A verb in the past decides; then "will"; then mail, and whatever else has always happened
// already; then a verb in the present, which looks ahead.
func leaning(tokens []token, happened bool) lean {
	found := weakFuture
	mail, event := false, false
	for _, t := range tokens {
		if t.topic || t.kind == "quoted" {
			continue
		}
		switch {
		case pastVerbs[t.word]:
			return past
		case futureVerbs[t.word]:
			found = future
		case mailNouns[t.word] && !event:
			mail = true
		case eventNouns[t.word] && !mail:
			event = true
		}
	}
	if found == future {
		return future
	}
	if mail || happened {
		return past
	}
	for _, t := range tokens {
		if presents[t.word] || presents[t.low] {
			return future
		}
	}
	return weakFuture
}

// occurrence is one of the times that a recurring name ("friday", "march") can mean.
type occurrence struct{ from, to date }

// name is a point of the calendar that may recur; at gives its occurrence the n-th away from today's (0: the one of
// today's week, month or year), ok false when that one does not exist.
type name struct {
	grain    string
	weekday  int // 0 to 6 when grain is weekday, else -1
	at       func(n int) (occurrence, bool)
	fixed    bool // only at(0)
	endpoint date // of "end of march": where it ends; zero otherwise
}

func fixedName(grain string, from, to date) name {
	return name{grain: grain, weekday: -1, fixed: true, at: func(int) (occurrence, bool) {
		return occurrence{from, to}, true
	}}
}

// recently is how long ago something may have ended to be meant without a verb in the past.
const recently = 31 * 24 * time.Hour

// choose returns the occurrence that fits: the first that ends after today, the last that began by today, or without any
// tense the one ahead, unless one that has just ended is nearer.
func (c calendar) choose(n name, l lean) (occurrence, bool) {
	if n.fixed {
		return n.at(0)
	}
	ahead, okA := n.firstEndingAfter(c.today)
	back, okB := n.lastStartingBy(c.today)
	switch {
	case l == past:
		return back, okB
	case l == future || n.weekday >= 0 || !okB:
		return ahead, okA
	case !okA || c.today.Sub(back.to) < min(recently, ahead.from.Sub(c.today)):
		return back, okB
	}
	return ahead, okA
}

func (n name) firstEndingAfter(d date) (occurrence, bool) {
	return n.first(func(o occurrence) bool { return o.to.After(d) })
}

func (n name) firstStartingFrom(d date) (occurrence, bool) {
	return n.first(func(o occurrence) bool { return !o.from.Before(d) })
}

// occurrences are looked for this far around today.
const reach = 3

func (n name) first(fits func(occurrence) bool) (occurrence, bool) {
	for k := -reach; k <= reach; k++ {
		if o, ok := n.at(k); ok && fits(o) {
			return o, true
		}
	}
	return occurrence{}, false
}

func (n name) lastStartingBy(d date) (occurrence, bool) {
	for k := reach; k >= -reach; k-- {
		if o, ok := n.at(k); ok && !o.from.After(d) {
			return o, true
		}
	}
	return occurrence{}, false
}
