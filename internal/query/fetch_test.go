package query_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/query"
)

func TestPagesAreReadUntilThereIsEnough(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Handle(entries, func(rw http.ResponseWriter, r *http.Request) {
			page := r.URL.Query().Get("page")
			fmt.Fprintf(rw, `{"items":[{"title":"%s-1"},{"title":"%s-2"}],"next":"%sx"}`, page, page, page)
		})
		got := w.must(t, "meetings today", func(in *query.AskInput) { in.Limit = 5 })
		if len(got.Items) != 5 || !got.Truncated || len(w.Vendor.Calls(entries)) != 3 || got.Items[4].Title != "xx-1" {
			t.Errorf("%d items in %d calls, truncated %v", len(got.Items), len(w.Vendor.Calls(entries)), got.Truncated)
		}
		got = w.must(t, "meetings today", func(in *query.AskInput) { in.Limit = 100 })
		if calls := len(w.Vendor.Calls(entries)) - 3; calls > 8 || !got.Truncated || len(got.Items) != 2*calls {
			t.Errorf("%d items in %d calls, truncated %v", len(got.Items), calls, got.Truncated)
		}
		w.Vendor.Handle(entries, func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("page") != "" {
				rw.WriteHeader(http.StatusBadGateway)
				return
			}
			_, _ = rw.Write([]byte(`{"items":[{"title":"first"}],"next":"more"}`))
		})
		got = w.must(t, "meetings today")
		if len(got.Items) != 1 || !got.Truncated {
			t.Errorf("after a page that failed: %+v", got)
		}
	})
}

func TestTheLatestAreTheLastOfWhatComesOldestFirst(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Handle(entries, func(rw http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Query().Get("from"), "2026-09") { // the near past holds too few
				_, _ = rw.Write([]byte(`{"items":[{"title":"c","start":"2026-11-03T09:00:00Z"}]}`))
				return
			}
			_, _ = rw.Write([]byte(`{"items":[{"title":"a","start":"2026-01-01T09:00:00Z"},
				{"title":"b","start":"2026-02-02T09:00:00Z"},{"title":"c","start":"2026-11-03T09:00:00Z"}]}`))
		})
		got := w.must(t, "my last 2 meetings")
		if len(got.Items) != 2 || got.Items[0].Title != "b" || got.Items[1].Title != "c" || !got.Truncated {
			t.Errorf("items = %+v, arguments %v", got.Items, got.Plan.Arguments)
		}
		calls := w.Vendor.Calls(entries)
		if len(calls) != 2 || calls[0].Query.Get("limit") != "100" || calls[1].Query.Get("to") != calls[0].Query.Get("to") {
			t.Errorf("calls = %+v", calls)
		}
		got = w.must(t, "my last meeting")
		if len(got.Items) != 1 || got.Items[0].Title != "c" || len(w.Vendor.Calls(entries)) != 3 {
			t.Errorf("items = %+v", got.Items)
		}
	})
}

func TestItemsAreFetchedFourAtATimeInOrder(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		ids := []string{}
		var now, most atomic.Int32
		full := make(chan struct{})
		for i := range 8 {
			one := fmt.Sprintf("n%d", i)
			ids = append(ids, `"`+one+`"`)
			w.Vendor.Handle(notes+"/"+one, func(rw http.ResponseWriter, _ *http.Request) {
				n := now.Add(1)
				defer now.Add(-1)
				if n > most.Load() {
					most.Store(n)
				}
				if n == 4 && i < 4 {
					close(full)
				}
				<-full // nobody goes on until four are there
				if one == "n5" {
					rw.WriteHeader(http.StatusNotFound)
					return
				}
				fmt.Fprintf(rw, `{"title":%q,"text":"words","id":%q}`, one, one)
			})
		}
		w.Vendor.Answer(notes, http.StatusOK, `{"ids":[`+strings.Join(ids, ",")+`]}`)
		got := w.must(t, "notes")
		titles := []string{}
		for _, item := range got.Items {
			titles = append(titles, item.Title)
		}
		if strings.Join(titles, " ") != "n0 n1 n2 n3 n4 n6 n7" || got.Truncated || most.Load() != 4 {
			t.Errorf("titles %v, truncated %v, %d at once", titles, got.Truncated, most.Load())
		}
	})
}

func TestSomeItemsAreAnAnswerThoughNotAWholeOne(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Answer(notes, http.StatusOK, `{"ids":["a","b"]}`)
		w.Vendor.Answer(notes+"/a", http.StatusOK, `{"title":"a"}`)
		w.Vendor.Answer(notes+"/b", http.StatusBadGateway, ``)
		if got := w.must(t, "notes"); len(got.Items) != 1 || !got.Truncated {
			t.Errorf("result = %+v", got)
		}
		w.Vendor.Answer(notes+"/a", http.StatusBadGateway, ``)
		if _, err := w.ask("notes"); !problem.Is(err, problem.ProviderFailed) {
			t.Errorf("err = %v", err)
		}
		w.Vendor.Answer(notes, http.StatusOK, `{"ids":[]}`)
		if got := w.must(t, "notes"); len(got.Items) != 0 || got.Truncated {
			t.Errorf("result = %+v", got)
		}
	})
}
