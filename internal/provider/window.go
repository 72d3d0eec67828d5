package provider

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Window is a half-open interval of time; a nil end is open.
type Window struct{ Start, End *time.Time }

// WindowRule says what a question means that names no time: "today..+7d", "-30d..", "now..+2h". Days count from the
// start of today in the asker's zone, hours from now. The zero rule means no window.
type WindowRule struct {
	Default string `yaml:"default"`
	// Past says that what is found has happened already, so that "on friday" is the last one.
	Past bool `yaml:"past"`
}

var pointForm = regexp.MustCompile(`^(?:now|today|tomorrow|yesterday|[+-]\d{1,4}[dhwm])?$`)

// At returns the default window as seen at now in zone, and nil when the rule is empty.
func (r WindowRule) At(now time.Time, zone *time.Location) *Window {
	start, end, ok := strings.Cut(r.Default, "..")
	if !ok {
		return nil
	}
	return &Window{Start: point(start, now.In(zone)), End: point(end, now.In(zone))}
}

func (r WindowRule) check() error {
	if r.Default == "" {
		return nil
	}
	start, end, ok := strings.Cut(r.Default, "..")
	if !ok || !pointForm.MatchString(start) || !pointForm.MatchString(end) {
		return fmt.Errorf("window %q: write it as today..+7d, -30d.. or now..+2h", r.Default)
	}
	return nil
}

// point reads one side of a rule that has been checked; the empty side is open.
func point(s string, now time.Time) *time.Time {
	if s == "" {
		return nil
	}
	midnight := func(days int) *time.Time {
		t := time.Date(now.Year(), now.Month(), now.Day()+days, 0, 0, 0, 0, now.Location())
		return &t
	}
	switch s {
	case "now":
		return &now
	case "today":
		return midnight(0)
	case "tomorrow":
		return midnight(1)
	case "yesterday":
		return midnight(-1)
	}
	n, _ := strconv.Atoi(s[:len(s)-1])
	switch s[len(s)-1] {
	case 'h':
		t := now.Add(time.Duration(n) * time.Hour)
		return &t
	case 'w':
		return midnight(7 * n)
	case 'm':
		t := time.Date(now.Year(), now.Month()+time.Month(n), now.Day(), 0, 0, 0, 0, now.Location())
		return &t
	}
	return midnight(n)
}
