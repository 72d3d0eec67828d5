package provider

import (
	"maps"
	"net/url"
	"strings"
)

// maxText is the longest text that a result keeps, in bytes.
const maxText = 256 << 10

// Result is one thing found. Kind says which type of the contract it is and so which Fields it has.
type Result struct {
	Kind string
	// Title, Content and URL are empty when absent.
	Title, Content, URL string
	// Fields holds the typed fields of the kind under the contract's names: string, bool, []string or time.Time. An
	// absent field is not in it; lists and allDay always are.
	Fields map[string]any
	// Data is what the manifest maps as `data`, or else everything it maps, without nulls. It is never nil.
	Data map[string]any
}

func newResult(kind string, fields map[string]any) Result {
	if as, ok := fields["as"].(string); ok && kinds[as] != nil { // what one capability finds may be of several kinds
		kind = as
		fields = maps.Clone(fields)
		delete(fields, "as")
	}
	m := mapped(fields)
	r := Result{
		Kind: kind, Title: m.text("title"), URL: m.address("url"),
		Content: strings.ReplaceAll(m.text("content"), "\r\n", "\n"), // mail ends its lines in its own way
	}
	r.Fields = kinds[kind](m)
	if data, ok := fields["data"]; ok {
		if r.Data, ok = data.(map[string]any); !ok {
			r.Data = map[string]any{}
		}
		return r
	}
	r.Data = maps.Clone(fields)
	maps.DeleteFunc(r.Data, func(_ string, v any) bool { return v == nil })
	return r
}

// mapped is what one `results` object holds.
type mapped map[string]any

// text returns a text or number as text, and nothing for anything else.
func (m mapped) text(name string) string {
	s, _ := scalar(m[name])
	if _, isBool := m[name].(bool); isBool {
		return ""
	}
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}

func (m mapped) texts(name string) []string {
	out := []string{}
	for _, s := range texts(m[name]) {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// address returns a web address, and nothing for anything else.
func (m mapped) address(name string) string {
	u, err := url.Parse(m.text(name))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}

func (m mapped) copyText(out map[string]any, field, name string) {
	if s := m.text(name); s != "" {
		out[field] = s
	}
}

func (m mapped) copyTime(out map[string]any, field, name string) {
	if t, ok := instant(m[name], m.text("time_zone")); ok {
		out[field] = t
	}
}
