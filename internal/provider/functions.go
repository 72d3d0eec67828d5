package provider

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/itchyny/gojq"
)

// functions are what expressions know besides jq's own: each takes its input, and answers null where it makes no sense.
//
//	base64url      text of base64 with the URL-safe or the usual alphabet, padded or not (RFC 4648)
//	to_base64url   base64 with the URL-safe alphabet, without padding, of text
//	epoch          seconds since 1970 of an RFC 3339 time
//	html_text      what a person reads of HTML, as plain text
//	rfc5322        the text of a message from {from, to, cc, bcc, subject, text, in_reply_to}; it fails in words for
//	               the person who writes where this makes no message
//	fill           a template with {name} in its texts, from an object of values
//	fill_path      a path with {name} in it, from an object of values, escaped
//	at_path        what stands at a field path
//	records        the list of objects at a field path
func functions() []gojq.CompilerOption {
	return []gojq.CompilerOption{
		gojq.WithFunction("base64url", 0, 0, func(v any, _ []any) any { return decodeBase64(v) }),
		gojq.WithFunction("to_base64url", 0, 0, func(v any, _ []any) any {
			return ofText(v, func(s string) any { return base64.RawURLEncoding.EncodeToString([]byte(s)) })
		}),
		gojq.WithFunction("epoch", 0, 0, func(v any, _ []any) any { return epoch(v) }),
		gojq.WithFunction("fill", 1, 1, fillTemplate),
		gojq.WithFunction("fill_path", 1, 1, fillPath),
		gojq.WithFunction("at_path", 1, 1, atPath),
		gojq.WithFunction("records", 1, 1, records),
		gojq.WithFunction("html_text", 0, 0, func(v any, _ []any) any {
			return ofText(v, func(s string) any { return plainText(s) })
		}),
		gojq.WithFunction("rfc5322", 0, 0, func(v any, _ []any) any {
			message, err := rfc5322(v)
			if err != nil {
				return err
			}
			return message
		}),
	}
}

func ofText(v any, do func(string) any) any {
	if s, ok := v.(string); ok {
		return do(s)
	}
	return nil
}

var anyAlphabet = strings.NewReplacer("-", "+", "_", "/", "=", "", "\r", "", "\n", "")

func decodeBase64(v any) any {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	plain, err := base64.RawStdEncoding.DecodeString(anyAlphabet.Replace(s))
	if err != nil {
		return nil
	}
	return strings.ToValidUTF8(string(plain), "\uFFFD")
}

func epoch(v any) any {
	s, _ := v.(string)
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return nil
	}
	return int(t.Unix())
}
