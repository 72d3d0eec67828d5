package column_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/patchbay/patchbay/internal/column"
)

func TestAnObjectKeepsEveryDigit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]column.Object{
		`{"a":1,"b":0.1,"c":[true,null,"x"]}`: {"a": 1.0, "b": 0.1, "c": []any{true, nil, "x"}},
		`{"a":12345678901234567890,"b":2}`:    {"a": json.Number("12345678901234567890"), "b": 2.0},
		`{"a":[{"b":0.1234567890123456789}]}`: {"a": []any{map[string]any{"b": json.Number("0.1234567890123456789")}}},
		`{"a":1e400,"b":2}`:                   {"a": json.Number("1e400"), "b": 2.0},
		`{"a":"12345678901234567890","b":2}`:  {"a": "12345678901234567890", "b": 2.0},
	} {
		for _, src := range []any{text, []byte(text)} {
			var got column.Object
			if err := got.Scan(src); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%T %s: %v, %v", src, text, got, err)
			}
			again, err := got.Value()
			if err != nil || again != text {
				t.Errorf("%s is written as %v, %v", text, again, err)
			}
		}
	}
}

func TestWhatIsNoObjectIsAnError(t *testing.T) {
	t.Parallel()
	for _, src := range []any{`[]`, `{"a":`, `12345678901234567890`, 5} {
		var got column.Object
		if err := got.Scan(src); err == nil {
			t.Errorf("%v: %v", src, got)
		}
	}
}
