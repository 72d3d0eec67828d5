package provider

import (
	"maps"
	"time"
)

// Input is what a request is made from. Expressions see it as one document:
//
//	{"config": {}, "account": {"id", "name"}, "capability", "query", "window": {"start", "end"} | null,
//	 "text" | null, "people": [{"name", "role"}], "quoted": [], "numbers": [], "states": [], "limit", "page" | null,
//	 "timezone", "now", "arguments": {}, "item" | null, "lookup" | null, "names": {},
//	 "user": {"user_id", "external_id"}, "context": {"conversation_id", "personality_id"}}
//
// Times are RFC 3339 in the asker's zone; an absent text is null.
type Input struct {
	// Config is the integration's, without secrets.
	Config  map[string]any
	Account Identity
	// Capability is set by the capability itself.
	Capability string
	// Query is the question as it was asked.
	Query  string
	Window *Window
	// Text holds the words to search for; empty for none.
	Text    string
	People  []Person
	Quoted  []string
	Numbers []float64
	States  []string
	// Limit is how many results are wanted.
	Limit int
	// Page is the Next of the page before; empty for the first.
	Page string
	// TimeZone is an IANA name; empty means UTC.
	TimeZone  string
	Now       time.Time
	Arguments map[string]any
	// Item is one of Page.Items, for Each.
	Item any
	// Lookup is what Capability.LookUp found.
	Lookup any
	// Names are those behind the ids in the answers, by id; see Capability.Inquiries.
	Names   map[string]string
	User    Asker
	Context Context
}

// Identity names the account that a credential belongs to.
type Identity struct{ ID, Name string }

// Person is somebody whom a question names.
type Person struct {
	Name string
	// Role is from, to or with.
	Role string
}

// Asker is on whose behalf a request is made; empty parts are unknown.
type Asker struct{ UserID, ExternalID string }

// Context is where a question came up; empty parts are unknown.
type Context struct{ ConversationID, PersonalityID string }

// document returns the input as expressions see it.
func (p *Provider) document(in Input) map[string]any {
	zone, err := time.LoadLocation(in.TimeZone)
	if err != nil || zone == time.Local {
		zone = time.UTC
	}
	people := make([]any, len(in.People))
	for i, one := range in.People {
		people[i] = map[string]any{"name": one.Name, "role": one.Role}
	}
	limit := in.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	return map[string]any{
		"config":     jsonValue(p.effective(in.Config)),
		"account":    map[string]any{"id": orNull(in.Account.ID), "name": orNull(in.Account.Name)},
		"capability": in.Capability,
		"query":      in.Query,
		"window":     in.Window.document(zone),
		"text":       orNull(in.Text),
		"people":     people,
		"quoted":     list(in.Quoted),
		"numbers":    list(in.Numbers),
		"states":     list(in.States),
		"limit":      limit,
		"page":       orNull(in.Page),
		"timezone":   zone.String(),
		"now":        in.Now.In(zone).Format(time.RFC3339),
		"arguments":  jsonValue(orEmpty(in.Arguments)),
		"item":       jsonValue(in.Item),
		"lookup":     jsonValue(in.Lookup),
		"names":      texted(in.Names),
		"user":       map[string]any{"user_id": orNull(in.User.UserID), "external_id": orNull(in.User.ExternalID)},
		"context": map[string]any{
			"conversation_id": orNull(in.Context.ConversationID),
			"personality_id":  orNull(in.Context.PersonalityID),
		},
	}
}

const defaultLimit = 20

func (w *Window) document(zone *time.Location) any {
	if w == nil {
		return nil
	}
	at := func(t *time.Time) any {
		if t == nil {
			return nil
		}
		return t.In(zone).Format(time.RFC3339)
	}
	return map[string]any{"start": at(w.Start), "end": at(w.End)}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return maps.Clone(m)
}

func list[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

func texted(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for name, s := range m {
		out[name] = s
	}
	return out
}
