package query_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/query"
)

const (
	people = "api.example.com/people"
	tasks  = "api.example.com/people/p7/tasks"
)

func TestALookupComesBeforeTheRequest(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Handle(people, func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("page") == "" {
				fmt.Fprint(rw, `{"people":[{"name":"Tom","id":"p1"}],"next":"two"}`)
				return
			}
			fmt.Fprint(rw, `{"people":[{"name":"Sarah","id":"p7"},{"name":"sarah","id":"p8"}],"next":"three"}`)
		})
		w.Vendor.Handle(tasks, func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("page") == "" {
				fmt.Fprint(rw, `{"tasks":[{"title":"One"}],"next":"more"}`)
				return
			}
			fmt.Fprint(rw, `{"tasks":[{"title":"Two"}]}`)
		})
		got := w.must(t, "tasks with Sarah")
		if len(got.Items) != 2 || got.Items[1].Title != "Two" || got.Items[1].Fields["assignee"] != "p7" {
			t.Errorf("items = %+v", got.Items)
		}
		if got.Plan.Request != "GET https://"+tasks {
			t.Errorf("the plan shows %s", got.Plan.Request)
		}
		if n := len(w.Vendor.Calls(people)); n != 2 {
			t.Errorf("%d pages were searched for what the second holds", n)
		}
	})
}

func TestADryRunLooksNothingUp(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		got := w.must(t, "tasks with Sarah", func(in *query.AskInput) { in.DryRun = true })
		if got.Plan.Request != "GET https://"+people || len(w.Vendor.Calls(people)) != 0 {
			t.Errorf("plan = %+v", got.Plan)
		}
	})
}

func TestWhatIsNotFoundIsSaidInTheManifestsWords(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Answer(people, http.StatusOK, `{"people":[{"name":"Tom","id":"p1"}],"next":"always"}`)
		_, err := w.ask("tasks with Sarah")
		e := refused(t, err, problem.NotFound, "input", "query")
		if e.Message != "Nobody has this name. Write it as the agenda does." || len(w.Vendor.Calls(people)) != 5 {
			t.Errorf("%v after %d pages", e, len(w.Vendor.Calls(people)))
		}
		w.Vendor.Answer(people, http.StatusNotFound, `{}`)
		_, err = w.ask("tasks with Sarah")
		refused(t, err, problem.NotFound, "input", "query")

		_, err = w.ask("tasks")
		if e := refused(t, err, problem.Invalid, "input", "query"); e.Message != "Say whose tasks: a name." {
			t.Errorf("message = %q", e.Message)
		}
		if events := w.asked(t); len(events) != 3 || w.queries(t) != 2 {
			t.Errorf("%d events, %d queries", len(events), w.queries(t))
		}
	})
}

func TestALookupThatFailsIsTheProvidersFailure(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			status int
			body   string
			code   problem.Code
		}{
			"an outage":     {502, `no`, problem.ProviderFailed},
			"a web page":    {200, `<html>`, problem.ProviderFailed},
			"a wrong shape": {200, `{"people":7}`, problem.ProviderFailed},
			"too many":      {429, `{}`, problem.ProviderRateLimited},
			"no scope":      {403, `{"error":"scope"}`, problem.MissingScopes},
		} {
			w.Vendor.Answer(people, c.status, c.body)
			if _, err := w.ask("tasks with Sarah"); !problem.Is(err, c.code) {
				t.Errorf("%s: %v", name, err)
			}
		}
		hang := make(chan struct{})
		w.Vendor.Handle(people, func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		})
		_, err := w.ask("tasks with Sarah", func(in *query.AskInput) { in.Timeout = 100 * time.Millisecond })
		close(hang)
		if !problem.Is(err, problem.ProviderTimeout) || strings.Contains(err.Error(), "Nobody") {
			t.Errorf("silence: %v", err)
		}
		if n := len(w.Vendor.Calls(tasks)); n != 0 {
			t.Errorf("%d requests came after a lookup that failed", n)
		}
	})
}
