package query_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/query"
)

const (
	shifts = "api.example.com/shifts"
	person = "api.example.com/people/"
	desks  = "api.example.com/desks"
)

// staff makes the vendor know these people, by ids that are their names in lower case, and one desk.
func (w *world) staff(names ...string) {
	for _, name := range names {
		w.Vendor.Answer(person+strings.ToLower(name), http.StatusOK, fmt.Sprintf(`{"id":%q,"name":%q}`, strings.ToLower(name), name))
	}
	w.Vendor.Answer(desks, http.StatusOK, `{"desks":[{"id":"d1","name":"Front desk"},{"id":"d2","name":" "}]}`)
}

// people returns how often the vendor was asked for a person.
func (w *world) people(ids ...string) (n int) {
	for _, id := range ids {
		n += len(w.Vendor.Calls(person + id))
	}
	return n
}

func assignees(items []provider.Result) string {
	var out []string
	for _, item := range items {
		out = append(out, fmt.Sprintf("%v at %v", item.Fields["assignee"], item.Fields["status"]))
	}
	return strings.Join(out, ", ")
}

func TestIdsBecomeNamesAtTheCostOfOneRequestEach(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.staff("Ann", "Bo", "Cy")
		w.Vendor.Handle(shifts, func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("page") == "" {
				fmt.Fprint(rw, `{"shifts":[{"who":"ann","desk":"d1"},{"who":"bo","desk":"d2"},{"who":"ann"}],"next":"two"}`)
				return
			}
			fmt.Fprint(rw, `{"shifts":[{"who":"cy","desk":"d3"},{"who":"bo","desk":"d1"}]}`)
		})
		got := w.must(t, "shifts")
		want := "Ann at Front desk, Bo at d2, Ann at <nil>, Cy at d3, Bo at Front desk"
		if assignees(got.Items) != want || got.Truncated || got.Plan.Request != "GET https://"+shifts {
			t.Errorf("%s; %+v", assignees(got.Items), got)
		}
		if n := w.people("ann", "bo", "cy"); n != 3 || len(w.Vendor.Calls(desks)) != 1 || w.queries(t) != 1 {
			t.Errorf("%d requests for three people, %d for the desks", n, len(w.Vendor.Calls(desks)))
		}
		w.Vendor.Answer(shifts, http.StatusOK, `{"shifts":[]}`)
		if w.must(t, "shifts"); w.people("ann", "bo", "cy") != 3 {
			t.Error("names were asked for where there is nobody")
		}
	})
}

func TestNamesThatDoNotComeLeaveTheIds(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.staff("Ann", "Bo", "Cy")
		w.Vendor.Answer(shifts, http.StatusOK, `{"shifts":[{"who":"ann","desk":"d1"},{"who":"bo"},{"who":"cy"}]}`)
		for name, c := range map[string]struct {
			status int
			body   string
			asked  int
			want   string
		}{
			"no scope":            {403, `{"error":"scope"}`, 1, "ann at Front desk, bo at <nil>, cy at <nil>"},
			"a refusal":           {401, `{}`, 1, "ann at Front desk, bo at <nil>, cy at <nil>"},
			"too many requests":   {429, `{}`, 1, "ann at Front desk, bo at <nil>, cy at <nil>"},
			"an outage":           {502, `no`, 1, "ann at Front desk, bo at <nil>, cy at <nil>"},
			"a web page":          {200, `<html>`, 1, "ann at Front desk, bo at <nil>, cy at <nil>"},
			"a list of nothing":   {200, `[]`, 1, "ann at Front desk, bo at <nil>, cy at <nil>"},
			"somebody who left":   {404, `{}`, 3, "ann at Front desk, Bo at <nil>, Cy at <nil>"},
			"a name that is none": {200, `{"id":"ann","name":7}`, 3, "ann at Front desk, Bo at <nil>, Cy at <nil>"},
		} {
			w.Vendor.Answer(person+"ann", c.status, c.body)
			before := w.people("ann", "bo", "cy")
			got := w.must(t, "shifts")
			if asked := w.people("ann", "bo", "cy") - before; assignees(got.Items) != c.want || asked != c.asked {
				t.Errorf("%s: %s after %d requests", name, assignees(got.Items), asked)
			}
		}
		if row := w.Reload(t, w.row); health.Of(row).Reason != health.OK {
			t.Errorf("the answers were there, and health is %s", health.Of(row).Reason)
		}
		if n := len(w.Vendor.Calls("login.example.com/token")); n != 1 {
			t.Errorf("%d token requests: what is refused besides says nothing of the credential", n)
		}
	})
}

func TestWhoeverIsSilentAboutNamesHoldsNoAnswerUp(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.staff()
		w.Vendor.Answer(shifts, http.StatusOK, `{"shifts":[{"who":"ann"}]}`)
		hang := make(chan struct{})
		defer close(hang)
		w.Vendor.Handle(person+"ann", func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		})
		if got := w.must(t, "shifts"); assignees(got.Items) != "ann at <nil>" {
			t.Errorf("%s", assignees(got.Items))
		}
	})
}

func TestNamesCostTenRequestsAtMost(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		var names, ids, entries []string
		for i := range 15 {
			names = append(names, fmt.Sprintf("P%d", i))
			ids = append(ids, fmt.Sprintf("p%d", i))
			entries = append(entries, fmt.Sprintf(`{"who":"p%d","desk":"d1"}`, i))
		}
		w.staff(names...)
		w.Vendor.Answer(shifts, http.StatusOK, `{"shifts":[`+strings.Join(entries, ",")+`]}`)
		items := w.must(t, "shifts").Items
		if n := w.people(ids...) + len(w.Vendor.Calls(desks)); n != provider.MaxNameRequests {
			t.Errorf("%d requests", n)
		}
		if items[9].Fields["assignee"] != "P9" || items[10].Fields["assignee"] != "p10" || items[0].Fields["status"] != "d1" {
			t.Errorf("%s", assignees(items))
		}
	})
}

func TestWithoutItsScopeNoNameIsAskedFor(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.staff("Ann")
		w.Vendor.Answer(shifts, http.StatusOK, `{"shifts":[{"who":"ann","desk":"d1"}]}`)
		w.Vendor.Grant("profile https://acme.example.com/agenda.read")
		w.row = w.Connect(t, w.Other, "agenda.read")
		if slices.Contains(w.row.Scopes, "agenda.notes") {
			t.Fatal(w.row.Scopes)
		}
		got := w.must(t, "shifts", func(in *query.AskInput) { in.IntegrationID = w.row.ID })
		if assignees(got.Items) != "ann at Front desk" || w.people("ann") != 0 {
			t.Errorf("%s, asked %d times", assignees(got.Items), w.people("ann"))
		}
	})
}
