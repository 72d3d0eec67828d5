package graph

import (
	"time"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/provider"
)

// resultOf gives a result the type of its kind; a kind without one is a custom record.
func resultOf(r provider.Result) model.ResultItem {
	f := fields(r.Fields)
	title, content, url := optional(r.Title), optional(r.Content), optional(r.URL)
	switch r.Kind {
	case "calendar_event":
		return &model.CalendarEvent{
			Title: title, Content: content, URL: url, StructuredData: r.Data,
			Start: f.time("start"), End: f.time("end"), AllDay: f.yes("allDay"), StartDate: f.text("startDate"),
			EndDate: f.text("endDate"), TimeZone: f.text("timeZone"), Location: f.text("location"),
			Organizer: f.text("organizer"), Attendees: f.texts("attendees"),
		}
	case "email_message":
		return &model.EmailMessage{
			Title: title, Content: content, URL: url, StructuredData: r.Data,
			From: f.text("from"), To: f.texts("to"), SentAt: f.time("sentAt"), Unread: f.maybe("unread"),
		}
	case "document_item":
		return &model.DocumentItem{
			Title: title, Content: content, URL: url, StructuredData: r.Data,
			Author: f.text("author"), UpdatedAt: f.time("updatedAt"),
		}
	case "work_item":
		return &model.WorkItem{
			Title: title, Content: content, URL: url, StructuredData: r.Data,
			Key: f.text("key"), Status: f.text("status"), Priority: f.text("priority"),
			Assignee: f.text("assignee"), Requester: f.text("requester"), CreatedAt: f.time("createdAt"),
			UpdatedAt: f.time("updatedAt"),
		}
	case "order":
		return &model.Order{
			Title: title, Content: content, URL: url, StructuredData: r.Data,
			Number: f.text("number"), Status: f.text("status"), Total: f.text("total"),
			Currency: f.text("currency"), Customer: f.text("customer"), PlacedAt: f.time("placedAt"),
		}
	case "crm_record":
		return &model.CrmRecord{
			Title: title, Content: content, URL: url, StructuredData: r.Data,
			Kind: f.text("kind"), Email: f.text("email"), Phone: f.text("phone"), Stage: f.text("stage"),
			Amount: f.text("amount"), Owner: f.text("owner"), UpdatedAt: f.time("updatedAt"),
		}
	case "chat_message":
		return &model.ChatMessage{
			Title: title, Content: content, URL: url, StructuredData: r.Data,
			Author: f.text("author"), Channel: f.text("channel"), SentAt: f.time("sentAt"),
		}
	default:
		return &model.CustomRecord{Title: title, Content: content, URL: url, StructuredData: r.Data}
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// fields are those of a result, under the schema's names.
type fields map[string]any

func (f fields) text(name string) *string {
	if s, ok := f[name].(string); ok {
		return &s
	}
	return nil
}

func (f fields) texts(name string) []string {
	s, _ := f[name].([]string)
	return append([]string{}, s...)
}

func (f fields) time(name string) *time.Time {
	if t, ok := f[name].(time.Time); ok {
		return &t
	}
	return nil
}

func (f fields) maybe(name string) *bool {
	if b, ok := f[name].(bool); ok {
		return &b
	}
	return nil
}

func (f fields) yes(name string) bool { return f[name] == true }
