package server

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// The media types of answers.
const (
	mediaJSON   = "application/json"
	mediaResult = "application/graphql-response+json"
	mediaEvents = "text/event-stream"
)

// accepted is what a client takes as the answer.
type accepted struct {
	media  string // of one answer: mediaJSON or mediaResult; "" when the client takes neither
	events bool   // the client named text/event-stream
	first  bool   // and prefers it to media
}

// negotiate reads the Accept header (RFC 9110, section 12.5.1). Without one the answer is application/json, and a
// wildcard means the same: clients that know the newer type name it. Of equals, the one named first wins.
func negotiate(h http.Header) accepted {
	values := h.Values("Accept")
	if len(values) == 0 {
		return accepted{media: mediaJSON}
	}
	var a accepted
	var best, events float64
	for _, part := range strings.Split(strings.Join(values, ","), ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil || !utf8Only(params) {
			continue
		}
		q := 1.0
		if raw, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(raw, 64); err != nil {
				continue
			}
		}
		if media == "*/*" || media == "application/*" {
			media = mediaJSON
		}
		switch {
		case (media == mediaJSON || media == mediaResult) && q > best:
			a.media, best = media, q
			a.first = events >= q && a.events
		case media == mediaEvents && q > events:
			a.events, events = true, q
			a.first = q > best
		}
	}
	return a
}

// utf8Only reports whether a media type's parameters leave UTF-8 as the encoding.
func utf8Only(params map[string]string) bool {
	charset, ok := params["charset"]
	return !ok || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

// sendsJSON reports whether the request's body says that it is plain JSON in UTF-8.
func sendsJSON(h http.Header) bool {
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	encoding := h.Get("Content-Encoding")
	return err == nil && media == mediaJSON && utf8Only(params) && (encoding == "" || encoding == "identity")
}
