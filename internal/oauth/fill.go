package oauth

import (
	"fmt"
	"regexp"
	"slices"
)

var (
	// mark is where a setting of an integration stands in an address.
	mark = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)
	// part is what may stand there: a host name or a step of a path, and nothing that ends either.
	part = regexp.MustCompile(`^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$`)
)

// Properties returns the names of the settings that the server's addresses name, sorted.
func (s *Server) Properties() []string {
	var out []string
	for _, raw := range s.addresses() {
		for _, m := range mark.FindAllStringSubmatch(*raw, -1) {
			out = append(out, m[1])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// For returns the server as it is for one integration: with its settings in the addresses. A setting is a host name or a
// part of one, or one step of a path. It fails where one is missing or is anything else; the error names the setting and
// not its value.
func (s *Server) For(config map[string]any) (*Server, error) {
	filled := *s
	for _, raw := range filled.addresses() {
		var wrong string
		*raw = mark.ReplaceAllStringFunc(*raw, func(m string) string {
			name := m[1 : len(m)-1]
			value, _ := config[name].(string)
			if !part.MatchString(value) || len(value) > 253 {
				wrong = name
			}
			return value
		})
		if wrong != "" {
			return nil, &SettingError{Name: wrong}
		}
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
