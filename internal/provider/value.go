package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
)

// Bounds on what comes from outside.
const (
	// MaxBody is the largest answer that is read, in bytes; egress may stop earlier.
	MaxBody = 8 << 20
	// maxDepth is how deep JSON may nest.
	maxDepth = 64
	// maxValues bounds how many values JSON may hold, since small ones take far more memory than text.
	maxValues = 400_000
)

var (
	errTooLarge = fmt.Errorf("it is larger than %d MiB or holds more than %d values", MaxBody>>20, maxValues)
	errEmpty    = errors.New("it is empty")
	errTooDeep  = fmt.Errorf("it nests deeper than %d levels", maxDepth)
	errNotJSON  = errors.New("it is not JSON")
	errWebPage  = errors.New("it is a web page")
)

// decodeJSON reads one JSON value of bounded size and depth. Whole numbers stay exact. Errors never quote the text.
func decodeJSON(text []byte) (any, error) {
	trimmed := bytes.TrimSpace(text)
	switch {
	case len(text) > MaxBody:
		return nil, errTooLarge
	case len(trimmed) == 0:
		return nil, errEmpty
	case trimmed[0] == '<':
		return nil, errWebPage
	}
	switch depth, values := measure(trimmed); {
	case depth > maxDepth:
		return nil, errTooDeep
	case values > maxValues:
		return nil, errTooLarge
	}
	d := json.NewDecoder(bytes.NewReader(trimmed))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errNotJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotJSON
	}
	return withNumbers(v), nil
}

// measure counts how deep brackets nest outside strings, and about how many values there are, without decoding.
func measure(text []byte) (deepest, values int) {
	depth, inString, escaped := 0, false, false
	for _, b := range text {
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped, inString = b == '\\', b != '"'
		case b == '"':
			inString = true
		case b == '{' || b == '[':
			depth++
			values++
			deepest = max(deepest, depth)
		case b == ',':
			values++
		case b == '}' || b == ']':
			depth--
		}
	}
	return deepest, values
}

// withNumbers turns the numbers of a freshly decoded value into those that the jq engine takes, in place.
func withNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return number(v.String())
	case map[string]any:
		for k, one := range v {
			v[k] = withNumbers(one)
		}
	case []any:
		for i, one := range v {
			v[i] = withNumbers(one)
		}
	}
	return v
}

// jsonValue turns what Go code and decoders make into the types that the jq engine takes: it panics on any other.
// Strings become valid UTF-8, numbers int, *big.Int or float64; what JSON cannot say becomes null.
func jsonValue(v any) any {
	switch v := v.(type) {
	case nil, bool, int, float64, *big.Int:
		return v
	case string:
		return strings.ToValidUTF8(v, "\uFFFD")
	case json.Number:
		return number(v.String())
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, one := range v {
			out[strings.ToValidUTF8(k, "\uFFFD")] = jsonValue(one)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = jsonValue(one)
		}
		return out
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		return nil
	}
	return jsonValue(plain)
}

func number(s string) any {
	if !strings.ContainsAny(s, ".eE") {
		if i, err := strconv.Atoi(s); err == nil {
			return i
		}
		if i, ok := new(big.Int).SetString(s, 10); ok && len(s) < 400 {
			return i
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil
	}
	return f
}
