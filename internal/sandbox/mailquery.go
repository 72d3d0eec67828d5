package sandbox

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// mailSearch is a query in Gmail's search syntax, ready to be asked of mails.
type mailSearch struct {
	match func(mail) bool
	// everywhere is true when the query itself reaches into spam and trash.
	everywhere bool
}

// mailParser reads Gmail's search syntax: terms that all must match, OR between two, {any of these}, (all of these),
// -not, "a phrase" and operator:value, where a value may be a phrase or a group as well.
type mailParser struct {
	rest       string
	self       account
	now        time.Time
	everywhere bool
}

type mailTerm func(mail) bool

// parseMailQuery reads q. As in Gmail, nothing is an error: an operator that is not known is searched as words.
func parseMailQuery(q string, self account, now time.Time) mailSearch {
	p := &mailParser{rest: q, self: self, now: now}
	terms := p.sequence(anywhere, 0)
	for p.rest != "" { // a closing bracket too many
		p.rest = p.rest[1:]
		terms = append(terms, p.sequence(anywhere, 0)...)
	}
	return mailSearch{match: all(terms), everywhere: p.everywhere}
}

func all(terms []mailTerm) mailTerm {
	return func(m mail) bool {
		for _, t := range terms {
			if !t(m) {
				return false
			}
		}
		return true
	}
}

func anyOf(terms []mailTerm) mailTerm {
	return func(m mail) bool {
		for _, t := range terms {
			if t(m) {
				return true
			}
		}
		return false
	}
}

// field is what words are looked for in.
type field func(mail) string

func anywhere(m mail) string {
	return strings.Join([]string{m.from, m.to, address(m.cc), m.subject, m.text, m.file}, "\n")
}

const maxNesting = 20

// sequence reads terms up to a closing bracket or the end.
func (p *mailParser) sequence(in field, depth int) []mailTerm {
	var out []mailTerm
	or := false
	for {
		p.rest = strings.TrimLeftFunc(p.rest, unicode.IsSpace)
		if p.rest == "" || p.rest[0] == ')' || p.rest[0] == '}' {
			return out
		}
		if after, ok := strings.CutPrefix(p.rest, "OR "); ok {
			p.rest, or = after, len(out) > 0
			continue
		}
		t := p.term(in, depth)
		if or {
			out[len(out)-1] = anyOf([]mailTerm{out[len(out)-1], t})
			or = false
		} else {
			out = append(out, t)
		}
	}
}

// term reads one term; there is one.
func (p *mailParser) term(in field, depth int) mailTerm {
	if after, ok := strings.CutPrefix(p.rest, "-"); ok {
		p.rest = after
		t := p.value(in, depth)
		return func(m mail) bool { return !t(m) }
	}
	p.rest = strings.TrimPrefix(p.rest, "+")
	return p.value(in, depth)
}

// value reads a group, a phrase, a word, or an operator with its value.
func (p *mailParser) value(in field, depth int) mailTerm {
	switch {
	case p.rest == "":
		return all(nil)
	case depth < maxNesting && p.rest[0] == '(':
		return all(p.group(in, depth))
	case depth < maxNesting && p.rest[0] == '{':
		return anyOf(p.group(in, depth))
	case p.rest[0] == '"':
		return phrase(in, p.quoted())
	}
	i := strings.IndexFunc(p.rest, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`:"(){}`, r) })
	if i <= 0 || p.rest[i] != ':' || depth >= maxNesting {
		return phrase(in, p.word())
	}
	op := strings.ToLower(p.rest[:i])
	whole := p.rest
	p.rest = p.rest[i+1:]
	if f := p.fieldOf(op); f != nil {
		return p.value(f, depth+1)
	}
	text := ""
	if strings.HasPrefix(p.rest, `"`) {
		text = p.quoted()
	} else {
		text = p.word()
	}
	if t := p.operator(op, strings.ToLower(text)); t != nil {
		return t
	}
	return phrase(in, whole[:len(whole)-len(p.rest)])
}

func (p *mailParser) group(in field, depth int) []mailTerm {
	p.rest = p.rest[1:]
	terms := p.sequence(in, depth+1)
	if p.rest != "" {
		p.rest = p.rest[1:]
	}
	return terms
}

func (p *mailParser) quoted() string {
	text, rest, _ := strings.Cut(p.rest[1:], `"`)
	p.rest = rest
	return text
}

func (p *mailParser) word() string {
	i := strings.IndexFunc(p.rest, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`(){}"`, r) })
	if i < 0 {
		i = len(p.rest)
	}
	i = min(max(i, 1), len(p.rest)) // a bracket that nothing opens is a word of its own
	text := p.rest[:i]
	p.rest = p.rest[i:]
	return text
}

// fieldOf returns the part of a mail that an operator looks at, nil for an operator of another kind.
func (p *mailParser) fieldOf(op string) field {
	me := func(s string) string { // "me" finds the account itself
		if strings.Contains(s, p.self.Email) {
			return s + " me"
		}
		return s
	}
	switch op {
	case "from":
		return func(m mail) string { return me(m.from) }
	case "to":
		return func(m mail) string { return me(m.to + " " + address(m.cc)) }
	case "cc":
		return func(m mail) string { return me(address(m.cc)) }
	case "subject":
		return func(m mail) string { return m.subject }
	case "filename":
		return func(m mail) string { return m.file }
	default:
		return nil
	}
}

// operator returns the term of an operator that takes a plain value, nil when there is no such operator or value.
func (p *mailParser) operator(op, v string) mailTerm {
	switch op {
	case "is", "label", "in", "category":
		return p.labelled(op, v)
	case "has":
		if v == "attachment" {
			return func(m mail) bool { return m.file != "" }
		}
	case "after", "newer":
		if t, ok := mailDate(v); ok {
			return func(m mail) bool { return !m.date.Before(t) }
		}
	case "before", "older":
		if t, ok := mailDate(v); ok {
			return func(m mail) bool { return m.date.Before(t) }
		}
	case "newer_than":
		if t, ok := ago(p.now, v); ok {
			return func(m mail) bool { return m.date.After(t) }
		}
	case "older_than":
		if t, ok := ago(p.now, v); ok {
			return func(m mail) bool { return m.date.Before(t) }
		}
	case "rfc822msgid":
		id := strings.Trim(v, "<>")
		return func(m mail) bool { return m.id+"@mail.example.com" == id }
	}
	return nil
}

func (p *mailParser) labelled(op, v string) mailTerm {
	switch {
	case op == "is" && v == "read":
		return func(m mail) bool { return !m.has("UNREAD") }
	case op == "in" && v == "anywhere":
		p.everywhere = true
		return all(nil)
	case op == "category":
		v = "category_" + v
		v = strings.Replace(v, "category_primary", "category_personal", 1)
	case v == "drafts":
		v = "draft"
	case v == "spam" || v == "trash":
		p.everywhere = true
	}
	return func(m mail) bool { return m.has(strings.ToUpper(v)) }
}

// mailDate reads seconds since 1970, or a date, which begins at midnight in California.
func mailDate(v string) (time.Time, bool) {
	v = strings.ReplaceAll(v, "-", "/")
	for _, layout := range []string{"2006/1/2", "1/2/2006"} {
		if t, err := time.ParseInLocation(layout, v, zone("America/Los_Angeles")); err == nil {
			return t, true
		}
	}
	n, err := strconv.ParseInt(v, 10, 64)
	return time.Unix(n, 0), err == nil && n > 9999
}

// ago reads a span such as 7d, 2m or 1y and counts it back from now.
func ago(now time.Time, v string) (time.Time, bool) {
	if v == "" {
		return time.Time{}, false
	}
	n, err := strconv.Atoi(v[:len(v)-1])
	if err != nil || n < 0 || n > 10000 {
		return time.Time{}, false
	}
	switch v[len(v)-1] {
	case 'd':
		return now.AddDate(0, 0, -n), true
	case 'm':
		return now.AddDate(0, -n, 0), true
	case 'y':
		return now.AddDate(-n, 0, 0), true
	}
	return time.Time{}, false
}

// phrase matches whole words in a row, whatever their case.
func phrase(in field, text string) mailTerm {
	wanted := words(text)
	if len(wanted) == 0 {
		return all(nil)
	}
	needle := " " + strings.Join(wanted, " ") + " "
	return func(m mail) bool {
		return strings.Contains(" "+strings.Join(words(in(m)), " ")+" ", needle)
	}
}

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
