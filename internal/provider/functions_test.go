package provider_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// mapper returns what an expression makes of the JSON under `v`, as the content of a result.
func mapper(t testing.TB, expression string) func(v any) string {
	t.Helper()
	text := strings.Replace(tickets, "'.tickets[] | { title: .subject, content: .text, url: .link, data: . }'",
		"'{ content: (.v | "+expression+") }'", 1)
	p, findings := provider.Decode("tickets.yaml", []byte(text))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	return func(v any) string {
		var buf bytes.Buffer
		e := json.NewEncoder(&buf)
		e.SetEscapeHTML(false)
		if err := e.Encode(map[string]any{"v": v}); err != nil {
			t.Fatal(err)
		}
		body := buf.Bytes()
		page, err := p.Capabilities[0].Map(t.Context(), provider.Input{}, provider.Response{Status: 200, Body: body})
		if err != nil || len(page.Results) != 1 {
			t.Fatalf("%.100s: %v", body, err)
		}
		return page.Results[0].Content
	}
}

func TestHTMLBecomesWhatAPersonReads(t *testing.T) {
	t.Parallel()
	read := mapper(t, "html_text")
	for source, want := range map[string]string{
		"":                     "",
		"plain":                "plain",
		"<p>One</p><p>Two</p>": "One\nTwo",
		"<div>Hello&nbsp;<b>W</b>orld,</div>\n\n<div>it&#39;s &lt;5&gt; &amp; caf&eacute;</div>": "Hello World,\nit's <5> & café",
		"a<br>b<br/><br>c<br><br><br><br>d":                                      "a\nb\n\nc\n\nd",
		"<ul><li>one<li>two</li></ul>after":                                      "- one\n- two\nafter",
		"<table><tr><td>a</td><td>b</td></tr><tr><th>c<th>d</table>":             "a b\nc d",
		"<html><head><meta><title>no</title><style>p{}</style><body>yes":         "yes",
		"a<script>if (a < b) { x('</p>') }</script>b<!-- c --><style>x</style>c": "abc",
		"a<SCRIPT/>b</script>c":                                                  "ac",
		"a<svg/>b<svg><text>no<svg></svg>no</text></svg>c":                       "abc",
		"a<template><template>x</template>y</template>b":                         "ab",
		"<pre>one\n  two\r\n\n\n\nthree</pre>four":                               "one\n  two\n\nthree\nfour",
		"  <p>  many\n\t  blanks  </p>  ":                                        "many blanks",
		"<p>never closed <b>at all":                                              "never closed at all",
		"</div></div>a</p>":                                                      "a",
		"a < b and c > d":                                                        "a < b and c > d",
		"<img src='data:" + strings.Repeat("x", 400_000) + "'>after":             "after",
		"<a href=\"https://x.example\">link</a> <img alt=no> text":               "link text",
		"<o:p>Outlook</o:p><![if !x]>y<![endif]>":                                "Outlooky",
	} {
		if got := read(source); got != want {
			t.Errorf("%.80q: want %q, got %q", source, want, got)
		}
	}
	for _, odd := range []any{nil, 7, true, []any{"<p>"}, map[string]any{"a": "<p>"}} {
		if got := read(odd); got != "" {
			t.Errorf("%v became %q", odd, got)
		}
	}
}

// An expression ends after a second, so one that took longer than in proportion would fail here.
func TestHTMLWithoutEndIsRead(t *testing.T) {
	t.Parallel()
	read := mapper(t, "html_text")
	for name, source := range map[string]string{
		"depth":    strings.Repeat("<div>", 20_000) + "x",
		"lists":    strings.Repeat("<ul><li>", 10_000),
		"entities": strings.Repeat("&nGt;", 20_000),
		"text":     strings.Repeat("long ", 20_000),
		"comments": strings.Repeat("<!--", 20_000),
		"brackets": strings.Repeat("<", 100_000),
		"scripts":  strings.Repeat("<script>", 10_000),
		"breaks":   strings.Repeat("a<br>", 20_000),
		"too much": "<!--" + strings.Repeat("x", 1<<20) + "-->the end",
		"bytes":    "a\xff\xfe<p>\x00b",
	} {
		if got := read(source); len(got) > 257<<10 || !utf8.ValidString(got) || strings.Contains(got, "the end") {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
}

// written returns what rfc5322 makes of an object, as it would be sent.
func written(t testing.TB, message map[string]any) (string, error) {
	t.Helper()
	text := strings.Replace(tickets, `      { method: "GET",
        path: "/desks/\(.config.desk | @uri)/tickets", query: { limit, page } }
`, `      { method: "POST", path: "/send", body: { raw: (.arguments | rfc5322 | to_base64url) } }
`, 1)
	p, findings := provider.Decode("tickets.yaml", []byte(text))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	r, err := p.Capabilities[0].Request(t.Context(), provider.Input{Arguments: message})
	if err != nil {
		return "", err
	}
	var body struct{ Raw string }
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(body.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw), nil
}

func TestAMessageIsWritten(t *testing.T) {
	t.Parallel()
	got, err := written(t, map[string]any{
		"from": "Ann <ann@example.com>", "to": []any{"tom@example.com", "Zoë Müller <zoe@example.com>"},
		"cc": "a@example.com, \"B, C\" <b@example.com>", "bcc": []any{}, "subject": "Grüße = viele",
		"in_reply_to": "abc@mail.example", "text": "Hello Zoë,\n100 % = all.\r\n.\n" + strings.Repeat("x", 100),
	})
	want := "From: \"Ann\" <ann@example.com>\r\n" +
		"To: <tom@example.com>,\r\n =?utf-8?q?Zo=C3=AB_M=C3=BCller?= <zoe@example.com>\r\n" +
		"Cc: <a@example.com>,\r\n \"B, C\" <b@example.com>\r\n" +
		"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_=3D_viele?=\r\n" +
		"In-Reply-To: <abc@mail.example>\r\nReferences: <abc@mail.example>\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
		"Hello Zo=C3=AB,\r\n100 % =3D all.\r\n.\r\n" + strings.Repeat("x", 75) + "=\r\n" + strings.Repeat("x", 25)
	if err != nil || got != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
	}
	if got, err := written(t, nil); err != nil || !strings.HasPrefix(got, "MIME-Version: 1.0\r\n") {
		t.Errorf("an empty message: %q, %v", got, err)
	}
}

func TestAMessageThatIsNoneIsRefusedInWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		message map[string]any
		words   string
	}{
		"a header in the subject":       {map[string]any{"subject": "Hi\r\nBcc: eve@example.com"}, "one line"},
		"a header after a line feed":    {map[string]any{"subject": "Hi\nBcc: eve@example.com"}, "one line"},
		"a header in an address":        {map[string]any{"to": "a@example.com\r\nBcc: eve@example.com"}, "one line"},
		"a header in a list":            {map[string]any{"cc": []any{"a@example.com", "x\n <b@example.com>"}}, "one line"},
		"a folded header":               {map[string]any{"from": "Ann\r\n <ann@example.com>"}, "one line"},
		"a header in the id":            {map[string]any{"in_reply_to": "<a@b>\r\nBcc: eve@example.com"}, "one line"},
		"a zero":                        {map[string]any{"subject": "a\x00b"}, "one line"},
		"a line break of another kind":  {map[string]any{"subject": "a\u0085b"}, "one line"},
		"two ids":                       {map[string]any{"in_reply_to": "<a@b> <c@d>"}, "id of one message"},
		"no address":                    {map[string]any{"to": "Ann"}, "An address"},
		"half an address":               {map[string]any{"to": "ann@"}, "An address"},
		"an unquoted comma":             {map[string]any{"to": "Doe, Jane <jane@example.com>"}, "An address"},
		"a number for an address":       {map[string]any{"to": 7}, "text"},
		"an object for a subject":       {map[string]any{"subject": map[string]any{}}, "text"},
		"a list for a text":             {map[string]any{"text": []any{"a"}}, "text"},
		"a subject that is too long":    {map[string]any{"subject": strings.Repeat("x", 901)}, "too long"},
		"something that is no part":     {map[string]any{"body": "Hi"}, "cannot be turned into a request"},
		"a header of somebody's choice": {map[string]any{"X-Spam": "no"}, "cannot be turned into a request"},
	} {
		_, err := written(t, c.message)
		if !problem.Is(err, problem.Invalid) || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "eve") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnyTextMakesOneMessageWithTheHeadersThatWereAsked(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		message := map[string]any{}
		for _, name := range []string{"from", "to", "cc", "bcc", "in_reply_to", "subject", "text"} {
			if rapid.Bool().Draw(r, name+"?") {
				name, plain := name, rapid.String().Draw(r, name)
				if rapid.Bool().Draw(r, name+" as address") && name != "text" && name != "subject" {
					plain = fmt.Sprintf("%q <x@example.com>", plain)
				}
				message[name] = plain
			}
		}
		raw, err := written(t, message)
		if err != nil {
			return
		}
		m, err := mail.ReadMessage(strings.NewReader(raw))
		if err != nil {
			r.Fatalf("%v: %q", err, raw)
		}
		for name := range m.Header {
			if !slices.Contains([]string{"From", "To", "Cc", "Bcc", "Subject", "In-Reply-To", "References", "Mime-Version",
				"Content-Type", "Content-Transfer-Encoding"}, name) {
				r.Errorf("there is a header %s in %q", name, raw)
			}
		}
		subject, _ := message["subject"].(string)
		back, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil || !strings.Contains(subject, "=?") && back != strings.TrimSpace(subject) {
			r.Errorf("subject %q became %q (%v)", subject, back, err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		plain := strings.NewReplacer("\r\n", "\n", "\r", "\n")
		text, _ := message["text"].(string)
		if err != nil || plain.Replace(string(body)) != plain.Replace(text) {
			r.Errorf("text %q became %q (%v)", text, body, err)
		}
	})
}

func TestBase64IsWrittenAndRead(t *testing.T) {
	t.Parallel()
	write, back := mapper(t, "to_base64url"), mapper(t, "to_base64url | base64url")
	for plain, want := range map[string]string{"": "", "a": "YQ", "ab": "YWI", "??>": "Pz8-", "ÿ~": "w79-"} {
		if got := write(plain); got != want || back(plain) != plain {
			t.Errorf("%q: want %q, got %q, and back %q", plain, want, got, back(plain))
		}
	}
	if got := write(nil) + write(7); got != "" {
		t.Errorf("nothing became %q", got)
	}
}
