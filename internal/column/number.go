package column

import (
	"bytes"
	"encoding/json"
	"strings"
)

// exactDigits is how many digits every float64 keeps.
const exactDigits = 15

// hasLongNumber reports whether JSON may hold a number with more digits than a float64 keeps. Most objects hold none,
// and are decoded once.
func hasLongNumber(src any) bool {
	switch v := src.(type) {
	case string:
		return longestRun(v) > exactDigits
	case []byte:
		return longestRun(v) > exactDigits
	}
	return false
}

func longestRun[T string | []byte](s T) int {
	run, longest := 0, 0
	for i := range len(s) {
		if c := s[i]; c >= '0' && c <= '9' || c == '.' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	return longest
}

// decodeExact decodes an object without losing a digit.
func decodeExact(src any, o *Object) error {
	var d *json.Decoder
	switch v := src.(type) {
	case string:
		d = json.NewDecoder(strings.NewReader(v))
	case []byte:
		d = json.NewDecoder(bytes.NewReader(v))
	}
	d.UseNumber()
	whole := map[string]any{}
	if err := d.Decode(&whole); err != nil {
		return err
	}
	*o, _ = shortened(whole).(map[string]any)
	return nil
}

// shortened puts a float64 in the place of each number that one holds exactly as it is written.
func shortened(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, one := range v {
			v[key] = shortened(one)
		}
	case []any:
		for i, one := range v {
			v[i] = shortened(one)
		}
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return v
		}
		if text, err := json.Marshal(f); err == nil && string(text) == v.String() {
			return f
		}
	}
	return v
}
