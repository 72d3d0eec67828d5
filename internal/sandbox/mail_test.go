package sandbox_test

import (
	"encoding/base64"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/patchbay/patchbay/internal/sandbox"
	"github.com/patchbay/patchbay/internal/seal"
)

// message is what tests look at in a mail.
type message struct {
	ID, ThreadID, InternalDate, Snippet string
	LabelIDs                            []string `json:"labelIds"`
	Payload                             part
}

type part struct {
	MimeType, Filename string
	Headers            []struct{ Name, Value string }
	Body               struct {
		Size               int
		Data, AttachmentID string
	}
	Parts []part
}

func (p part) header(name string) string {
	for _, h := range p.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// leaves returns the parts that hold something.
func (p part) leaves() []part {
	if len(p.Parts) == 0 {
		return []part{p}
	}
	var out []part
	for _, c := range p.Parts {
		out = append(out, c.leaves()...)
	}
	return out
}

func (w *world) message(access seal.Secret, id, query string) message {
	w.t.Helper()
	res, err := w.try(w.t.Context(), access, mailBase+"/messages/"+id+"?"+query)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		w.t.Fatalf("message %s?%s: %d", id, query, res.StatusCode)
	}
	var m message
	decode(w.t, res.Body, &m)
	return m
}

// search returns the ids that a query finds, over all pages.
func (w *world) search(access seal.Secret, q string, pairs ...string) []string {
	w.t.Helper()
	params := url.Values{"q": {q}, "maxResults": {"25"}}
	for i := 0; i < len(pairs); i += 2 {
		params.Add(pairs[i], pairs[i+1])
	}
	var ids []string
	for {
		status, doc := w.call(access, mailBase+"/messages?"+params.Encode())
		if status != 200 {
			w.t.Fatalf("%q: %d %v", q, status, doc)
		}
		list, _ := doc["messages"].([]any)
		for _, m := range list {
			ids = append(ids, m.(map[string]any)["id"].(string))
		}
		next, _ := doc["nextPageToken"].(string)
		if next == "" {
			return ids
		}
		params.Set("pageToken", next)
	}
}

func TestTheMailboxHoldsTheLastSixtyDays(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "gmail.readonly")
	_, profile := w.call(tok.Access, mailBase+"/profile")
	ids := w.search(tok.Access, "in:anywhere")
	if n := len(ids); n < 45 || n > 75 || float64(n) != profile["messagesTotal"] ||
		profile["emailAddress"] != "ada@example.com" {
		t.Errorf("%d mails, profile %v", n, profile)
	}
	last := w.clock.Now()
	for _, id := range ids {
		m := w.message(tok.Access, id, "format=minimal")
		ms, err := strconv.ParseInt(m.InternalDate, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		at := time.UnixMilli(ms)
		if at.After(last) || at.Before(w.clock.Now().AddDate(0, 0, -61)) {
			t.Errorf("mail %s of %s comes after one of %s", id, at, last)
		}
		last = at
	}
}

func TestSarahWroteAboutTheBudgetLastWeek(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	for day := range 14 {
		now := w.clock.Now()
		tok := w.connect("ada@example.com", "gmail.readonly")
		week := (int(now.Weekday()) + 6) % 7 // days since Monday
		from := now.AddDate(0, 0, -week-7)
		q := "from:sarah budget is:unread after:" + from.Format("2006/01/02") + " before:" +
			from.AddDate(0, 0, 7).Format("2006/01/02")
		ids := w.search(tok.Access, q)
		if len(ids) != 1 {
			t.Errorf("day %d: %q found %d mails", day, q, len(ids))
			continue
		}
		m := w.message(tok.Access, ids[0], "format=metadata&metadataHeaders=From&metadataHeaders=subject")
		if !strings.Contains(m.Payload.header("From"), "Sarah Chen") || len(m.Payload.Headers) != 2 ||
			!strings.Contains(m.Payload.header("Subject"), "udget") || !slices.Contains(m.LabelIDs, "UNREAD") {
			t.Errorf("day %d: %+v", day, m)
		}
		w.clock.Add(24 * time.Hour)
	}
}

func TestAQueryMeansWhatGmailMeans(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "gmail.readonly")
	all := w.search(tok.Access, "in:anywhere")
	mails := map[string]message{}
	for _, id := range all {
		mails[id] = w.message(tok.Access, id, "")
	}
	date := func(m message) time.Time {
		ms, _ := strconv.ParseInt(m.InternalDate, 10, 64)
		return time.UnixMilli(ms)
	}
	from := func(s string) func(message) bool {
		return func(m message) bool { return strings.Contains(strings.ToLower(m.Payload.header("From")), s) }
	}
	subject := func(s string) func(message) bool {
		return func(m message) bool { return strings.Contains(strings.ToLower(m.Payload.header("Subject")), s) }
	}
	label := func(l string) func(message) bool {
		return func(m message) bool { return slices.Contains(m.LabelIDs, l) }
	}
	file := func(m message) bool {
		return slices.ContainsFunc(m.Payload.leaves(), func(p part) bool { return p.Filename != "" })
	}
	not := func(f func(message) bool) func(message) bool { return func(m message) bool { return !f(m) } }
	both := func(f, g func(message) bool) func(message) bool { return func(m message) bool { return f(m) && g(m) } }
	either := func(f, g func(message) bool) func(message) bool { return func(m message) bool { return f(m) || g(m) } }
	since := func(at time.Time) func(message) bool { return func(m message) bool { return !date(m).Before(at) } }
	pacific, _ := time.LoadLocation("America/Los_Angeles")
	nov10 := time.Date(2026, 11, 10, 0, 0, 0, 0, pacific)

	for q, want := range map[string]func(message) bool{
		"":                                   func(message) bool { return true },
		"from:sarah":                         from("sarah"),
		"FROM:Sarah.Chen@example.com":        from("sarah"),
		`from:"Sarah Chen"`:                  from("sarah chen"),
		"from:sara":                          func(message) bool { return false }, // whole words only
		"from:me":                            label("SENT"),
		"in:sent":                            label("SENT"),
		"to:nina":                            both(label("SENT"), subject("northwind")),
		"subject:budget":                     subject("budget"),
		`subject:"next quarter"`:             subject("next quarter"),
		"subject:(budget quarter)":           both(subject("budget"), subject("quarter")),
		"subject:(roadmap OR northwind)":     either(subject("roadmap"), subject("northwind")),
		"{from:ken from:priya}":              either(from("ken"), from("priya")),
		"from:ken OR from:priya":             either(from("ken"), from("priya")),
		"from:sarah -subject:budget":         both(from("sarah"), not(subject("budget"))),
		`"notes on the engine"`:              subject("notes on the engine"),
		`"engine the on notes"`:              func(message) bool { return false },
		"zebra":                              func(message) bool { return false },
		"unicorn:rainbow":                    func(message) bool { return false },
		"is:unread":                          label("UNREAD"),
		"is:read":                            not(label("UNREAD")),
		"-is:unread":                         not(label("UNREAD")),
		"is:starred":                         label("STARRED"),
		"label:important":                    label("IMPORTANT"),
		"category:promotions":                label("CATEGORY_PROMOTIONS"),
		"has:attachment":                     file,
		"-has:attachment from:sarah":         both(not(file), from("sarah")),
		"filename:csv":                       both(file, from("sarah")),
		"after:2026/11/10":                   since(nov10),
		"after:2026/11/10 before:2026/11/17": both(since(nov10), not(since(nov10.AddDate(0, 0, 7)))),
		"after:" + strconv.FormatInt(sunday.AddDate(0, 0, -9).Unix(), 10): since(sunday.AddDate(0, 0, -9)),
		"newer_than:7d":  since(sunday.AddDate(0, 0, -7)),
		"newer_than:1m":  since(sunday.AddDate(0, -1, 0)),
		"older_than:30d": not(since(sunday.AddDate(0, 0, -30))),
		"from:sarah newer_than:20d budget": both(from("sarah"), both(since(sunday.AddDate(0, 0, -20)),
			subject("budget"))),
	} {
		var expect []string
		for _, id := range all {
			if !label("SPAM")(mails[id]) && want(mails[id]) {
				expect = append(expect, id)
			}
		}
		if got := w.search(tok.Access, q); !slices.Equal(got, expect) {
			t.Errorf("%q found %d mails, not %d", q, len(got), len(expect))
		}
	}
	if got := w.search(tok.Access, "in:spam"); len(got) == 0 || !label("SPAM")(mails[got[0]]) {
		t.Errorf("spam: %v", got)
	}
	if got := w.search(tok.Access, "", "labelIds", "INBOX", "labelIds", "UNREAD"); len(got) == 0 {
		t.Error("no unread mail in the inbox")
	}
}

func TestEveryQueryAndEveryFieldSelectionIsAnswered(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "gmail.readonly")
	for _, q := range []string{"after:", "a OR", "))((", strings.Repeat("(", 300), strings.Repeat("from:", 300),
		strings.Repeat("-", 300), "\x00"} {
		w.search(tok.Access, q)
	}
	pieces := rapid.SliceOfN(rapid.SampledFrom([]string{"(", ")", "{", "}", `"`, "-", "+", ":", " ", "OR ", "a", "sarah",
		"from:", "subject:", "after:", "newer_than:", "is:", "in:spam", "7d", "2026/11/10", "ü", "/", ",", "*", "id"}), 0, 12)
	rapid.Check(t, func(r *rapid.T) {
		text := url.QueryEscape(strings.Join(pieces.Draw(r, "pieces"), ""))
		if status, doc := w.call(tok.Access, mailBase+"/messages?maxResults=1&q="+text); status != 200 {
			r.Errorf("q=%s: %d %v", text, status, doc)
		}
		if status, doc := w.call(tok.Access, mailBase+"/profile?fields="+text); status != 200 && status != 400 {
			r.Errorf("fields=%s: %d %v", text, status, doc)
		}
	})
}

func TestAMailIsReadInEveryFormat(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "gmail.readonly")
	id := w.search(tok.Access, "from:sarah has:attachment")[0]
	full := w.message(tok.Access, id, "format=full")
	leaves := full.Payload.leaves()
	if full.Payload.MimeType != "multipart/mixed" || len(leaves) != 3 || leaves[0].MimeType != "text/plain" ||
		leaves[1].MimeType != "text/html" || leaves[2].Filename == "" {
		t.Fatalf("payload %+v", full.Payload)
	}
	text, err := base64.URLEncoding.DecodeString(leaves[0].Body.Data)
	if err != nil || !strings.Contains(string(text), "Sarah") || len(text) != leaves[0].Body.Size {
		t.Errorf("text %q, %v", text, err)
	}
	status, file := w.call(tok.Access, mailBase+"/messages/"+id+"/attachments/"+leaves[2].Body.AttachmentID)
	if data, err := base64.URLEncoding.DecodeString(file["data"].(string)); status != 200 || err != nil ||
		len(data) != leaves[2].Body.Size {
		t.Errorf("attachment %d %v", status, file)
	}
	if m := w.message(tok.Access, id, "format=minimal"); m.Payload.MimeType != "" || m.Snippet == "" {
		t.Errorf("minimal %+v", m)
	}
	if m := w.message(tok.Access, id, "format=metadata"); len(m.Payload.Headers) < 6 || m.Payload.Parts != nil {
		t.Errorf("metadata %+v", m)
	}
	_, doc := w.call(tok.Access, mailBase+"/messages/"+id+"?format=raw")
	raw, err := base64.URLEncoding.DecodeString(doc["raw"].(string))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := mail.ReadMessage(strings.NewReader(string(raw)))
	if err != nil || parsed.Header.Get("Subject") != full.Payload.header("Subject") {
		t.Errorf("raw %v %v", parsed, err)
	}
	if at, err := parsed.Header.Date(); err != nil || strconv.FormatInt(at.UnixMilli(), 10) != full.InternalDate {
		t.Errorf("date %v, %v", at, err)
	}
	for path, want := range map[string]int{"/messages/0000000000000001": 404, "/messages/not-an-id": 400,
		"/messages/" + id + "?format=pretty": 400, "/messages/" + id + "/attachments/none": 404} {
		if status, _ := w.call(tok.Access, mailBase+path); status != want {
			t.Errorf("%s gave %d", path, status)
		}
	}
	another := "https://gmail.googleapis.com/gmail/v1/users/grace@example.com/profile"
	if status, doc := w.call(tok.Access, another); status != 403 {
		t.Errorf("another's mailbox gave %d %v", status, doc)
	}
}

func TestTheMetadataScopeNeitherSearchesNorReads(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "gmail.metadata")
	id := w.search(tok.Access, "")[0]
	w.message(tok.Access, id, "format=metadata")
	for _, path := range []string{"/messages?q=budget", "/messages/" + id, "/messages/" + id + "?format=raw"} {
		if status, doc := w.call(tok.Access, mailBase+path); status != 403 {
			t.Errorf("%s: %d %v", path, status, doc)
		}
	}
}

func TestNothingFoundIsAnAnswerWithoutAList(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "gmail.readonly")
	_, doc := w.call(tok.Access, mailBase+"/messages?q=zebra")
	if _, there := doc["messages"]; there || doc["resultSizeEstimate"] != 0.0 {
		t.Errorf("got %v", doc)
	}
}
