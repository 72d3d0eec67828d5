package oauth

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

var (
	// mark is where a setting of an integration stands in an address.
	mark = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)
	// part is what may stand there: a host name or a step of a path, and nothing that ends either.
	part = regexp.MustCompile(`^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$`)
)

// Properties returns the names of the settings that the server's addresses, and what its answers must match, name;
// sorted.
func (s *Server) Properties() []string {
	texts := make([]string, 0, 8)
	for _, raw := range s.addresses() {
		texts = append(texts, *raw)
	}
	if s.Authorize.Signed != nil {
		texts = slices.AppendSeq(texts, maps.Values(s.Authorize.Signed.Match))
	}
	var out []string
	for _, text := range texts {
		for _, m := range mark.FindAllStringSubmatch(text, -1) {
			out = append(out, m[1])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// For returns the server as it is for one integration: with its settings in the addresses, and in what its answers must
// match. A setting is a host name or a part of one, or one step of a path. It fails where one is missing or is anything
// else; the error names the setting and not its value.
func (s *Server) For(config map[string]any) (*Server, error) {
	filled, wrong := *s, ""
	fill := func(text string) string {
		return mark.ReplaceAllStringFunc(text, func(m string) string {
			name := m[1 : len(m)-1]
			value, _ := config[name].(string)
			if !part.MatchString(value) || len(value) > 253 {
				wrong = name
			}
			return value
		})
	}
	for _, raw := range filled.addresses() {
		*raw = fill(*raw)
	}
	if rule := s.Authorize.Signed; rule != nil {
		filled.Authorize.Signed = &Signed{Parameter: rule.Parameter, Match: map[string]string{}}
		for name, value := range rule.Match {
			filled.Authorize.Signed.Match[name] = fill(value)
		}
	}
	if wrong != "" {
		return nil, &SettingError{Name: wrong}
	}
	return &filled, nil
}

// SettingError says that an address cannot be made with a setting, which is missing or is no part of an address.
type SettingError struct{ Name string }

// Error names the setting.
func (e *SettingError) Error() string {
	return fmt.Sprintf("oauth: the setting %s cannot stand in an address", e.Name)
}

func (s *Server) addresses() []*string {
	return []*string{&s.Issuer, &s.Authorize.URL, &s.Token.URL, &s.Revoke.URL}
}
