package query_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/query"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

const (
	added = "api.example.com/entries"
	room  = "api.example.com/entries/7/room"
)

// args are the arguments of a call, in JSON.
func args(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func (w *world) invoke(t *testing.T, name, arguments string, change ...func(*query.InvokeInput)) (*query.Result, error) {
	t.Helper()
	in := query.InvokeInput{
		IntegrationID: w.row.ID, Capability: name, Arguments: args(t, arguments), Timeout: patience,
	}
	for _, fn := range change {
		fn(&in)
	}
	return w.Invoke(w.Ctx, in)
}

func (w *world) invoked(t *testing.T) []*ent.AuditEvent {
	t.Helper()
	return w.Events(t, audit.Invoked)
}

func TestAWriteRunsByItsNameAndIsWrittenDown(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Answer(added, http.StatusCreated, `{"title":"Stand-up","id":7}`)
		got, err := w.invoke(t, "add_entry", `{"title":"Stand-up","guests":["bob"]}`)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Items) != 1 || got.Items[0].Title != "Stand-up" || got.Plan.Confidence != nil || got.Replayed ||
			got.Plan.Request != "POST https://"+added || got.Capability.Name != "add_entry" {
			t.Errorf("result = %+v", got)
		}
		call := w.Vendor.Calls(added)[0]
		if call.Method != http.MethodPost || call.Header.Get("Authorization") != "Bearer access-1" ||
			fmt.Sprint(args(t, call.Body)) != `map[guests:[bob] title:Stand-up]` {
			t.Errorf("call = %+v", call)
		}
		events := w.invoked(t)
		if len(events) != 1 || !events[0].Succeeded || *events[0].Capability != "add_entry" || events[0].Query != nil ||
			*events[0].UserID != w.User.ID || events[0].LatencyMs == nil ||
			fmt.Sprint(events[0].Details["arguments"]) != "[guests title]" ||
			strings.Contains(fmt.Sprint(events[0].Details), "Stand-up") {
			t.Errorf("events = %v", events)
		}
		state := health.Of(got.Integration)
		if !got.Integration.LastUsedAt.Equal(w.World.Now()) || state.Status != health.Healthy || w.queries(t) != 1 {
			t.Errorf("integration = %+v, %d queries", got.Integration, w.queries(t))
		}
		if len(w.asked(t)) != 0 {
			t.Error("it is in the trail as a question too")
		}
	})
}

func TestAQuestionNeverChoosesAWrite(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		for _, text := range []string{"add", "add an entry", "Add meeting with Bob"} {
			got, err := w.ask(text)
			if err == nil && got.Capability.Effect != "read" {
				t.Errorf("%q chose %s", text, got.Capability.Name)
			}
		}
		if len(w.Vendor.Calls(added)) != 0 {
			t.Error("something was added")
		}
	})
}

func TestAReadByNameHasTheDefaultsOfAQuestion(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		got, err := w.invoke(t, "list_entries", `{}`)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Plan.Arguments) != 0 || got.Plan.Arguments == nil {
			t.Errorf("arguments = %v", got.Plan.Arguments)
		}
		if _, err := w.invoke(t, "list_entries", `{"limit":3}`); err != nil {
			t.Fatal(err)
		}
		calls := w.Vendor.Calls(entries)
		if calls[0].Query.Get("from") != "2026-11-22T00:00:00Z" || calls[0].Query.Get("to") != "2026-11-29T00:00:00Z" ||
			calls[0].Query.Get("limit") != "20" || calls[1].Query.Get("limit") != "3" {
			t.Errorf("calls = %+v", calls)
		}
		w.Vendor.Answer(entries, http.StatusOK, `{"items":[{"title":"a"},{"title":"b"},{"title":"c"}]}`)
		if got, err = w.invoke(t, "list_entries", `{"limit":2}`); err != nil || len(got.Items) != 2 || !got.Truncated {
			t.Errorf("result = %+v, %v", got, err)
		}
	})
}

func TestACallThatCannotBeMadeIsRefusedBeforeAnythingIsSent(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		for field, change := range map[string]func(*query.InvokeInput){
			"integrationId":  func(in *query.InvokeInput) { in.IntegrationID = w.User.ID },
			"capability":     func(in *query.InvokeInput) { in.Capability = " " },
			"userId":         func(in *query.InvokeInput) { in.UserID = &w.row.ID },
			"personalityId":  func(in *query.InvokeInput) { in.PersonalityID = &w.row.ID },
			"conversationId": func(in *query.InvokeInput) { in.ConversationID = &w.row.ID },
			"timeoutMs":      func(in *query.InvokeInput) { in.Timeout = 31 * time.Second },
			"idempotencyKey": func(in *query.InvokeInput) { in.IdempotencyKey = new("") },
		} {
			_, err := w.invoke(t, "add_entry", `{"title":"x"}`, change)
			refused(t, err, problem.Invalid, "input", field)
		}
		for _, key := range []string{strings.Repeat("k", 256), "a\nb", "a\x00", "\u202e", "\xff"} {
			_, err := w.invoke(t, "add_entry", `{"title":"x"}`, func(in *query.InvokeInput) { in.IdempotencyKey = &key })
			if e := refused(t, err, problem.Invalid, "input", "idempotencyKey"); strings.Contains(e.Message, key) {
				t.Errorf("the message repeats the key: %q", e.Message)
			}
		}
		v, _ := viewer.From(w.Ctx)
		v.Scopes = []viewer.Scope{viewer.IntegrationsWrite}
		in := query.InvokeInput{
			IntegrationID: w.row.ID, Capability: "add_entry", Arguments: args(t, `{"title":"x"}`), Timeout: patience,
		}
		_, err := w.Invoke(viewer.With(t.Context(), v), in)
		refused(t, err, problem.Forbidden)
		_, err = w.Invoke(w.Foreign, in)
		refused(t, err, problem.NotFound, "input", "integrationId")
		if len(w.invoked(t)) != 0 {
			t.Error("something is in the trail")
		}

		_, err = w.invoke(t, "drop_table", `{}`)
		if e := refused(t, err, problem.NotFound, "input", "capability"); !strings.Contains(e.Message, "add_entry, set_room") ||
			strings.Contains(e.Message, "drop_table") {
			t.Errorf("message = %q", e.Message)
		}
		_, err = w.invoke(t, "add_entry", `{"start":"noon","titel":"secret-1"}`)
		got := []string{}
		for _, e := range problem.All(err) {
			got = append(got, string(e.Code)+" "+strings.Join(e.Field, "."))
		}
		if want := "INVALID input.arguments.start, INVALID input.arguments.titel, INVALID input.arguments.title"; strings.Join(got, ", ") != want {
			t.Errorf("faults = %v", got)
		}
		_, err = w.invoke(t, "add_entry", `{"title":"nothing"}`)
		if e := refused(t, err, problem.Invalid, "input", "arguments"); e.Message != "Say what the entry is about." {
			t.Errorf("message = %q", e.Message)
		}
		_, err = w.invoke(t, "add_entry", `{"title":"x"}`, func(in *query.InvokeInput) { in.UserID = &w.Other.ID })
		refused(t, err, problem.AccessDenied, "input", "userId")
		off := false
		if _, err := w.Update(w.Ctx, integration.UpdateInput{ID: w.row.ID, Enabled: &off}); err != nil {
			t.Fatal(err)
		}
		_, err = w.invoke(t, "add_entry", `{"title":"x"}`)
		refused(t, err, problem.Disabled, "input", "integrationId")
		w.row = w.Connect(t, w.Other) // without agenda.notes
		_, err = w.invoke(t, "search_notes", `{}`)
		refused(t, err, problem.MissingScopes)

		codes := []string{}
		for _, e := range w.invoked(t) {
			codes = append(codes, *e.ErrorCode)
			if strings.Contains(fmt.Sprint(e.Details), "titel") {
				t.Errorf("the trail holds what the caller made up: %v", e.Details)
			}
		}
		want := "NOT_FOUND INVALID INVALID ACCESS_DENIED DISABLED MISSING_SCOPES"
		if strings.Join(codes, " ") != want || len(w.Vendor.Calls(added)) != 0 || w.queries(t) != 0 {
			t.Errorf("trail = %v", codes)
		}
	})
}

// once answers the first request in one way and all others in another.
func once(first, later http.HandlerFunc) http.HandlerFunc {
	var n atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 1 {
			first(w, r)
			return
		}
		later(w, r)
	}
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); fmt.Fprint(w, body) }
}

// hangUp ends the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestAWriteGoesOnWhenItsCallerLeaves(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		ctx, leave := context.WithCancel(w.Ctx)
		w.Vendor.Handle(added, func(rw http.ResponseWriter, _ *http.Request) {
			leave()
			fmt.Fprint(rw, `{"title":"x"}`)
		})
		in := query.InvokeInput{
			IntegrationID: w.row.ID, Capability: "add_entry", Arguments: args(t, `{"title":"x"}`), Timeout: patience,
			IdempotencyKey: new("k"),
		}
		if _, err := w.Invoke(ctx, in); err != nil {
			t.Errorf("err = %v", err)
		}
		if got, err := w.Invoke(w.Ctx, in); err != nil || !got.Replayed || len(w.Vendor.Calls(added)) != 1 {
			t.Errorf("repeated: %+v, %v", got, err)
		}
	})
}

func TestAWriteWhoseLookupFailsWasNotDone(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		const assign = "api.example.com/tasks/3/assign"
		w.Vendor.Handle(people, once(hangUp, says(200, `{"people":[{"name":"Sarah","id":"p7"}]}`)))
		w.Vendor.Answer(assign, http.StatusOK, `{}`)
		got, err := w.invoke(t, "assign_task", `{"task":3,"person":"Sarah"}`, keyed("k"))
		if err != nil || got.Items[0].Fields["assignee"] != "p7" || len(w.Vendor.Calls(assign)) != 1 {
			t.Errorf("result = %+v, %v", got, err)
		}
		_, err = w.invoke(t, "assign_task", `{"task":3,"person":"Tom"}`, keyed("other"))
		refused(t, err, problem.NotFound, "input", "arguments")
		w.Vendor.Answer(people, http.StatusBadGateway, ``)
		_, err = w.invoke(t, "assign_task", `{"task":3,"person":"Tom"}`, keyed("other"))
		if e := refused(t, err, problem.ProviderFailed); !e.Retryable {
			t.Errorf("err = %v", err)
		}
	})
}

func TestAWriteThatWasDoneIsToldThoughItsIntegrationIsGone(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Handle(added, func(rw http.ResponseWriter, _ *http.Request) {
			if _, err := w.Disconnect(w.Ctx, w.row.ID); err != nil {
				t.Error(err)
			}
			fmt.Fprint(rw, `{"title":"x"}`)
		})
		got, err := w.invoke(t, "add_entry", `{"title":"x"}`, keyed("k"))
		if err != nil || len(got.Items) != 1 || got.Integration.ID != w.row.ID {
			t.Errorf("result = %+v, %v", got, err)
		}
		if events := w.invoked(t); len(events) != 1 || !events[0].Succeeded {
			t.Errorf("events = %v", events)
		}
	})
}

func TestAWriteThatCannotBeWrittenDownIsNotCalledFailed(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Answer(added, http.StatusOK, `{"title":"x"}`)
		taken := w.Events(t, audit.Connected)[0].ID
		good := w.Service.Audit
		w.Service.Audit = &audit.Service{
			Store: w.World.Store, Now: w.World.Now, NewID: func(id.Kind) string { return taken },
		}
		call := func() error { _, err := w.invoke(t, "add_entry", `{"title":"x"}`, keyed("k")); return err }
		e := refused(t, call(), problem.OutcomeUnknown)
		if e.Retryable || !strings.Contains(e.Message, "Acme Agenda has answered") || strings.Contains(e.Message, taken) {
			t.Errorf("err = %+v", e)
		}
		w.Service.Audit = good
		w.Wait(2 * time.Minute)
		refused(t, call(), problem.OutcomeUnknown, "input", "idempotencyKey")
		if len(w.Vendor.Calls(added)) != 1 || w.queries(t) != 0 {
			t.Errorf("%d calls", len(w.Vendor.Calls(added)))
		}
	})
}

func TestAFailedWriteIsEvidenceWhereNothingElseIs(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.row = w.Webhook(t).Integration
		w.Vendor.Answer(hook, http.StatusBadGateway, `down`)
		for range 3 {
			if _, err := w.invoke(t, "orders", `{}`); !problem.Is(err, problem.ProviderFailed) {
				t.Errorf("err = %v", err)
			}
		}
		if state := health.Of(w.Reload(t, w.row)); state.Status != health.Degraded || state.Reason != health.ProviderError {
			t.Errorf("health = %+v", state)
		}
	})
}

func TestACallByNameTakesFewStatements(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Answer(added, http.StatusOK, `{"title":"x"}`)
		count := func(change ...func(*query.InvokeInput)) *store.Counter {
			in := query.InvokeInput{
				IntegrationID: w.row.ID, Capability: "add_entry", Arguments: args(t, `{"title":"x"}`), Timeout: patience,
			}
			for _, fn := range change {
				fn(&in)
			}
			ctx, counter := store.CountStatements(w.Ctx)
			if _, err := w.Invoke(ctx, in); err != nil {
				t.Fatal(err)
			}
			return counter
		}
		count()
		if c := count(); c.Count() > 8 {
			t.Errorf("%d statements:\n%s", c.Count(), strings.Join(c.Queries(), "\n"))
		}
		if c := count(keyed("k")); c.Count() > 12 {
			t.Errorf("%d statements with a key:\n%s", c.Count(), strings.Join(c.Queries(), "\n"))
		}
		if c := count(keyed("k")); c.Count() > 5 {
			t.Errorf("%d statements for a replay:\n%s", c.Count(), strings.Join(c.Queries(), "\n"))
		}
	})
}
