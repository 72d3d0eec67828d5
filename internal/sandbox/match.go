package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/patchbay/patchbay/internal/provider"
)

// How much one likeness between a request and a fixture counts. Paths count first, what a request says after that.
const (
	likePath     = 100
	sameDocument = 50 // a GraphQL document, word for word
	sameValue    = 6
	sameName     = 1
	tellsNothing = -4 // an empty answer is seldom what was meant
	tellsInPart  = -2 // the answer to a lookup may hold nothing but what is looked for
)

// match returns the exchange whose request is most like the one that came in, and how much; nil when none is like it.
func (v *vendor) match(a asked, now time.Time) (*exchange, int) {
	type candidate struct {
		*exchange
		score int
		exact bool
	}
	var all []candidate
	turned := map[int]fields{}
	paged := false
	for _, e := range v.exchanges() {
		days := e.days(now)
		if turned[days] == nil {
			turned[days] = a.fields.moved(-days, now)
		}
		one := a
		one.fields = turned[days]
		path, ok := e.calledBy(one)
		if !ok {
			continue
		}
		paged = paged || len(e.next) > 0 && e.next.within(one.fields)
		if e.page.within(one.fields) {
			paged = paged || len(e.page) > 0
			all = append(all, candidate{e, path*likePath + e.like(one), e.said(one)})
		}
	}
	if paged { // a page that no fixture shows is the end
		all = slices.DeleteFunc(all, func(c candidate) bool { return len(c.page) == 0 && (len(c.next) > 0 || !c.empty) })
	}
	if slices.ContainsFunc(all, func(c candidate) bool { return !c.empty }) {
		all = slices.DeleteFunc(all, func(c candidate) bool { return c.empty && !c.exact })
	}
	if len(all) == 0 {
		return nil, 0
	}
	best := slices.MaxFunc(all, func(x, y candidate) int { return x.score - y.score })
	return best.exchange, best.score
}

// calledBy returns how much a request's path is like the exchange's, and false when it is another call.
func (e *exchange) calledBy(a asked) (int, bool) {
	if a.method != e.request.method || a.operation != e.request.operation || e.fixed && a.host != e.request.host {
		return 0, false
	}
	return alike(e.path, a.path)
}

// like returns how much what a request says is like what the exchange's says.
func (e *exchange) like(a asked) (score int) {
	if a.operation != "" && a.fields["query"] == e.request.fields["query"] {
		score += sameDocument
	}
	for k, v := range a.fields {
		switch got, known := e.request.fields[k]; {
		case e.asker[k]:
		case !known:
			score -= sameName
		case got == v:
			score += sameValue
		default:
			score += sameName
		}
	}
	for k := range e.request.fields {
		if _, given := a.fields[k]; !given && !e.asker[k] {
			score -= sameName
		}
	}
	if e.empty {
		score += tellsNothing
	}
	if e.lookup {
		score += tellsInPart
	}
	return score
}

// said reports whether a request says just what the exchange's says, whoever asks.
func (e *exchange) said(a asked) bool {
	same := func(one, other fields) bool {
		for k, v := range one {
			if got, ok := other[k]; !e.asker[k] && (!ok || got != v) {
				return false
			}
		}
		return true
	}
	return same(a.fields, e.request.fields) && same(e.request.fields, a.fields)
}

// moved returns the fields with every time moved by whole days.
func (f fields) moved(days int, now time.Time) fields {
	out := make(fields, len(f))
	m := mover{days: days, around: now}
	for k, v := range f {
		out[k], _ = m.move(k, v).(string)
	}
	return out
}

// days is how far the exchange's times lie from today.
func (e *exchange) days(now time.Time) int {
	if e.anchor.IsZero() {
		return 0
	}
	return daysBetween(e.anchor, now)
}

// write answers as the exchange's fixture does, with its times moved so that its today is now's.
func (e *exchange) write(w http.ResponseWriter, a asked, now time.Time) {
	if e.body == nil {
		writeFixture(w, e.answer, nil)
		return
	}
	body := mover{days: e.days(now), around: e.anchor}.move("", e.body)
	if e.writes {
		body = e.repeated(body, a, now)
	}
	writeFixture(w, e.answer, body)
}

// writeFixture answers with the status and headers of a fixture, and with this body, or with the fixture's text when
// there is none.
func writeFixture(w http.ResponseWriter, a provider.Answer, body any) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=UTF-8")
	for name, value := range a.Headers {
		h.Set(name, value)
	}
	status := a.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	if status == http.StatusNoContent || status == http.StatusNotModified {
		return
	}
	if body == nil {
		_, _ = io.WriteString(w, a.Text)
		return
	}
	_ = json.NewEncoder(w).Encode(body) // the client has gone: nobody to tell
}
