package read

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lib/pq"

	"github.com/patchbay/patchbay/internal/viewer"
)

// statement is a text that grows, with the values bound to it. The listed table is always called t.
type statement struct {
	viewer   viewer.Viewer
	postgres bool
	text     strings.Builder
	args     []any
	// linked is true when rows are found through their parents p; SQLite is then kept from the company's indexes, which
	// it would walk once for each parent.
	linked bool
	// nothing is true when a value is bound that no row can hold, so that there is nothing to ask the database.
	nothing bool
}

// add writes SQL, in which every ? stands for the next value. No text of a client ever gets into it.
func (s *statement) add(sql string, values ...any) {
	for _, v := range values {
		before, after, _ := strings.Cut(sql, "?")
		s.text.WriteString(before)
		s.text.WriteString(s.bind(v))
		sql = after
	}
	s.text.WriteString(sql)
}

// bind returns the placeholder of a value.
func (s *statement) bind(v any) string {
	if text, ok := v.(string); ok && !storable(text) {
		s.nothing = true
	}
	s.args = append(s.args, v)
	n := strconv.Itoa(len(s.args))
	if s.postgres {
		return "$" + n
	}
	return "?" + n
}

// in writes that the expression before it is one of values, bound as one.
func (s *statement) in(values []string) {
	values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !storable(v) })
	if s.postgres {
		s.add(" = ANY(?)", pq.StringArray(values))
		return
	}
	s.add(" IN (SELECT value FROM json_each(?))", list(values))
}

// parents writes a table p of (n, id): the place from 0 and the id of each parent.
func (s *statement) parents(ids []string) {
	s.linked = true
	if s.postgres {
		s.add("(SELECT o - 1 AS n, id FROM unnest(?::text[]) WITH ORDINALITY AS u(id, o)) AS p", pq.StringArray(ids))
		return
	}
	s.add("(SELECT key AS n, value AS id FROM json_each(?)) AS p", list(ids))
}

// storable reports whether a database can hold the text; neither takes NUL or bytes that are not UTF-8.
func storable(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }

func list(values []string) string {
	if len(values) == 0 {
		return "[]"
	}
	b, _ := json.Marshal(values) // strings always have a form in JSON
	return string(b)
}

// How a table narrows when the viewer is one user.
const (
	shared             = "shared"
	hidden             = "hidden"
	throughIntegration = "through integration"
)

// scope says which columns of a table keep a viewer within its company and its user.
type scope struct {
	company string // the column that holds the company's id
	user    string // the column that holds the user's id, or one of the constants above
}

// within begins the conditions: the viewer's company, and its user when it is one.
func (s *statement) within(c scope) {
	sign := ""
	if s.linked && !s.postgres {
		sign = "+"
	}
	s.add(" WHERE "+sign+"t."+c.company+" = ?", s.viewer.Company)
	if s.viewer.User == "" {
		return
	}
	switch c.user {
	case shared:
	case hidden:
		s.add(" AND 1 = 0")
	case throughIntegration:
		s.add(" AND t.integration_id IN (SELECT i.id FROM integrations AS i WHERE i.company_id = ? AND i.user_id = ?)",
			s.viewer.Company, s.viewer.User)
	default:
		s.add(" AND t."+c.user+" = ?", s.viewer.User)
	}
}
