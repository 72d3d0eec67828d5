package page

import (
	"encoding/base64"
	"strings"

	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
)

// cursorVersion begins every cursor; another version is refused rather than misread.
const cursorVersion = "1"

// name is how a cursor spells an order.
func (o Order) name() string {
	if o.Descending {
		return string(o.Kind) + "-"
	}
	return string(o.Kind) + "+"
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
	if parts[1] != o.name() || id.Check(o.Kind, parts[2]) != nil {
		return "", problem.New(problem.BadInput, "%s is a cursor of another list, or of another order.", field).At(field)
	}
	return parts[2], nil
}
