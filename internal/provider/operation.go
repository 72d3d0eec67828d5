package provider

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
)

// described is one operation of a description.
type described struct {
	method, path string
	item         *openapi3.PathItem
	operation    *openapi3.Operation
}

var notName = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// entry returns the operation as a config lists it, and its name. The schemas of its arguments are written by w.
func (o described) entry(w *schemaWriter) (map[string]any, string) {
	name := clipName(cmp.Or(o.operation.OperationID, strings.ToLower(o.method)+o.path))
	arguments := map[string]any{}
	entry := map[string]any{
		"name": name, "method": o.method, "effect": Read,
		"description": clipText(cmp.Or(o.operation.Summary, o.operation.Description), 500),
	}
	if o.method != "GET" {
		entry["effect"] = Write
	}
	path, query, headers, takes := o.path, map[string]any{}, map[string]any{}, map[string]any{}
	var required []any
	names := newArgumentNames(o.body() != nil)
	for _, p := range o.parameters() {
		argument, ok := names.of(p)
		if !ok {
			continue
		}
		switch p.In {
		case openapi3.ParameterInPath:
			path = strings.ReplaceAll(path, "{"+p.Name+"}", "{"+argument+"}")
		case openapi3.ParameterInQuery:
			query[p.Name] = "{" + argument + "}"
		case openapi3.ParameterInHeader:
			if !isHeader(p.Name, "") || strings.EqualFold(p.Name, "Authorization") || strings.EqualFold(p.Name, "Cookie") {
				continue // the credential is put on by itself
			}
			headers[p.Name] = "{" + argument + "}"
		default:
			continue // a cookie is no business of an API's caller
		}
		arguments[argument] = w.write(p.Schema, maxSchemaDepth)
		if p.Required {
			required = append(required, argument)
		}
		if part := partFor(p); part != "" && entry["effect"] == Read {
			takes[argument] = part
		}
	}
	entry["path"] = path
	if body := o.body(); body != nil {
		arguments["body"] = w.write(body.Schema, maxSchemaDepth)
		entry["body"] = "{body}"
		if o.operation.RequestBody.Value.Required {
			required = append(required, "body")
		}
	}
	for key, part := range map[string]map[string]any{"query": query, "headers": headers, "takes": takes} {
		if len(part) > 0 {
			entry[key] = part
		}
	}
	schema := map[string]any{"properties": arguments}
	if len(required) > 0 {
		schema["required"] = required
	}
	entry["arguments"] = schema
	if entry["effect"] == Read {
		entry["trigger_phrases"] = o.phrases()
	}
	return entry, name
}

// parameters are the operation's and those of its path, the operation's first, maxArguments at most. What has a name of
// more than maxParameter bytes is none.
func (o described) parameters() []*openapi3.Parameter {
	var out []*openapi3.Parameter
	for _, list := range []openapi3.Parameters{o.operation.Parameters, o.item.Parameters} {
		for _, ref := range list {
			if ref != nil && ref.Value != nil && len(out) < maxArguments && len(ref.Value.Name) <= maxParameter {
				out = append(out, ref.Value)
			}
		}
	}
	return out
}

func (o described) body() *openapi3.MediaType {
	if o.operation.RequestBody == nil || o.operation.RequestBody.Value == nil {
		return nil
	}
	return o.operation.RequestBody.Value.Content.Get("application/json")
}

// phrases are the words of the operation's name, its summary and its tags.
func (o described) phrases() []any {
	var out []any
	add := func(s string) {
		s = strings.ToLower(strings.TrimSpace(s))
		if s != "" && len(s) <= 100 && len(out) < maxOperations && !slices.Contains(out, any(s)) {
			out = append(out, s)
		}
	}
	words := splitWords(o.operation.OperationID)
	add(strings.Join(words, " "))
	if len(words) > 1 && slices.Contains([]string{"get", "list", "find", "search", "fetch", "read", "show"}, words[0]) {
		add(strings.Join(words[1:], " "))
	}
	add(o.operation.Summary)
	for _, tag := range o.operation.Tags {
		add(strings.Join(splitWords(tag), " "))
	}
	for segment := range strings.SplitSeq(o.path, "/") {
		if !strings.Contains(segment, "{") {
			add(strings.Join(splitWords(segment), " "))
		}
	}
	return out
}

// partFor guesses which part of a question a parameter takes; empty for none.
func partFor(p *openapi3.Parameter) string {
	name := strings.ToLower(notName.ReplaceAllString(p.Name, "_"))
	for part, names := range map[string][]string{
		"text":   {"q", "query", "search", "text", "term", "keyword", "keywords"},
		"limit":  {"limit", "per_page", "page_size", "pagesize", "count", "max_results", "maxresults", "first"},
		"start":  {"since", "from", "start", "after", "start_date", "startdate", "date_from", "created_after", "updated_since"},
		"end":    {"until", "to", "end", "before", "end_date", "enddate", "date_to", "created_before"},
		"person": {"assignee", "author", "owner", "customer", "name"},
	} {
		if slices.Contains(names, name) {
			return part
		}
	}
	if p.In != openapi3.ParameterInPath {
		return ""
	}
	if p.Schema != nil && p.Schema.Value != nil && (p.Schema.Value.Type.Is("integer") || p.Schema.Value.Type.Is("number")) {
		return "number"
	}
	return "text"
}

func clipName(s string) string {
	s = strings.Trim(notName.ReplaceAllString(s, "_"), "_")
	if s == "" || !unicode.IsLetter(rune(s[0])) {
		s = "op_" + s
	}
	return s[:min(len(s), 60)]
}

// clipText returns the first characters of a text, most at most, and looks at no more of it.
func clipText(s string, most int) string {
	if runes := []rune(s[:min(len(s), utf8.UTFMax*most+1)]); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}

// splitWords parts listOrders, list-orders and list_orders into lower-case words of ASCII letters and digits.
func splitWords(s string) []string {
	var b strings.Builder
	for i, r := range s {
		if unicode.IsUpper(r) && i > 0 && unicode.IsLower(rune(s[i-1])) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(notName.ReplaceAllString(strings.ReplaceAll(b.String(), "_", " "), " "))
}
