package query_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/query"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
)

func TestAWriteThatMayHaveBeenDoneIsNotSentTwice(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		half := func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", "100")
			fmt.Fprint(rw, `{"title":`)
		}
		n := 0
		for name, c := range map[string]struct {
			answer http.HandlerFunc
			status int
		}{
			"a hung line":  {hangUp, 0},
			"half":         {half, 0},
			"an outage":    {says(503, ``), 503},
			"elsewhere":    {says(303, ``), 303},
			"a web page":   {says(200, `<html>`), 200},
			"another form": {says(200, `7`), 200},
		} {
			w.Vendor.Handle(added, c.answer)
			_, err := w.invoke(t, "add_entry", `{"title":"x"}`)
			e := refused(t, err, problem.OutcomeUnknown)
			if n++; len(w.Vendor.Calls(added)) != n {
				t.Fatalf("%s: it was sent %d times", name, len(w.Vendor.Calls(added))-n+1)
			}
			if e.Retryable || e.Provider != integrationtest.Provider || e.HTTPStatus != c.status ||
				!strings.Contains(e.Message, "look at Acme Agenda before you repeat it") {
				t.Errorf("%s: %+v", name, e)
			}
		}
		for name, c := range map[string]struct {
			status    int
			body      string
			code      problem.Code
			retryable bool
		}{
			"a refusal": {422, `{}`, problem.ProviderFailed, false},
			"not there": {404, `{}`, problem.ProviderFailed, false},
			"too many":  {429, `{}`, problem.ProviderRateLimited, true},
			"no scope":  {403, `{"error":"scope"}`, problem.MissingScopes, false},
		} {
			w.Vendor.Answer(added, c.status, c.body)
			_, err := w.invoke(t, "add_entry", `{"title":"x"}`)
			e, _ := errors.AsType[*problem.Error](err)
			if n++; e == nil || e.Code != c.code || e.Retryable != c.retryable || len(w.Vendor.Calls(added)) != n {
				t.Errorf("%s: %v", name, err)
			}
		}
		if events := w.invoked(t); len(events) != n || w.queries(t) != int64(n) || events[0].Details["arguments"] == nil {
			t.Errorf("%d events, %d queries", len(events), w.queries(t))
		}
	})
}

// A time limit that ends before the write has left proves nothing, so that it is tried again with a longer one.
func TestAWriteThatIsNotAnsweredInTimeIsNotSentTwice(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		arrived := make(chan struct{}, 10)
		w.Vendor.Handle(added, func(_ http.ResponseWriter, r *http.Request) {
			arrived <- struct{}{}
			<-r.Context().Done()
		})
		for limit := 300 * time.Millisecond; ; limit *= 2 {
			_, err := w.invoke(t, "add_entry", `{"title":"x"}`, func(in *query.InvokeInput) { in.Timeout = min(limit, patience) })
			if problem.Is(err, problem.ProviderTimeout) && len(w.Vendor.Calls(added)) == 0 && limit < patience {
				continue
			}
			e := refused(t, err, problem.OutcomeUnknown)
			if e.Retryable || e.Provider != integrationtest.Provider || e.HTTPStatus != 0 ||
				!strings.Contains(e.Message, "look at Acme Agenda before you repeat it") {
				t.Errorf("%+v", e)
			}
			break
		}
		select {
		case <-arrived:
		case <-time.After(patience):
			t.Fatal("it never arrived")
		}
		if n := len(w.Vendor.Calls(added)); n != 1 {
			t.Errorf("it was sent %d times", n)
		}
	})
}

func TestWhatDoesNoHarmTwiceIsTriedTwice(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Handle(room, once(says(503, ``), says(204, ``)))
		got, err := w.invoke(t, "set_room", `{"id":7,"room":"Curie"}`)
		if err != nil || got.Items[0].Title != "Room Curie" || len(w.Vendor.Calls(room)) != 2 {
			t.Errorf("a write that may be repeated: %+v, %v, %d calls", got, err, len(w.Vendor.Calls(room)))
		}
		w.Vendor.Handle(entries, once(says(502, ``), says(200, `{"items":[]}`)))
		if _, err := w.invoke(t, "list_entries", `{}`); err != nil || len(w.Vendor.Calls(entries)) != 2 {
			t.Errorf("a read: %v", err)
		}
		w.Vendor.Answer(room, 502, ``)
		_, err = w.invoke(t, "set_room", `{"id":7,"room":"Curie"}`)
		if e := refused(t, err, problem.ProviderFailed); !e.Retryable || len(w.Vendor.Calls(room)) != 4 {
			t.Errorf("an outage that stays: %+v, %d calls", e, len(w.Vendor.Calls(room)))
		}
		w.Vendor.Handle(room, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Retry-After", "30")
			rw.WriteHeader(http.StatusServiceUnavailable)
		})
		_, err = w.invoke(t, "set_room", `{"id":7,"room":"Curie"}`)
		if e := refused(t, err, problem.ProviderFailed); e.RetryAfter != 30*time.Second || len(w.Vendor.Calls(room)) != 5 {
			t.Errorf("a provider that asks for time: %+v, %d calls", e, len(w.Vendor.Calls(room)))
		}
	})
}

func TestAWriteThatCertainlyDidNotArriveIsSentAgain(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		vendor := integrationtest.NewVendor(t)
		vendor.Handle("api.example.com/me", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Connection", "close") // so that the write has to dial
			fmt.Fprint(rw, `{"id":"ada@acme"}`)
		})
		redirect := vendor.Redirect()
		dial, failures := redirect.Dial, atomic.Int32{}
		redirect.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if failures.Add(-1) >= 0 {
				return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("refused")}
			}
			return dial(ctx, network, addr)
		}
		w := newWorld(s, integrationtest.Around(t, s, redirect, func(string) (oauth.Client, bool) {
			return oauth.Client{ID: "client-1", Secret: seal.NewSecret("client-secret")}, true
		}))
		w.Vendor, w.row = vendor, w.Connect(t, w.User)
		vendor.Handle(added, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Connection", "close")
			fmt.Fprint(rw, `{"title":"x"}`)
		})
		failures.Store(1)
		if _, err := w.invoke(t, "add_entry", `{"title":"x"}`); err != nil || len(vendor.Calls(added)) != 1 {
			t.Errorf("one failure to connect: %v, %d calls", err, len(vendor.Calls(added)))
		}
		failures.Store(2)
		_, err := w.invoke(t, "add_entry", `{"title":"x"}`, keyed("k"))
		if e := refused(t, err, problem.ProviderFailed); !e.Retryable || len(vendor.Calls(added)) != 1 {
			t.Errorf("two failures: %+v", e)
		}
		if got, err := w.invoke(t, "add_entry", `{"title":"x"}`, keyed("k")); err != nil || got.Replayed {
			t.Errorf("the key of a call that never arrived: %+v, %v", got, err)
		}
	})
}

func TestAWriteIsSentAgainWithARenewedToken(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Wait(2 * time.Minute)
		w.Vendor.Handle(added, func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer access-1" {
				rw.WriteHeader(http.StatusUnauthorized)
				return
			}
			fmt.Fprint(rw, `{"title":"x"}`)
		})
		if _, err := w.invoke(t, "add_entry", `{"title":"x"}`); err != nil || len(w.Vendor.Calls(added)) != 2 {
			t.Errorf("err = %v, %d calls", err, len(w.Vendor.Calls(added)))
		}
		w.Wait(2 * time.Minute)
		w.Vendor.Answer(added, http.StatusUnauthorized, `{}`)
		w.Vendor.Answer("login.example.com/token", http.StatusBadRequest, `{"error":"invalid_grant"}`)
		_, err := w.invoke(t, "add_entry", `{"title":"x"}`, keyed("k"))
		refused(t, err, problem.ReauthorizationRequired)
		w.Vendor.GrantAll()
		w.Connect(t, w.User)
		w.Vendor.Answer(added, http.StatusOK, `{"title":"x"}`)
		if got, err := w.invoke(t, "add_entry", `{"title":"x"}`, keyed("k")); err != nil || got.Replayed {
			t.Errorf("the key of a call that was not let in: %+v, %v", got, err)
		}
	})
}
