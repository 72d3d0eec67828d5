package sandbox

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"mime"
	"strings"
	"time"
)

// mailPart is a MIME part as Gmail words it.
type mailPart struct {
	PartID   string       `json:"partId"`
	MimeType string       `json:"mimeType"`
	Filename string       `json:"filename"`
	Headers  []mailHeader `json:"headers"`
	Body     mailBody     `json:"body"`
	Parts    []mailPart   `json:"parts,omitempty"`
	content  []byte
}

type mailHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// mailBody holds a text; an attachment's content is fetched by its id.
type mailBody struct {
	AttachmentID string `json:"attachmentId,omitempty"`
	Size         int    `json:"size"`
	Data         string `json:"data,omitempty"` // base64url
}

func (m mail) attachmentID() string { return "ANGjdJ" + digest(m.id + m.file)[:32] }

// payload writes the mail down: plain text; or text and HTML; or these with a file.
func (m mail) payload() mailPart {
	top := []mailHeader{
		{"Delivered-To", bare(m.to)},
		{"Message-ID", "<" + m.id + "@mail.example.com>"},
		{"Date", m.date.Format(time.RFC1123Z)},
		{"From", m.from},
		{"To", m.to},
	}
	if m.cc != "" {
		top = append(top, mailHeader{"Cc", address(m.cc)})
	}
	top = append(top, mailHeader{"Subject", m.subject}, mailHeader{"MIME-Version", "1.0"})
	text := textPart("0", "text/plain", strings.ReplaceAll(m.text, "\n", "\r\n"))
	if m.plain {
		text.PartID = ""
		text.Headers = append(top, text.Headers...)
		return text
	}
	page := "<div>" + strings.ReplaceAll(html.EscapeString(m.text), "\n", "<br>") + "</div>"
	both := multipart("", "multipart/alternative", m.id, text, textPart("1", "text/html", page))
	if m.file == "" {
		both.Headers = append(top, both.Headers...)
		return both
	}
	both.PartID, both.Parts[0].PartID, both.Parts[1].PartID = "0", "0.0", "0.1"
	content := m.attachment()
	kind := "application/pdf"
	if strings.HasSuffix(m.file, ".csv") {
		kind = "text/csv"
	}
	file := mailPart{PartID: "1", MimeType: kind, Filename: m.file, content: content,
		Headers: []mailHeader{
			{"Content-Type", fmt.Sprintf("%s; name=%q", kind, m.file)},
			{"Content-Disposition", fmt.Sprintf("attachment; filename=%q", m.file)},
			{"Content-Transfer-Encoding", "base64"},
		},
		Body: mailBody{AttachmentID: m.attachmentID(), Size: len(content)}}
	all := multipart("", "multipart/mixed", m.id, both, file)
	all.Headers = append(top, all.Headers...)
	return all
}

func textPart(id, kind, text string) mailPart {
	return mailPart{PartID: id, MimeType: kind, content: []byte(text),
		Headers: []mailHeader{
			{"Content-Type", kind + `; charset="UTF-8"`}, {"Content-Transfer-Encoding", "base64"},
		},
		Body: mailBody{Size: len(text), Data: base64.URLEncoding.EncodeToString([]byte(text))}}
}

func multipart(id, kind, seed string, parts ...mailPart) mailPart {
	return mailPart{PartID: id, MimeType: kind, Parts: parts,
		Headers: []mailHeader{{"Content-Type", fmt.Sprintf("%s; boundary=%q", kind, boundary(kind, seed))}}}
}

func boundary(kind, seed string) string { return digest(kind + seed)[:28] }

// mime writes the part as it would travel (RFC 2045).
func (p mailPart) mime() []byte {
	var b bytes.Buffer
	var sep string
	for _, h := range p.Headers {
		value := h.Value
		if h.Name == "Subject" {
			value = mime.QEncoding.Encode("UTF-8", value)
		}
		fmt.Fprintf(&b, "%s: %s\r\n", h.Name, value)
		if _, params, err := mime.ParseMediaType(value); h.Name == "Content-Type" && err == nil {
			sep = params["boundary"]
		}
	}
	b.WriteString("\r\n")
	if len(p.Parts) == 0 {
		encoded := base64.StdEncoding.EncodeToString(p.content)
		for len(encoded) > 76 {
			b.WriteString(encoded[:76] + "\r\n")
			encoded = encoded[76:]
		}
		b.WriteString(encoded + "\r\n")
		return b.Bytes()
	}
	for _, part := range p.Parts {
		fmt.Fprintf(&b, "--%s\r\n%s", sep, part.mime())
	}
	fmt.Fprintf(&b, "--%s--\r\n", sep)
	return b.Bytes()
}

// bare takes the address out of "Name <address>".
func bare(s string) string {
	if _, after, ok := strings.Cut(s, "<"); ok {
		return strings.TrimSuffix(after, ">")
	}
	return s
}
