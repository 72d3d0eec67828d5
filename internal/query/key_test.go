package query_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/query"
	"github.com/patchbay/patchbay/internal/viewer"
)

// keyed gives a call an idempotency key.
func keyed(key string) func(*query.InvokeInput) {
	return func(in *query.InvokeInput) { in.IdempotencyKey = &key }
}

func (w *world) keys(t *testing.T) []*ent.Invocation {
	t.Helper()
	rows, err := w.World.Store.Client(w.Ctx).Invocation.Query().All(w.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestARepeatedCallIsNotSentAgain(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Answer(added, http.StatusOK, `{"title":"answer-1"}`)
		call := func() (*query.Result, error) {
			return w.invoke(t, "add_entry", `{"title":"argument-1"}`, keyed("secret-key"))
		}
		if got, err := call(); err != nil || got.Replayed {
			t.Fatalf("first: %+v, %v", got, err)
		}
		w.Wait(23 * time.Hour)
		got, err := call()
		if err != nil || !got.Replayed || got.Items != nil || got.Integration != nil || len(w.Vendor.Calls(added)) != 1 {
			t.Errorf("again: %+v, %v", got, err)
		}
		events := w.invoked(t)
		if len(events) != 2 || events[1].Details["replayed"] != true || !events[1].Succeeded || w.queries(t) != 1 {
			t.Errorf("events = %v, %d queries", events, w.queries(t))
		}
		row := w.keys(t)[0]
		kept := fmt.Sprint(row.KeyHash, row.CallHash, row.State, row.ErrorCode, row)
		for _, secret := range []string{"secret-key", "argument-1", "answer-1", "add_entry"} {
			if strings.Contains(kept, secret) {
				t.Errorf("the row holds %s: %s", secret, kept)
			}
		}
		w.Wait(time.Hour)
		if got, err := call(); err != nil || got.Replayed || len(w.Vendor.Calls(added)) != 2 || len(w.keys(t)) != 1 {
			t.Errorf("after a day: %+v, %v", got, err)
		}
	})
}

func TestAKeyIsForOneCallOfOneIntegration(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Answer(added, http.StatusOK, `{"title":"x"}`)
		w.Vendor.Answer(room, http.StatusOK, `{}`)
		must := func(arguments string) {
			t.Helper()
			if got, err := w.invoke(t, "add_entry", arguments, keyed("k")); err != nil || got.Replayed {
				t.Fatalf("%+v, %v", got, err)
			}
		}
		must(`{"title":"x","guests":["bob","eve"]}`)
		if got, err := w.invoke(t, "add_entry", `{"guests":["bob","eve"],"title":"x"}`, keyed("k")); err != nil || !got.Replayed {
			t.Errorf("in another order: %+v, %v", got, err)
		}
		for name, other := range map[string][2]string{
			"another argument":   {"add_entry", `{"title":"y","guests":["bob","eve"]}`},
			"another order":      {"add_entry", `{"title":"x","guests":["eve","bob"]}`},
			"less":               {"add_entry", `{"title":"x"}`},
			"another capability": {"set_room", `{"id":7,"room":"Curie"}`},
		} {
			_, err := w.invoke(t, other[0], other[1], keyed("k"))
			if e := refused(t, err, problem.Invalid, "input", "idempotencyKey"); !strings.Contains(e.Message, "another call") {
				t.Errorf("%s: %s", name, e.Message)
			}
		}
		w.row = w.Connect(t, w.Other)
		must(`{"title":"y"}`)
		if len(w.Vendor.Calls(added)) != 2 || len(w.Vendor.Calls(room)) != 0 {
			t.Errorf("%d and %d calls", len(w.Vendor.Calls(added)), len(w.Vendor.Calls(room)))
		}
		w.row = w.Webhook(t).Integration // the company's, used for several users
		w.Vendor.Answer(hook, http.StatusOK, `{"results":[]}`)
		as := func(user string) func(*query.InvokeInput) { return func(in *query.InvokeInput) { in.UserID = &user } }
		if _, err := w.invoke(t, "orders", `{}`, keyed("k"), as(w.User.ID)); err != nil {
			t.Fatal(err)
		}
		_, err := w.invoke(t, "orders", `{}`, keyed("k"), as(w.Other.ID))
		refused(t, err, problem.Invalid, "input", "idempotencyKey")
	})
}

func TestOfManyCallsWithOneKeyOneIsSent(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		hold := make(chan struct{})
		w.Vendor.Handle(added, func(rw http.ResponseWriter, _ *http.Request) { <-hold; fmt.Fprint(rw, `{"title":"x"}`) })
		var all sync.WaitGroup
		var sent, taken atomic.Int32
		for range 20 {
			all.Go(func() {
				got, err := w.invoke(t, "add_entry", `{"title":"x"}`, keyed("k"))
				switch {
				case err == nil && !got.Replayed:
					sent.Add(1)
				case problem.Is(err, problem.Taken):
					if taken.Add(1) == 19 {
						close(hold) // all others have been told
					}
				default:
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
		all.Wait()
		if sent.Load() != 1 || taken.Load() != 19 || len(w.Vendor.Calls(added)) != 1 {
			t.Errorf("%d were sent, %d were told to wait", sent.Load(), taken.Load())
		}
		if got, err := w.invoke(t, "add_entry", `{"title":"x"}`, keyed("k")); err != nil || !got.Replayed {
			t.Errorf("later: %+v, %v", got, err)
		}
	})
}

func TestWhatWasNotDoneLeavesItsKeyFree(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		for name, fail := range map[string]func() problem.Code{
			"too many":     func() problem.Code { w.Vendor.Answer(added, 429, `{}`); return problem.ProviderRateLimited },
			"no scope":     func() problem.Code { w.Vendor.Answer(added, 403, `{"error":"scope"}`); return problem.MissingScopes },
			"bad argument": func() problem.Code { w.Vendor.Answer(added, 200, `{}`); return "" },
		} {
			want := fail()
			if name == "bad argument" {
				_, err := w.invoke(t, "add_entry", `{}`, keyed(name))
				refused(t, err, problem.Invalid, "input", "arguments", "title")
			} else if _, err := w.invoke(t, "add_entry", `{"title":"x"}`, keyed(name)); !problem.Is(err, want) {
				t.Errorf("%s: %v", name, err)
			}
			if len(w.keys(t)) != 0 {
				t.Errorf("%s: the key is taken", name)
			}
		}
		w.Vendor.Answer(room, http.StatusUnprocessableEntity, `{}`)
		if _, err := w.invoke(t, "set_room", `{"id":7,"room":"x"}`, keyed("k")); !problem.Is(err, problem.ProviderFailed) {
			t.Error(err)
		}
		if len(w.keys(t)) != 0 {
			t.Error("the key of a write that may be repeated is taken by its failure")
		}
	})
}

func TestARefusalIsRepeatedWithoutSending(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Answer(added, http.StatusUnprocessableEntity, `{}`)
		call := func(key string) error { _, err := w.invoke(t, "add_entry", `{"title":"x"}`, keyed(key)); return err }
		refused(t, call("k"), problem.ProviderFailed)
		w.Vendor.Answer(added, http.StatusOK, `{"title":"x"}`)
		e := refused(t, call("k"), problem.ProviderFailed, "input", "idempotencyKey")
		if e.Retryable || !strings.Contains(e.Message, "new key") || len(w.Vendor.Calls(added)) != 1 {
			t.Errorf("err = %+v", e)
		}
		if err := call("another"); err != nil || len(w.Vendor.Calls(added)) != 2 {
			t.Errorf("a new key: %v", err)
		}
	})
}

func TestAnUnknownOutcomeIsNotSentAgain(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Handle(added, hangUp)
		call := func() error { _, err := w.invoke(t, "add_entry", `{"title":"x"}`, keyed("k")); return err }
		refused(t, call(), problem.OutcomeUnknown)
		w.Vendor.Answer(added, http.StatusOK, `{"title":"x"}`)
		for range 2 {
			e := refused(t, call(), problem.OutcomeUnknown, "input", "idempotencyKey")
			if !strings.Contains(e.Message, "look at Acme Agenda") || !strings.Contains(e.Message, "2026-11-23T09:00:00Z") {
				t.Errorf("message = %q", e.Message)
			}
			w.Wait(time.Hour)
		}
		if len(w.Vendor.Calls(added)) != 1 {
			t.Errorf("%d calls", len(w.Vendor.Calls(added)))
		}
		w.Wait(22 * time.Hour)
		if err := call(); err != nil {
			t.Errorf("after the key has ended: %v", err)
		}
	})
}

// crash leaves the only key as a process does that is killed before it could note what became of the call.
func (w *world) crash(t *testing.T) {
	t.Helper()
	if err := w.World.Store.Client(w.Ctx).Invocation.Update().SetState("running").Exec(w.Ctx); err != nil {
		t.Fatal(err)
	}
}

func TestAKilledProcessLeavesAnUnknownOutcome(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Answer(added, http.StatusOK, `{"title":"x"}`)
		w.Vendor.Answer(room, http.StatusNoContent, ``)
		write := func() error { _, err := w.invoke(t, "add_entry", `{"title":"x"}`, keyed("k")); return err }
		repeatable := func() error { _, err := w.invoke(t, "set_room", `{"id":7,"room":"x"}`, keyed("r")); return err }
		for _, call := range []func() error{write, repeatable} {
			if err := call(); err != nil {
				t.Fatal(err)
			}
		}
		w.crash(t)
		for _, call := range []func() error{write, repeatable} { // who knows: it may be under way
			refused(t, call(), problem.Taken, "input", "idempotencyKey")
		}
		w.Wait(2 * time.Minute)
		refused(t, write(), problem.OutcomeUnknown, "input", "idempotencyKey")
		if err := repeatable(); err != nil || len(w.Vendor.Calls(room)) != 2 || len(w.Vendor.Calls(added)) != 1 {
			t.Errorf("what does no harm twice: %v, %d calls", err, len(w.Vendor.Calls(room)))
		}
	})
}

func TestKeysThatHaveEndedAreDeleted(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Answer(added, http.StatusOK, `{"title":"x"}`)
		for i := range 5 {
			if _, err := w.invoke(t, "add_entry", `{"title":"x"}`, keyed(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
			w.Wait(time.Hour)
		}
		prune := func(limit, want int) {
			t.Helper()
			if n, err := w.PruneKeys(viewer.System(t.Context()), w.World.Now(), limit); err != nil || n != want {
				t.Errorf("%d of %d were deleted, %v", n, want, err)
			}
		}
		prune(100, 0)
		w.Wait(21*time.Hour + time.Minute) // the first three are older than a day
		prune(2, 2)
		prune(2, 1)
		prune(2, 0)
		if n := len(w.keys(t)); n != 2 {
			t.Errorf("%d are left", n)
		}
	})
}

func TestADisconnectedIntegrationTakesItsKeysAlong(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Answer(added, http.StatusOK, `{"title":"x"}`)
		if _, err := w.invoke(t, "add_entry", `{"title":"x"}`, keyed("k")); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Disconnect(w.Ctx, w.row.ID); err != nil || len(w.keys(t)) != 0 {
			t.Errorf("%v, %d keys", err, len(w.keys(t)))
		}
	})
}
