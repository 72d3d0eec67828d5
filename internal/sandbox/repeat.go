package sandbox

import (
	"regexp"
	"strings"
	"time"
)

var (
	localTime = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$`)
	offset    = regexp.MustCompile(`^(Z|[+-]\d{2}:\d{2})$`)
)

// repeated returns the answer to a write with what the request says in the place of what the fixture's request says:
// whoever makes an event called Picnic reads Picnic. The answer's times have been moved already; so are the fixture's.
func (e *exchange) repeated(body any, a asked, now time.Time) any {
	said := map[string]string{}
	for k, old := range e.request.fields {
		if moved, ok := (mover{days: e.days(now), around: e.anchor}).move(k, old).(string); ok {
			old = moved
		}
		given, ok := a.fields[k]
		if other, twice := said[old]; len(old) < 2 || !ok || twice && other != given {
			given = old
		}
		said[old] = given
	}
	return replaced(body, said)
}

// replaced returns v with other texts for those that it knows. A time behind which the answer has put an offset is
// known too; it loses the offset, which may not be that of the zone that was asked for.
func replaced(v any, said map[string]string) any {
	switch v := v.(type) {
	case string:
		if given, ok := said[v]; ok {
			return given
		}
		if i := strings.IndexAny(v, "Z+"); i > 0 && offset.MatchString(v[i:]) {
			if given := said[v[:i]]; localTime.MatchString(given) {
				return given
			}
		}
		return v
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, one := range v {
			out[name] = replaced(one, said)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = replaced(one, said)
		}
		return out
	}
	return v
}
