package provider

import (
	"slices"
	"strings"
	"time"
)

// Sunset is an announced end of something that the manifest uses.
type Sunset struct {
	// Date is the day, as YYYY-MM-DD, from which on it does not work.
	Date string `yaml:"date"`
	// What ends, and what comes in its place.
	What string `yaml:"what"`
	// Source is where it was announced.
	Source string `yaml:"source"`
}

// SunsetsBy returns the sunsets whose day is not after t, those that have passed included, the earliest first.
func (p *Provider) SunsetsBy(t time.Time) []Sunset {
	day := t.UTC().Format(time.DateOnly)
	due := slices.DeleteFunc(slices.Clone(p.Sunsets), func(s Sunset) bool { return s.Date > day })
	slices.SortStableFunc(due, func(a, b Sunset) int { return strings.Compare(a.Date, b.Date) })
	return due
}
