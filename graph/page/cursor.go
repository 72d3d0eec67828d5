package page

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
)

// cursorVersion begins every cursor; another version is refused rather than misread.
const cursorVersion = "1"

// name is how a cursor spells an order.
func (o Order) name() string {
	name := string(o.Kind)
	if o.ByTime {
		name += "@"
	}
	if o.Descending {
		return name + "-"
	}
	return name + "+"
}

// timeLayout has one width, so that keys sort as their times do.
const timeLayout = "20060102T150405,000000"

// Timed returns the key of a thing in a list by time.
func Timed(at time.Time, id string) string { return at.UTC().Format(timeLayout) + "~" + id }

// CutTimed returns the time and the id of a key, and false when it is none of Timed.
func CutTimed(key string) (at time.Time, id string, ok bool) {
	moment, id, ok := strings.Cut(key, "~")
	if !ok || len(moment) != len(timeLayout) {
		return at, "", false
	}
	at, err := time.Parse(timeLayout, moment)
	return at, id, err == nil
}

// check reports whether a key can be one of this order.
func (o Order) check(key string) bool {
	if o.ByTime {
		_, rest, ok := CutTimed(key)
		if !ok {
			return false
		}
		key = rest
	}
	return id.Check(o.Kind, key) == nil
}

// Cursor returns the opaque place of the thing with this id in a list that runs in this order.
func (o Order) Cursor(id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorVersion + "." + o.name() + "." + id))
}

// parseCursor returns the id in a cursor of this order, and "" for none.
func parseCursor(o Order, cursor *string, field string) (string, error) {
	if cursor == nil {
		return "", nil
	}
	malformed := problem.New(problem.BadInput,
		"%s is not a cursor that this server has made. Cursors come from edges and pageInfo.", field).At(field)
	b, err := base64.RawURLEncoding.Strict().DecodeString(*cursor)
	if err != nil {
		return "", malformed
	}
	parts := strings.Split(string(b), ".")
	if len(parts) != 3 || parts[0] != cursorVersion {
		return "", malformed
	}
	if parts[1] != o.name() || !o.check(parts[2]) {
		return "", problem.New(problem.BadInput, "%s is a cursor of another list, or of another order.", field).At(field)
	}
	return parts[2], nil
}
