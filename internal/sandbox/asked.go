package sandbox

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/patchbay/patchbay/internal/provider"
)

// fields are the parameters of a request by name: "?name" in the address, "a.b.0" in the body.
type fields map[string]string

// within reports whether every one of the fields is in all.
func (f fields) within(all fields) bool {
	for k, v := range f {
		if got, ok := all[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// asked is a request, taken apart to be compared with others.
type asked struct {
	method, host string
	path         string // as it is escaped
	fields       fields
	// operation says what a GraphQL document asks for, for example "query issues team"; "" for any other request.
	operation string
}

func askedBy(r *provider.Request) asked {
	u, err := url.Parse(r.URL)
	if err != nil {
		return asked{}
	}
	return newAsked(r.Method, u, r.Header.Get("Content-Type"), r.Body)
}

func newAsked(method string, u *url.URL, contentType string, body []byte) asked {
	a := asked{method: method, host: strings.ToLower(u.Hostname()), path: u.EscapedPath(), fields: fields{}}
	a.form("?", u.Query())
	kind, _, _ := mime.ParseMediaType(contentType)
	switch {
	case len(body) == 0:
	case kind == "application/x-www-form-urlencoded":
		if values, err := url.ParseQuery(string(body)); err == nil {
			a.form("", values)
		}
	default:
		d := json.NewDecoder(strings.NewReader(string(body)))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			a.fields["body"] = string(body)
			break
		}
		if object, ok := v.(map[string]any); ok {
			document, _ := object["query"].(string)
			if a.operation = operationOf(document); a.operation != "" {
				object["query"] = strings.Join(strings.Fields(document), " ")
			}
		}
		a.flatten("", v)
	}
	return a
}

// asking reads a request that has come in; its body is read already.
func asking(r *http.Request, host string, body []byte) asked {
	u := *r.URL
	u.Host = host
	return newAsked(r.Method, &u, r.Header.Get("Content-Type"), body)
}

func (a *asked) form(mark string, values url.Values) {
	for name, all := range values {
		for i, v := range all {
			key := mark + name
			if i > 0 {
				key += "." + strconv.Itoa(i)
			}
			a.fields[key] = v
		}
	}
}

func (a *asked) flatten(at string, v any) {
	below := func(name string) string {
		if at == "" {
			return name
		}
		return at + "." + name
	}
	switch v := v.(type) {
	case map[string]any:
		for name, one := range v {
			a.flatten(below(name), one)
		}
	case []any:
		for i, one := range v {
			a.flatten(below(strconv.Itoa(i)), one)
		}
	case string:
		a.fields[at] = v
	case json.Number:
		a.fields[at] = v.String()
	case bool:
		a.fields[at] = strconv.FormatBool(v)
	}
}

// maxTokens is the longest GraphQL document that is read: the parser goes as deep as a document nests.
const maxTokens = 10_000

// operationOf names what a GraphQL document asks for: its kind and its fields at the top. It is "" for any other text.
func operationOf(document string) string {
	if !strings.Contains(document, "{") {
		return ""
	}
	parsed, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: document}, maxTokens)
	if err != nil || len(parsed.Operations) == 0 {
		return ""
	}
	var names []string
	for _, one := range parsed.Operations[0].SelectionSet {
		if field, ok := one.(*ast.Field); ok {
			names = append(names, field.Name)
		}
	}
	slices.Sort(names)
	return string(parsed.Operations[0].Operation) + " " + strings.Join(names, " ")
}

var (
	versionForm = regexp.MustCompile(`^(v\d[\d.]*|\d{4}-\d{2}(-\d{2})?)$`)
	idForm      = regexp.MustCompile(`\d`)
)

// newSegment reads a part of a path; given are the texts that come from settings, arguments and other answers.
func newSegment(escaped string, given []string) segment {
	text, err := url.PathUnescape(escaped)
	if err != nil {
		text = escaped
	}
	s := segment{text: text, loose: idForm.MatchString(text) && !versionForm.MatchString(text)}
	for _, value := range given {
		before, after, ok := strings.Cut(text, value)
		if ok && text != "" && (text == value || len(value) > 1 && apart(before, after)) {
			s.free = regexp.MustCompile("^" + regexp.QuoteMeta(before) + ".+" + regexp.QuoteMeta(after) + "$")
		}
	}
	return s
}

// apart reports whether what stands between the two is a word of its own.
func apart(before, after string) bool {
	letter := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(after)
	return !letter(last) && !letter(first)
}

// alike returns how much a path that came in is like the segments, and false when it is another path.
func alike(path []segment, escaped string) (score int, ok bool) {
	parts := strings.Split(escaped, "/")
	if len(parts) != len(path) {
		return 0, false
	}
	for i, s := range path {
		text, err := url.PathUnescape(parts[i])
		switch {
		case err != nil:
			return 0, false
		case text == s.text && s.free == nil:
			score += 4
		case text == s.text:
			score += 3
		case s.free != nil && s.free.MatchString(text):
			score += 2
		case s.loose && idForm.MatchString(text):
			score++
		default:
			return 0, false
		}
	}
	return score, true
}
