// Package scalar reads and writes the schema's own scalars. Errors name what was expected and repeat nothing of what
// came, since an input may be a secret.
package scalar

import (
	"encoding/json"
	"io"
	"net/url"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/patchbay/patchbay/internal/problem"
)

// MarshalDateTime writes t as RFC 3339 in UTC.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		var buf [len(time.RFC3339Nano) + 2]byte
		b := append(buf[:0], '"')
		b = t.UTC().AppendFormat(b, time.RFC3339Nano)
		_, _ = w.Write(append(b, '"'))
	})
}

// UnmarshalDateTime reads RFC 3339 with any offset and returns the moment in UTC, to the microsecond that the
// databases keep.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if ok {
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return t.UTC().Truncate(time.Microsecond), nil
		}
	}
	return time.Time{}, problem.New(problem.BadInput, "expected a moment such as 2026-01-20T14:22:00Z (RFC 3339)")
}

// MarshalJSONObject writes a JSON object; nil is {}.
func MarshalJSONObject(v map[string]any) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		if len(v) == 0 {
			_, _ = io.WriteString(w, "{}")
			return
		}
		b, err := json.Marshal(v)
		if err != nil { // a value that JSON has no form for never enters: it came from JSON
			b = []byte("{}")
		}
		_, _ = w.Write(b)
	})
}

// UnmarshalJSONObject reads a JSON object.
func UnmarshalJSONObject(v any) (map[string]any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, problem.New(problem.BadInput, "expected a JSON object")
	}
	return m, nil
}

const maxURL = 2048

// MarshalURL writes an address.
func MarshalURL(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalURL reads an absolute http or https URL without user name or password.
func UnmarshalURL(v any) (string, error) {
	s, ok := v.(string)
	if !ok || len(s) > maxURL {
		return "", problem.New(problem.BadInput, "expected an absolute http or https URL of at most 2048 characters")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return "", problem.New(problem.BadInput,
			"expected an absolute http or https URL, for example https://app.example.com/connected")
	case u.User != nil:
		return "", problem.New(problem.BadInput, "a URL must not hold a user name or password")
	}
	return s, nil
}
