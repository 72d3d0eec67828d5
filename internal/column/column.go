// Package column holds the Go types of JSON columns. Each writes itself as a string, which both databases take for a
// JSON column; ent's own JSON fields write bytes, which PostgreSQL's binary parameters refuse.
package column

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
)

// Object is a JSON object.
type Object map[string]any

// Value encodes the object; nil is {}.
func (o Object) Value() (driver.Value, error) {
	if o == nil {
		return "{}", nil
	}
	return encode(map[string]any(o))
}

// Scan decodes an object. A number is a float64, or a json.Number where a float64 would lose digits of it.
func (o *Object) Scan(src any) error {
	err := decode(src, (*map[string]any)(o))
	_, large := errors.AsType[*json.UnmarshalTypeError](err)
	if err != nil && !large || err == nil && !hasLongNumber(src) {
		return err
	}
	return decodeExact(src, o)
}

// Strings is a JSON array of strings.
type Strings []string

// Value encodes the list; nil is [].
func (s Strings) Value() (driver.Value, error) {
	if s == nil {
		return "[]", nil
	}
	return encode([]string(s))
}

// Scan decodes a list.
func (s *Strings) Scan(src any) error { return decode(src, (*[]string)(s)) }

func encode(v any) (driver.Value, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode a JSON column: %w", err)
	}
	return string(b), nil
}

func decode(src, dst any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(v), dst)
	case []byte:
		return json.Unmarshal(v, dst)
	default:
		return fmt.Errorf("a JSON column cannot be read from %T", src)
	}
}
