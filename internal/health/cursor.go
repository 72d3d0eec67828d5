package health

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
)

// cursor is a place in one company's stream: every change up to seq has been delivered and, when part is set, of the
// snapshot only the integrations up to part. A reader that was cut off inside a snapshot resumes inside it.
type cursor struct {
	seq  int64
	part string
}

func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte("h1." + strconv.FormatInt(c.seq, 10) + "." + c.part))
}

func parseCursor(s string) (cursor, error) {
	refused := problem.New(problem.BadInput, "This cursor is not one of a health event.").At("after")
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return cursor{}, refused
	}
	rest, ok := strings.CutPrefix(string(b), "h1.")
	if !ok {
		return cursor{}, refused
	}
	number, part, ok := strings.Cut(rest, ".")
	seq, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || seq < 0 || (part != "" && id.Check(id.Integration, part) != nil) {
		return cursor{}, refused
	}
	return cursor{seq: seq, part: part}, nil
}
