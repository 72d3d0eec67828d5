package provider

import (
	"strconv"
	"strings"
	"time"
)

// withOffset and withoutOffset are how providers write times; every one may have a fraction of a second.
var (
	withOffset    = []string{time.RFC3339, "2006-01-02T15:04:05Z0700"}
	withoutOffset = []string{"2006-01-02T15:04:05", time.DateTime}
)

// instant reads a time: RFC 3339, one without an offset as in the named zone, or seconds since 1970 as a number or as
// text; 13 digits are milliseconds. The year 1, which stands for never, and years beyond 9999, which RFC 3339 cannot
// write, are no time.
func instant(v any, zone string) (time.Time, bool) {
	t, ok := anyInstant(v, zone)
	if year := t.UTC().Year(); !ok || year < 2 || year > 9999 {
		return time.Time{}, false
	}
	return t, true
}

func anyInstant(v any, zone string) (time.Time, bool) {
	s, ok := v.(string)
	if !ok {
		s, ok = scalar(v)
		if _, isBool := v.(bool); !ok || isBool {
			return time.Time{}, false
		}
	}
	for _, form := range withOffset {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	location, err := time.LoadLocation(zone)
	if err != nil || location == time.Local {
		location = time.UTC
	}
	for _, form := range withoutOffset {
		if t, err := time.ParseInLocation(form, s, location); err == nil {
			return t, true
		}
	}
	if len(s) == 13 {
		if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
			return time.UnixMilli(ms).UTC(), true
		}
	}
	whole, fraction, _ := strings.Cut(s, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || len(whole) > 12 {
		return time.Time{}, false
	}
	nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	return time.Unix(seconds, max(nanos, 0)).UTC(), true
}
