package question

import (
	"strconv"
	"strings"
	"time"
)

// parser reads the times of one question.
type parser struct {
	calendar
	tokens []token
	lean   lean
	pieces int
	norms  []string        // normal forms of the tokens
	nouns  map[string]bool // trigger phrases of one word, in normal form
}

// at returns the i-th word; "" outside the question and for words already taken.
func (p *parser) at(i int) string {
	if i < 0 || i >= len(p.tokens) || p.tokens[i].kind != "" {
		return ""
	}
	return p.tokens[i].word
}

func (p *parser) is(i int, words ...string) bool {
	for k, w := range words {
		if p.at(i+k) != w {
			return false
		}
	}
	return true
}

// beforeName are words after which a doubtful name ("may", "sun") is one of the calendar.
var beforeName = set(`on in of since until by before after from during this next last early mid late for between through
	coming past previous`)

// afterName are words before which it is.
var afterName = set("- to through until morning afternoon evening night at")

// named parses the name of a day, a month, a quarter or a year at i. Doubtful ones need company unless sure.
func (p *parser) named(i int, sure bool) (n name, j int, ok bool) {
	for _, rule := range []func(int, bool) (name, int, bool){
		p.relativeDay, p.numericDate, p.monthDate, p.weekday, p.month, p.quarter, p.dayOfMonth, p.year, p.nthOf, p.period,
	} {
		if n, j, ok = rule(i, sure); ok {
			return n, j, true
		}
	}
	return name{}, i, false
}

func (p *parser) relativeDay(i int, _ bool) (name, int, bool) {
	offset, j := 0, i+1
	switch {
	case p.is(i, "today"):
	case p.is(i, "tomorrow"):
		offset = 1
	case p.is(i, "yesterday"):
		offset = -1
	case p.is(i, "day", "after", "tomorrow"):
		offset, j = 2, i+3
	case p.is(i, "day", "before", "yesterday"):
		offset, j = -2, i+3
	default:
		return name{}, i, false
	}
	d := p.today.AddDate(0, 0, offset)
	return fixedName("day", d, d.AddDate(0, 0, 1)), j, true
}

func (p *parser) weekday(i int, sure bool) (name, int, bool) {
	w := p.at(i)
	wd, ok := weekdays[w]
	if !ok {
		next := p.at(i + 1)
		if wd, ok = weekdayPlurals[w]; !ok || !eventNouns[next] && !mailNouns[next] || p.at(i-1) == "on" {
			return name{}, i, false
		}
	}
	if !sure && !p.accompanied(i) {
		return name{}, i, false
	}
	if week, j, ok := p.weekBehind(i + 1); ok {
		d := inWeek(week.from, wd)
		return fixedName("day", d, d.AddDate(0, 0, 1)), j, true
	}
	latest := p.today.AddDate(0, 0, -(int(p.today.Weekday())-wd+7)%7)
	return name{grain: "day", weekday: wd, at: func(n int) (occurrence, bool) {
		d := latest.AddDate(0, 0, 7*n)
		return occurrence{d, d.AddDate(0, 0, 1)}, true
	}}, i + 1, true
}

// weekBehind reads the week that follows a weekday: "of next week", "last week".
func (p *parser) weekBehind(i int) (occurrence, int, bool) {
	if p.is(i, "of") || p.is(i, "in") {
		i++
	}
	for n, w := range []string{"last", "this", "next"} {
		if p.is(i, w, "week") {
			o, _ := p.unitAway("week", n-1).at(0)
			return o, i + 2, true
		}
	}
	return occurrence{}, i, false
}

// inWeek returns the weekday wd of the week that starts at first.
func inWeek(first date, wd int) date {
	return first.AddDate(0, 0, (wd-int(first.Weekday())+7)%7)
}

// accompanied reports whether the word at i, if doubtful, stands in a place where a name of the calendar stands.
func (p *parser) accompanied(i int) bool {
	if !doubtful[p.at(i)] {
		return true
	}
	next := p.at(i + 1)
	_, number := dayNumber(next)
	prev := p.at(i - 1)
	return beforeName[prev] || eventNouns[prev] || mailNouns[prev] || afterName[next] || number || eventNouns[next] || mailNouns[next]
}

// dayNumber reads 22, 22nd, 1st.
func dayNumber(w string) (int, bool) {
	if n, ok := ordinal(w); ok {
		return n, true
	}
	n, err := strconv.Atoi(w)
	return n, err == nil && len(w) <= 2 && n >= 1 && n <= 31
}

// ordinal reads 22nd, 1st.
func ordinal(w string) (int, bool) {
	if len(w) < 3 || len(w) > 4 {
		return 0, false
	}
	n, err := strconv.Atoi(w[:len(w)-2])
	suffix := w[len(w)-2:]
	return n, err == nil && n >= 1 && n <= 31 && (suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th")
}

func yearNumber(w string) (int, bool) {
	n, err := strconv.Atoi(w)
	return n, err == nil && len(w) == 4 && n >= 1970 && n <= 2100
}

// yearAt reads "2026" or "of 2026" at i; 0 and i when there is none.
func (p *parser) yearAt(i int) (int, int) {
	if y, ok := yearNumber(p.at(i)); ok {
		return y, i + 1
	}
	if y, ok := yearNumber(p.at(i + 1)); ok && p.is(i, "of") {
		return y, i + 2
	}
	for n, w := range []string{"last", "this", "next"} {
		if p.is(i, w, "year") {
			return p.today.Year() + n - 1, i + 2
		}
		if p.is(i, "of", w, "year") {
			return p.today.Year() + n - 1, i + 3
		}
	}
	return 0, i
}

// monthDate reads "January 22", "22 jan", "22nd of January 2026".
func (p *parser) monthDate(i int, sure bool) (name, int, bool) {
	if m, ok := months[p.at(i)]; ok {
		k := i + 1
		if p.is(k, "the") {
			k++
		}
		d, ok := dayNumber(p.at(k))
		if !ok || p.clockAhead(k) {
			return name{}, i, false
		}
		y, j := p.yearAt(k + 1)
		return p.dated(y, m, d), j, true
	}
	d, ok := dayNumber(p.at(i))
	if !ok {
		return name{}, i, false
	}
	k := i + 1
	if p.is(k, "of") {
		k++
	}
	m, ok := months[p.at(k)]
	if !ok {
		return name{}, i, false
	}
	y, j := p.yearAt(k + 1)
	return p.dated(y, m, d), j, true
}

// dated names the day d of month m; of every year when y is 0.
func (p *parser) dated(y, m, d int) name {
	at := func(n int) (occurrence, bool) {
		year := y
		if y == 0 {
			year = p.today.Year() + n
		}
		t, ok := validDay(year, m, d)
		return occurrence{t, t.AddDate(0, 0, 1)}, ok
	}
	return name{grain: "day", weekday: -1, fixed: y != 0, at: at}
}

// numericDate reads 2026-01-22, 1/22, 22.01.2026. A day and a month that could be swapped are no date at all.
func (p *parser) numericDate(i int, _ bool) (name, int, bool) {
	w := p.at(i)
	var sep string
	for _, s := range []string{"/", "-", "."} {
		if strings.Contains(w, s) {
			sep = s
			break
		}
	}
	if sep == "" || len(w) > 10 {
		return name{}, i, false
	}
	fields := strings.Split(w, sep)
	nums := make([]int, len(fields))
	for k, f := range fields {
		n, err := strconv.Atoi(f)
		if err != nil || n <= 0 {
			return name{}, i, false
		}
		nums[k] = n
	}
	invalid := name{grain: "unclear", weekday: -1, fixed: true, at: func(int) (occurrence, bool) { return occurrence{}, false }}
	switch {
	case len(nums) == 3 && len(fields[0]) == 4:
		return p.dated(nums[0], nums[1], nums[2]), i + 1, true
	case len(nums) == 2 && len(fields[0]) == 4 && sep == "-" && nums[1] <= 12:
		return p.monthOf(nums[0], nums[1]), i + 1, true
	case len(nums) == 3 && len(fields[2]) == 4, len(nums) == 2 && sep == "/":
		y := 0
		if len(nums) == 3 {
			y = nums[2]
		}
		a, b := nums[0], nums[1]
		switch {
		case sep == "." || a > 12 && b <= 12 || a == b:
			return p.dated(y, b, a), i + 1, true
		case b > 12 && a <= 12 && b <= 31:
			return p.dated(y, a, b), i + 1, true
		case a <= 12 && b <= 12:
			return invalid, i + 1, true
		}
	}
	return name{}, i, false
}

func (p *parser) month(i int, sure bool) (name, int, bool) {
	m, ok := months[p.at(i)]
	if !ok {
		return name{}, i, false
	}
	y, j := p.yearAt(i + 1)
	if y == 0 && !sure && !p.accompanied(i) {
		return name{}, i, false
	}
	return p.monthOf(y, m), j, true
}

// monthOf names month m; of every year when y is 0.
func (p *parser) monthOf(y, m int) name { return p.monthsFrom("month", y, m, 1) }

func (p *parser) monthsFrom(grain string, y, m, length int) name {
	return name{grain: grain, weekday: -1, fixed: y != 0, at: func(n int) (occurrence, bool) {
		year := y
		if y == 0 {
			year = p.today.Year() + n
		}
		first := day(year, time.Month(m), 1)
		return occurrence{first, first.AddDate(0, length, 0)}, true
	}}
}

// quarter reads "Q1", "first quarter of 2025", "H2 last year".
func (p *parser) quarter(i int, _ bool) (name, int, bool) {
	w, k := p.at(i), i+1
	length, n := 0, 0
	switch {
	case len(w) == 2 && w[0] == 'q' && w[1] >= '1' && w[1] <= '4':
		length, n = 3, int(w[1]-'0')
	case len(w) == 2 && w[0] == 'h' && w[1] >= '1' && w[1] <= '2':
		length, n = 6, int(w[1]-'0')
	case p.is(i+1, "quarter") && ordinals[w] >= 1 && ordinals[w] <= 4:
		length, n, k = 3, ordinals[w], i+2
	case p.is(i+1, "half") && (ordinals[w] == 1 || ordinals[w] == 2):
		length, n, k = 6, ordinals[w], i+2
	default:
		return name{}, i, false
	}
	y, j := p.yearAt(k)
	switch {
	case y == 0 && p.is(k, "of", "the", "year"):
		y, j = p.today.Year(), k+3
	case y == 0 && p.is(k, "of"):
		return name{}, i, false
	}
	return p.monthsFrom("quarter", y, (n-1)*length+1, length), j, true
}

// dayOfMonth reads "the 22nd" where a day is meant, not the 22nd of something.
func (p *parser) dayOfMonth(i int, _ bool) (name, int, bool) {
	d, ok := ordinal(p.at(i))
	k := i - 1
	if p.is(k, "the") {
		k--
	}
	next := p.at(i + 1)
	behindWeekday := false
	if k >= 0 && p.tokens[k].kind == "window" {
		_, behindWeekday = weekdays[p.tokens[k].word]
	}
	if !ok || !behindWeekday && !beforeName[p.at(k)] && p.at(k) != "to" && p.at(k) != "and" || next != "" && !stops[next] && !p.nounOrTime(i+1) {
		return name{}, i, false
	}
	return name{grain: "day", weekday: -1, at: func(n int) (occurrence, bool) {
		first := addMonths(day(p.today.Year(), p.today.Month(), 1), n)
		t, ok := validDay(first.Year(), int(first.Month()), d)
		return occurrence{t, t.AddDate(0, 0, 1)}, ok
	}}, i + 1, true
}

func (p *parser) nounOrTime(i int) bool {
	w := p.at(i)
	_, part := parts[w]
	_, clock := clockWord(w)
	return mailNouns[w] || eventNouns[w] || part || clock || w == "-"
}

// beforeYear are words after which four digits are a year.
var beforeYear = set("in during since before after until by from year between and to through -")

func (p *parser) year(i int, sure bool) (name, int, bool) {
	y, ok := yearNumber(p.at(i))
	noun := p.at(i - 2)
	if !ok || !sure && !beforeYear[p.at(i-1)] && !(p.is(i-1, "of") && (mailNouns[noun] || eventNouns[noun])) {
		return name{}, i, false
	}
	return fixedName("year", day(y, 1, 1), day(y+1, 1, 1)), i + 1, true
}

// mark says that the tokens from i up to j are one recognised piece.
func (p *parser) mark(i, j int, kind string) {
	p.pieces++
	for k := i; k < j; k++ {
		p.tokens[k].kind, p.tokens[k].piece = kind, p.pieces
	}
}
