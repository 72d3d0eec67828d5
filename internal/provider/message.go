package provider

import (
	"errors"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"unicode"
)

// maxHeader is the longest subject or id of a message, in bytes (RFC 5322 section 2.1.1 bounds a line at 998).
const maxHeader = 900

// messageFields are what rfc5322 takes, in the order in which it writes them.
var messageFields = []struct{ name, header string }{
	{"from", "From"}, {"to", "To"}, {"cc", "Cc"}, {"bcc", "Bcc"}, {"subject", "Subject"}, {"in_reply_to", "In-Reply-To"},
}

var errNotMessage = errors.New("it is not what a message is made from")

// rfc5322 writes a message in plain text from an object with from, to, cc, bcc, subject, text and in_reply_to, all of
// them optional. Addresses are one text, with commas between several, or a list of texts. The error is for the person
// who wrote the message: an address that is none, or a line break where none may be, which could add a header.
func rfc5322(v any) (string, error) {
	fields, ok := v.(map[string]any)
	if !ok {
		return "", errNotMessage
	}
	for name := range fields {
		known := func(f struct{ name, header string }) bool { return f.name == name }
		if name != "text" && !slices.ContainsFunc(messageFields, known) {
			return "", errNotMessage
		}
	}
	var out strings.Builder
	for _, f := range messageFields {
		value, err := header(f.name, fields[f.name])
		if err != nil {
			return "", err
		}
		if value == "" {
			continue
		}
		out.WriteString(f.header + ": " + value + "\r\n")
		if f.name == "in_reply_to" {
			out.WriteString("References: " + value + "\r\n")
		}
	}
	out.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" +
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n")
	text, ok := fields["text"].(string)
	if !ok && fields["text"] != nil {
		return "", &saidError{"The text of the message must be text."}
	}
	body := quotedprintable.NewWriter(&out)
	_, _ = body.Write([]byte(strings.ToValidUTF8(text, "\uFFFD"))) // a Builder takes everything
	_ = body.Close()
	return out.String(), nil
}

// header returns the value of one header, encoded and folded; empty when there is none.
func header(name string, v any) (string, error) {
	texts, err := singleLines(v)
	if err != nil {
		return "", &saidError{"The " + strings.ReplaceAll(name, "_", " ") + " of the message must be text on one line."}
	}
	value := strings.Join(texts, ", ")
	switch {
	case value == "":
		return "", nil
	case name == "in_reply_to":
		return messageID(value)
	case name != "subject":
		return addresses(value)
	case len(value) > maxHeader:
		return "", &saidError{"The subject of the message is too long."}
	}
	return folded(mime.QEncoding.Encode("utf-8", value)), nil
}

// singleLines returns a text, or those of a list, and fails where there is anything else or a control character.
func singleLines(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok && v != nil {
		list = []any{v}
	}
	out := make([]string, 0, len(list))
	for _, one := range list {
		s, ok := one.(string)
		if !ok || strings.ContainsFunc(s, unicode.IsControl) {
			return nil, errNotMessage
		}
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, strings.ToValidUTF8(s, "\uFFFD"))
		}
	}
	return out, nil
}

func messageID(value string) (string, error) {
	id := strings.TrimSuffix(strings.TrimPrefix(value, "<"), ">")
	odd := func(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' }
	if id == "" || len(id) > maxHeader || strings.ContainsFunc(id, odd) {
		return "", &saidError{"What the message answers must be the id of one message."}
	}
	return "<" + id + ">", nil
}

func addresses(value string) (string, error) {
	all, err := mail.ParseAddressList(value)
	if err != nil {
		return "", &saidError{"An address of the message is none: write name@example.com, or Name <name@example.com>."}
	}
	out := make([]string, len(all))
	for i, a := range all {
		out[i] = folded(a.String())
	}
	return strings.Join(out, ",\r\n "), nil
}

// folded breaks a line between two encoded words (RFC 2047 section 2).
func folded(s string) string { return strings.ReplaceAll(s, "?= =?", "?=\r\n =?") }
