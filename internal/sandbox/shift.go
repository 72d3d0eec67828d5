package sandbox

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// day is a day of the calendar's, which is what times are moved by: the time of day and its zone stay as they are.
const day = 24 * time.Hour

// farAway bounds which numbers and digits are taken for times: those within it of the time that a fixture speaks of.
const farAway = 3 * 366 * day

var (
	// writtenDate begins every date and time of RFC 3339, standing for itself or in the middle of a text.
	writtenDate = regexp.MustCompile(`(?:^|[\s("',:>\[])(\d{4}-\d{2}-\d{2})(?:[Tt ]\d{2}:\d{2}|$|[\s)"',.;:<\]])`)
	wholeDate   = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}`)
	packedDate  = regexp.MustCompile(`^20\d{6}$`)
	epochText   = regexp.MustCompile(`^(\d{10}|\d{13})(\.\d{1,6})?$`)
	// identity names keys whose digits are no times.
	identity = regexp.MustCompile(`(?i)(^|_)(id|ids|number|phone|zip|account|amount|total|price)$|` +
		`[a-z](Id|ID|Number)$`)
)

// mover moves the times of a JSON value by whole days.
type mover struct {
	days   int
	around time.Time // what is farther from this than farAway is no time
}

// move returns a copy of v in which every time is moved. Key is the name that v has in what it is part of.
func (m mover) move(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, one := range v {
			out[k] = m.move(k, one)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = m.move(key, one)
		}
		return out
	case string:
		if !identity.MatchString(key) {
			return m.text(v)
		}
	case json.Number:
		if !identity.MatchString(key) {
			return json.Number(m.epoch(v.String()))
		}
	}
	return v
}

// text moves the times that a text is, or holds.
func (m mover) text(s string) string {
	if packedDate.MatchString(s) {
		if t, err := time.Parse("20060102", s); err == nil && m.near(t) {
			return t.AddDate(0, 0, m.days).Format("20060102")
		}
		return s
	}
	if moved := m.epoch(s); moved != s {
		return moved
	}
	found := writtenDate.FindAllStringSubmatchIndex(s, -1)
	for _, at := range slices.Backward(found) {
		if t, err := time.Parse(time.DateOnly, s[at[2]:at[3]]); err == nil && t.Year() > 1990 && t.Year() < 2100 {
			s = s[:at[2]] + t.AddDate(0, 0, m.days).Format(time.DateOnly) + s[at[3]:]
		}
	}
	return s
}

// epoch moves seconds or milliseconds since 1970, with or without a fraction.
func (m mover) epoch(s string) string {
	if !epochText.MatchString(s) {
		return s
	}
	whole, fraction, cut := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return s
	}
	unit := int64(1)
	if len(whole) == 13 {
		unit = 1000
	}
	if !m.near(time.Unix(n/unit, 0)) {
		return s
	}
	moved := strconv.FormatInt(n+int64(m.days)*86400*unit, 10)
	if cut {
		moved += "." + fraction
	}
	return moved
}

func (m mover) near(t time.Time) bool { return t.Sub(m.around).Abs() < farAway }

// newest returns the latest time that v holds and that is not after limit; when all are after it, the earliest. It is
// zero when v holds none.
func newest(v any, limit time.Time) time.Time {
	var before, after time.Time
	see := func(t time.Time) {
		switch {
		case t.After(limit) && (after.IsZero() || t.Before(after)):
			after = t
		case !t.After(limit) && t.After(before):
			before = t
		}
	}
	times("", v, mover{around: limit}, see)
	if before.IsZero() {
		return after
	}
	return before
}

// times calls see with every time in v.
func times(key string, v any, m mover, see func(time.Time)) {
	digits := func(s string) {
		if whole, _, _ := strings.Cut(s, "."); epochText.MatchString(s) && !identity.MatchString(key) {
			n, _ := strconv.ParseInt(whole[:10], 10, 64)
			if t := time.Unix(n, 0); m.near(t) {
				see(t)
			}
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for k, one := range v {
			times(k, one, m, see)
		}
	case []any:
		for _, one := range v {
			times(key, one, m, see)
		}
	case json.Number:
		digits(v.String())
	case string:
		digits(v)
		date, layout := wholeDate.FindString(v), time.DateOnly
		if packedDate.MatchString(v) {
			date, layout = v, "20060102"
		}
		if t, err := time.Parse(layout, date); err == nil && t.Year() > 1990 && t.Year() < 2100 {
			see(t)
		}
	}
}

// daysBetween returns how many days of the calendar lie between two times, in UTC.
func daysBetween(from, to time.Time) int {
	return int(to.UTC().Truncate(day).Sub(from.UTC().Truncate(day)) / day)
}
