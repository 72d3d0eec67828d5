package server

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/patchbay/patchbay/internal/problem"
)

// How much of errors an answer carries. An answer with data may need one for each null in it. One without has fewer
// than ten, because scanners take ten errors for ten faults as the sign of a server without limits.
const (
	maxErrors        = 9
	maxErrorBytes    = 3 << 10
	maxDataErrors    = 100
	maxDataErrBytes  = 64 << 10
	maxErrorMessage  = 300
	maxExtensionSize = 4 << 10
)

// answerOf returns the answer to a request that failed before it ran.
func answerOf(errs gqlerror.List) *graphql.Response { return &graphql.Response{Errors: errs} }

// appendAnswer appends resp as JSON to b. There is no data entry when nothing ran, and data that gqlgen has encoded is
// copied as it is: encoding/json would scan it again, which costs up to 40 % of a request.
func appendAnswer(b []byte, resp *graphql.Response) []byte {
	ran := len(resp.Data) > 0
	b = append(b, '{')
	if len(resp.Errors) > 0 {
		b = append(b, `"errors":`...)
		b = appendErrors(b, resp.Errors, ran)
		b = append(b, ',')
	}
	if ran {
		b = append(b, `"data":`...)
		b = append(b, resp.Data...)
		b = append(b, ',')
	}
	if len(resp.Extensions) > 0 {
		if raw, err := json.Marshal(resp.Extensions); err == nil && (ran || len(raw) < maxExtensionSize) {
			b = append(append(append(b, `"extensions":`...), raw...), ',')
		}
	}
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, '}')
}

// appendErrors appends as many errors as an answer may carry, at least one.
func appendErrors(b []byte, errs gqlerror.List, ran bool) []byte {
	count, size := maxErrors, maxErrorBytes
	if ran {
		count, size = maxDataErrors, maxDataErrBytes
	}
	start := len(b)
	b = append(b, '[')
	for i, e := range errs[:min(len(errs), count)] {
		raw := errorJSON(e)
		if i > 0 && len(b)-start+len(raw) > size {
			break
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, raw...)
	}
	return append(b, ']')
}

// errorJSON encodes one error. One that is too large, or that JSON cannot hold, is reduced to its message and code.
func errorJSON(e *gqlerror.Error) []byte {
	short := *e
	short.Message = cut(e.Message, maxErrorMessage)
	raw, err := json.Marshal(&short)
	if err == nil && len(raw) <= maxErrorBytes {
		return raw
	}
	code, _ := e.Extensions["code"].(string)
	raw, _ = json.Marshal(gqlError(&problem.Error{Code: problem.Code(cut(code, 64)), Message: short.Message}))
	return raw
}

// cut shortens s to at most n bytes without breaking a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n -= len("…")
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// buffers are reused for answers; one that an unusual answer has made large is left to the collector.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const maxPooled = 1 << 20

// writeAnswer sends resp in one write, with its length.
func writeAnswer(w http.ResponseWriter, media string, status int, resp *graphql.Response) {
	buf := buffers.Get().(*[]byte)
	b := appendAnswer((*buf)[:0], resp)
	h := w.Header()
	h.Set("Content-Type", media+"; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // a client that has left is not an error of ours
	if cap(b) <= maxPooled {
		*buf = b
		buffers.Put(buf)
	}
}
