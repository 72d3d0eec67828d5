package sandbox

import (
	"encoding/base64"
	"html"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scopes that Google's description of the Gmail API names for each method.
var (
	mailScopes       = []string{"https://mail.google.com/", "gmail.metadata", "gmail.modify", "gmail.readonly"}
	mailTextScopes   = []string{"https://mail.google.com/", "gmail.modify", "gmail.readonly"}
	mailProfileScope = []string{"https://mail.google.com/", "gmail.compose", "gmail.metadata", "gmail.modify",
		"gmail.readonly"}
	mailLabelScopes = []string{"https://mail.google.com/", "gmail.labels", "gmail.metadata", "gmail.modify",
		"gmail.readonly"}
)

// mail serves Gmail, version 1.
func (s *Sandbox) mail(mux *http.ServeMux) {
	const base = "/gmail/v1/users/{user}"
	own := func(h func(*http.Request, caller) (any, *googleError)) func(*http.Request, caller) (any, *googleError) {
		return func(r *http.Request, c caller) (any, *googleError) {
			if user := r.PathValue("user"); user != "me" && user != c.Email {
				return nil, &googleError{code: 403, domain: "global", reason: "forbidden",
					message: "Delegation denied for " + c.Email, status: "PERMISSION_DENIED"}
			}
			return h(r, c)
		}
	}
	mux.HandleFunc("GET "+base+"/profile", s.guarded(own(s.mailProfile), mailProfileScope...))
	mux.HandleFunc("GET "+base+"/labels", s.guarded(own(s.mailLabels), mailLabelScopes...))
	mux.HandleFunc("GET "+base+"/messages", s.guarded(own(s.listMessages), mailScopes...))
	mux.HandleFunc("GET "+base+"/messages/{id}", s.guarded(own(s.getMessage), mailScopes...))
	mux.HandleFunc("GET "+base+"/messages/{message}/attachments/{id}",
		s.guarded(own(s.getAttachment), mailTextScopes...))
}

var mailMissing = googleError{code: 404, domain: "global", reason: "notFound",
	message: "Requested entity was not found.", status: "NOT_FOUND"}

func metadataOnly(message string) *googleError {
	return &googleError{code: 403, domain: "global", reason: "forbidden", message: message, status: "PERMISSION_DENIED"}
}

// failMail words a fault of Gmail, which puts the time to come back into the text rather than into a header.
func (s *Sandbox) failMail(w http.ResponseWriter, r *http.Request, f Fault) {
	if f.Kind != RateLimited || f.RetryAfter == 0 {
		failGoogleAPI(w, r, f)
		return
	}
	w.Header().Del("Retry-After")
	googleError{code: 403, domain: "usageLimits", reason: "userRateLimitExceeded",
		message: "User-rate limit exceeded.  Retry after " + stamp(s.opts.Now().Add(f.RetryAfter))}.write(w)
}

func (s *Sandbox) mailProfile(_ *http.Request, c caller) (any, *googleError) {
	now := s.opts.Now()
	box, threads := mailbox(c.account, now), map[string]bool{}
	for _, m := range box {
		threads[m.thread] = true
	}
	return map[string]any{
		"emailAddress": c.Email, "messagesTotal": len(box), "threadsTotal": len(threads), "historyId": history(now),
	}, nil
}

// history is the mailbox's counter of changes.
func history(t time.Time) string { return strconv.FormatInt(t.Unix()/60, 10) }

func (s *Sandbox) mailLabels(*http.Request, caller) (any, *googleError) {
	var out []map[string]any
	for _, id := range []string{"INBOX", "SENT", "DRAFT", "SPAM", "TRASH", "UNREAD", "STARRED", "IMPORTANT",
		"CATEGORY_PERSONAL", "CATEGORY_UPDATES", "CATEGORY_PROMOTIONS"} {
		out = append(out, map[string]any{"id": id, "name": id, "type": "system"})
	}
	return map[string]any{"labels": out}, nil
}

func (s *Sandbox) listMessages(r *http.Request, c caller) (any, *googleError) {
	q, now := r.URL.Query(), s.opts.Now()
	if q.Get("q") != "" && !slices.ContainsFunc(mailTextScopes, c.has) {
		return nil, metadataOnly("Metadata scope does not support 'q' parameter")
	}
	search := parseMailQuery(q.Get("q"), c.account, now)
	hidden := q.Get("includeSpamTrash") != "true" && !search.everywhere
	found := slices.DeleteFunc(mailbox(c.account, now), func(m mail) bool {
		return hidden && (m.has("SPAM") || m.has("TRASH")) || !subset(q["labelIds"], m.labels) || !search.match(m)
	})
	page, next, fault := paged(q, found, 100, 500)
	if fault != nil {
		return nil, fault
	}
	out := map[string]any{"resultSizeEstimate": len(found)}
	if len(page) > 0 { // Gmail leaves an empty list out
		list := make([]map[string]string, len(page))
		for i, m := range page {
			list[i] = map[string]string{"id": m.id, "threadId": m.thread}
		}
		out["messages"] = list
	}
	if next != "" {
		out["nextPageToken"] = next
	}
	return out, nil
}

func (s *Sandbox) findMail(c caller, id string) (mail, *googleError) {
	for _, m := range mailbox(c.account, s.opts.Now()) {
		if m.id == id {
			return m, nil
		}
	}
	if _, err := strconv.ParseUint(id, 16, 64); err != nil {
		e := badRequest("id", "Invalid id value")
		return mail{}, &e
	}
	return mail{}, &mailMissing
}

func (s *Sandbox) getMessage(r *http.Request, c caller) (any, *googleError) {
	q := r.URL.Query()
	m, fault := s.findMail(c, r.PathValue("id"))
	if fault != nil {
		return nil, fault
	}
	format := firstOf(q.Get("format"), "full")
	whole := m.payload()
	out := map[string]any{
		"id": m.id, "threadId": m.thread, "labelIds": m.labels, "snippet": html.EscapeString(m.snippet()),
		"historyId": history(m.date), "internalDate": strconv.FormatInt(m.date.UnixMilli(), 10),
		"sizeEstimate": len(whole.mime()),
	}
	switch format {
	case "minimal":
	case "metadata":
		wanted := q["metadataHeaders"]
		headers := slices.DeleteFunc(whole.Headers, func(h mailHeader) bool {
			return len(wanted) > 0 &&
				!slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(w, h.Name) })
		})
		out["payload"] = map[string]any{"mimeType": whole.MimeType, "headers": headers}
	case "full", "raw":
		if !slices.ContainsFunc(mailTextScopes, c.has) {
			return nil, metadataOnly("Metadata scope doesn't allow format " + strings.ToUpper(format))
		}
		if format == "raw" {
			out["raw"] = base64.URLEncoding.EncodeToString(whole.mime())
		} else {
			out["payload"] = whole
		}
	default:
		e := badRequest("format", "Invalid value at 'format' (type.googleapis.com/google.apps.gmail.v1.Format)")
		return nil, &e
	}
	return out, nil
}

func (s *Sandbox) getAttachment(r *http.Request, c caller) (any, *googleError) {
	m, fault := s.findMail(c, r.PathValue("message"))
	if fault != nil {
		return nil, fault
	}
	if m.file == "" || r.PathValue("id") != m.attachmentID() {
		return nil, &mailMissing
	}
	data := m.attachment()
	return map[string]any{"size": len(data), "data": base64.URLEncoding.EncodeToString(data)}, nil
}
