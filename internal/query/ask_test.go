package query_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/usagecounter"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/query"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	entries = "api.example.com/rooms/main/entries"
	notes   = "api.example.com/notes"
	hook    = "hook.example.com/ask"
)

// world is integrationtest's, with the room under test.
type world struct {
	*integrationtest.World
	*query.Service
	row *ent.Integration // ada's agenda
}

func run(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(s, integrationtest.New(t, s))
		w.row = w.Connect(t, w.User, "agenda.read", "agenda.notes")
		fn(t, w)
	})
}

func newWorld(s *store.Store, around *integrationtest.World) *world {
	return &world{World: around, Service: &query.Service{
		Store: s, Catalog: around.Catalog, Integrations: around.Service, Credentials: around.Credentials,
		Audit: around.Audit, Health: around.Health, Log: around.Log, Now: around.Now, NewID: around.NewID,
	}}
}

func (w *world) ask(text string, change ...func(*query.AskInput)) (*query.Result, error) {
	in := query.AskInput{IntegrationID: w.row.ID, Query: text, Limit: 20, Timeout: 10 * time.Second}
	for _, fn := range change {
		fn(&in)
	}
	return w.Ask(w.Ctx, in)
}

// shortly is a question that is soon answered.
func (w *world) shortly() query.AskInput {
	return query.AskInput{IntegrationID: w.row.ID, Query: "meetings", Limit: 1, Timeout: 10 * time.Second}
}

func (w *world) must(t *testing.T, text string, change ...func(*query.AskInput)) *query.Result {
	t.Helper()
	got, err := w.ask(text, change...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (w *world) asked(t *testing.T) []*ent.AuditEvent {
	t.Helper()
	return w.Events(t, audit.Query)
}

// queries returns how often the integration was asked today.
func (w *world) queries(t *testing.T) int64 {
	t.Helper()
	rows, err := w.World.Store.Client(w.Ctx).UsageCounter.Query().
		Where(usagecounter.IntegrationID(w.row.ID), usagecounter.Day("2026-11-22")).All(w.Ctx)
	if err != nil || len(rows) > 1 {
		t.Fatalf("%d counters, %v", len(rows), err)
	}
	if len(rows) == 0 {
		return 0
	}
	return rows[0].Queries
}

func refused(t *testing.T, err error, code problem.Code, field ...string) *problem.Error {
	t.Helper()
	all := problem.All(err)
	if len(all) == 0 || all[0].Code != code || strings.Join(all[0].Field, ".") != strings.Join(field, ".") {
		t.Fatalf("err = %v, want %s at %v", err, code, field)
	}
	return all[0]
}

func TestAQuestionIsAnsweredAndWrittenDown(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Answer(entries, http.StatusOK,
			`{"items":[{"title":"Stand-up","start":"2026-11-23T09:00:00Z","end":"2026-11-23T09:15:00Z","id":7}]}`)
		got := w.must(t, "What meetings do I have tomorrow?")
		if len(got.Items) != 1 || got.Items[0].Title != "Stand-up" || got.Items[0].Kind != "calendar_event" || got.Truncated {
			t.Errorf("items = %+v", got.Items)
		}
		if got.Capability.Name != "list_entries" || *got.Plan.Confidence <= 0 || len(got.Plan.MatchedPhrases) == 0 {
			t.Errorf("plan = %+v", got.Plan)
		}
		call := w.Vendor.Calls(entries)[0]
		if call.Query.Get("from") != "2026-11-23T00:00:00Z" || call.Query.Get("to") != "2026-11-24T00:00:00Z" ||
			call.Header.Get("Authorization") != "Bearer access-1" {
			t.Errorf("call = %+v", call)
		}
		if got.Plan.Arguments["start"] != "2026-11-23T00:00:00Z" ||
			!strings.HasPrefix(got.Plan.Request, "GET https://"+entries) ||
			strings.Contains(got.Plan.Request, "access-1") {
			t.Errorf("plan = %+v", got.Plan)
		}
		events := w.asked(t)
		if len(events) != 1 || !events[0].Succeeded || *events[0].Capability != "list_entries" ||
			*events[0].UserID != w.User.ID || *events[0].Query != "What meetings do I have tomorrow?" ||
			events[0].LatencyMs == nil || *events[0].IntegrationID != w.row.ID {
			t.Errorf("events = %v", events)
		}
		state := health.Of(got.Integration)
		if !got.Integration.LastUsedAt.Equal(w.World.Now()) || state.LastSucceededAt == nil ||
			state.Status != health.Healthy || w.queries(t) != 1 {
			t.Errorf("integration = %+v, %d queries", got.Integration, w.queries(t))
		}
	})
}

func TestTheAskersDayIsThatOfTheNearestZone(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		starts := func(change ...func(*query.AskInput)) string {
			t.Helper()
			return fmt.Sprint(w.must(t, "meetings tomorrow", change...).Plan.Arguments["start"])
		}
		if got := starts(); got != "2026-11-23T00:00:00Z" {
			t.Errorf("without a zone: %s", got)
		}
		err := w.World.Store.Client(w.Ctx).User.UpdateOneID(w.User.ID).
			SetMetadata(map[string]any{"timezone": "Europe/Zurich"}).Exec(w.Ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := starts(); got != "2026-11-23T00:00:00+01:00" {
			t.Errorf("the user's zone: %s", got)
		}
		tokyo := map[string]any{"timezone": "Asia/Tokyo"}
		if _, err := w.Update(w.Ctx, integration.UpdateInput{ID: w.row.ID, Config: tokyo}); err != nil {
			t.Fatal(err)
		}
		if got := starts(); got != "2026-11-23T00:00:00+09:00" {
			t.Errorf("the integration's zone: %s", got)
		}
		got := starts(func(in *query.AskInput) { in.Timezone = new("America/New_York") })
		if got != "2026-11-23T00:00:00-05:00" {
			t.Errorf("the question's zone: %s", got)
		}
	})
}

func TestADryRunSendsNothing(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		got := w.must(t, "meetings today", func(in *query.AskInput) { in.DryRun = true })
		if got.Plan.Request == "" || got.Items != nil || len(w.Vendor.Calls(entries)) != 0 || w.queries(t) != 0 {
			t.Errorf("result = %+v", got)
		}
		if got.LatencyMs != 0 || got.Capability == nil || got.Integration == nil {
			t.Errorf("result = %+v", got)
		}
		if _, err := w.ask("the weather", func(in *query.AskInput) { in.DryRun = true }); !problem.Is(err, problem.NoCapabilityMatched) {
			t.Errorf("a dry run that matches nothing: %v", err)
		}
		if events := w.asked(t); len(events) != 0 {
			t.Errorf("a dry run is in the trail as a question: %v", events)
		}
	})
}

func TestBadInputIsRefusedBeforeAnythingHappens(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		for field, change := range map[string]func(*query.AskInput){
			"integrationId":  func(in *query.AskInput) { in.IntegrationID = w.User.ID },
			"query":          func(in *query.AskInput) { in.Query = " \n" },
			"userId":         func(in *query.AskInput) { in.UserID = &w.row.ID },
			"personalityId":  func(in *query.AskInput) { in.PersonalityID = &w.row.ID },
			"conversationId": func(in *query.AskInput) { in.ConversationID = &w.row.ID },
			"limit":          func(in *query.AskInput) { in.Limit = 0 },
			"timeoutMs":      func(in *query.AskInput) { in.Timeout = 31 * time.Second },
			"timezone":       func(in *query.AskInput) { in.Timezone = new("../etc/passwd") },
		} {
			_, err := w.ask("meetings", change)
			refused(t, err, problem.Invalid, "input", field)
		}
		for field, change := range map[string]func(*query.AskInput){
			"query":     func(in *query.AskInput) { in.Query = strings.Repeat("meetings ", 300) },
			"limit":     func(in *query.AskInput) { in.Limit = 101 },
			"timeoutMs": func(in *query.AskInput) { in.Timeout = 99 * time.Millisecond },
			"timezone":  func(in *query.AskInput) { in.Timezone = new("Local") },
		} {
			_, err := w.ask("meetings", change)
			refused(t, err, problem.Invalid, "input", field)
		}
		_, err := w.ask("meetings", func(in *query.AskInput) { in.IntegrationID = w.World.NewID(id.Integration) })
		refused(t, err, problem.NotFound, "input", "integrationId")
		_, err = w.Ask(w.Foreign, w.shortly())
		refused(t, err, problem.NotFound, "input", "integrationId")
		v, _ := viewer.From(w.Ctx)
		v.Scopes = []viewer.Scope{viewer.IntegrationsRead}
		_, err = w.Ask(viewer.With(t.Context(), v), w.shortly())
		refused(t, err, problem.Forbidden)
		if len(w.asked(t)) != 0 || len(w.Vendor.Calls(entries)) != 0 {
			t.Error("something happened")
		}
	})
}

func TestWhoMayNotAskIsRefusedAndWrittenDown(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		change := func(in integration.UpdateInput) {
			t.Helper()
			in.ID = w.row.ID
			if _, err := w.Update(w.Ctx, in); err != nil {
				t.Fatal(err)
			}
		}
		as := func(in *query.AskInput) { in.PersonalityID = &w.Personality.ID }
		_, err := w.ask("meetings", func(in *query.AskInput) { in.UserID = &w.Other.ID })
		refused(t, err, problem.AccessDenied, "input", "userId")
		_, err = w.ask("meetings", func(in *query.AskInput) { in.PersonalityID = new(w.World.NewID(id.Personality)) })
		refused(t, err, problem.NotFound, "input", "personalityId")
		if _, err := w.SetPersonalityAccess(w.Ctx, integration.SetPersonalityAccessInput{
			IntegrationID: w.row.ID,
			Access:        []integration.PersonalityAccess{{PersonalityID: w.Personality.ID, Allowed: new(false)}},
		}); err != nil {
			t.Fatal(err)
		}
		_, err = w.ask("meetings", as)
		if e := refused(t, err, problem.AccessDenied, "input", "personalityId"); !strings.Contains(e.Message, "EXPLICIT") {
			t.Errorf("message = %s", e.Message)
		}
		if _, err := w.ask("meetings"); err != nil {
			t.Errorf("without a personality: %v", err)
		}
		change(integration.UpdateInput{Enabled: new(false)})
		_, err = w.ask("meetings", as)
		refused(t, err, problem.Disabled, "input", "integrationId")
		_, err = w.ask("Tell me a joke")
		refused(t, err, problem.Disabled, "input", "integrationId")
		change(integration.UpdateInput{Enabled: new(true)})
		_, err = w.ask("Tell me a joke")
		refused(t, err, problem.NoCapabilityMatched, "input", "query")
		codes := []string{}
		for _, e := range w.asked(t) {
			if e.ErrorCode != nil {
				codes = append(codes, *e.ErrorCode)
			}
		}
		want := "ACCESS_DENIED NOT_FOUND ACCESS_DENIED DISABLED DISABLED NO_CAPABILITY_MATCHED"
		if got := strings.Join(codes, " "); got != want {
			t.Errorf("trail = %s", got)
		}
		if n := len(w.Vendor.Calls(entries)); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestACapabilityWithoutItsScopeIsOff(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.row = w.Connect(t, w.Other)
		_, err := w.ask("notes about budget")
		e, _ := errors.AsType[*problem.Error](err)
		if !problem.Is(err, problem.MissingScopes) || strings.Join(e.Scopes, " ") != "agenda.notes" ||
			len(w.Vendor.Calls(notes)) != 0 {
			t.Errorf("err = %v", err)
		}
	})
}

func TestAnswersThatAreNoneAreToldInWords(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		big := `{"items":[` + strings.Repeat(`{"title":"x"},`, 700_000) + `{}]}`
		for name, c := range map[string]struct {
			status    int
			body      string
			code      problem.Code
			retryable bool
		}{
			"a web page":    {200, `<!doctype html><html>marked</html>`, problem.ProviderFailed, true},
			"nothing":       {200, ``, problem.ProviderFailed, true},
			"half":          {200, `{"items":[{"title":"mar`, problem.ProviderFailed, true},
			"a wrong shape": {200, `{"items":"marked"}`, problem.ProviderFailed, false},
			"too much":      {200, big, problem.ProviderFailed, false},
			"an outage":     {502, `marked`, problem.ProviderFailed, true},
			"a refusal":     {422, `{"marked":1}`, problem.ProviderFailed, false},
			"not there":     {404, `{}`, problem.ProviderFailed, false},
			"too many":      {429, `{}`, problem.ProviderRateLimited, true},
			"no scope":      {403, `{"error":"scope"}`, problem.MissingScopes, false},
		} {
			w.Vendor.Answer(entries, c.status, c.body)
			_, err := w.ask("meetings today")
			e, ok := errors.AsType[*problem.Error](err)
			if !ok || e.Code != c.code || e.Retryable != c.retryable || strings.Contains(e.Message, "marked") {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if c.code != problem.MissingScopes && e.Provider != integrationtest.Provider {
				t.Errorf("%s: provider = %q", name, e.Provider)
			}
		}
		for _, e := range w.asked(t) {
			if e.Succeeded || e.ErrorCode == nil || *e.Capability != "list_entries" {
				t.Errorf("event = %v", e)
			}
		}
		if len(w.asked(t)) != 10 || w.queries(t) != 10 || w.Reload(t, w.row).LastUsedAt != nil {
			t.Errorf("%d events, %d queries", len(w.asked(t)), w.queries(t))
		}
	})
}

func TestARateLimitSaysWhenToComeBack(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Handle(entries, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Retry-After", "17")
			rw.WriteHeader(http.StatusTooManyRequests)
		})
		_, err := w.ask("meetings today")
		if e, _ := errors.AsType[*problem.Error](err); e == nil || e.RetryAfter != 17*time.Second || e.HTTPStatus != 429 {
			t.Errorf("err = %v", err)
		}
	})
}

func TestASlowProviderIsNotWaitedForLongerThanAsked(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Handle(entries, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		_, err := w.ask("meetings today", func(in *query.AskInput) { in.Timeout = 100 * time.Millisecond })
		e := refused(t, err, problem.ProviderTimeout)
		if !e.Retryable || e.Provider != integrationtest.Provider {
			t.Errorf("err = %v", err)
		}
		if events := w.asked(t); len(events) != 1 || *events[0].ErrorCode != "PROVIDER_TIMEOUT" {
			t.Errorf("events = %v", events)
		}
	})
}

func TestACallerWhoLeavesIsWrittenDownToo(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		ctx, leave := context.WithCancel(w.Ctx)
		w.Vendor.Handle(entries, func(_ http.ResponseWriter, r *http.Request) {
			leave()
			<-r.Context().Done()
		})
		_, err := w.Ask(ctx, w.shortly())
		refused(t, err, problem.Timeout)
		if events := w.asked(t); len(events) != 1 || events[0].Succeeded {
			t.Errorf("events = %v", events)
		}
	})
}

func TestATokenThatIsRefusedIsRenewedOnceAndADeadGrantEnds(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Wait(2 * time.Minute)
		w.Vendor.Handle(entries, func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer access-1" {
				rw.WriteHeader(http.StatusUnauthorized)
				return
			}
			_, _ = rw.Write([]byte(`{"items":[]}`))
		})
		w.must(t, "meetings today")
		w.Wait(2 * time.Minute)
		w.Vendor.Answer(entries, http.StatusUnauthorized, `{}`)
		w.Vendor.Answer("login.example.com/token", http.StatusBadRequest, `{"error":"invalid_grant"}`)
		_, err := w.ask("meetings today")
		if e := refused(t, err, problem.ReauthorizationRequired); e.IntegrationID != w.row.ID {
			t.Errorf("err = %v", err)
		}
		if now := w.Reload(t, w.row); integration.StatusOf(now) != integration.Expired {
			t.Errorf("health = %+v", health.Of(now))
		}
		w.Vendor.GrantAll()
		if again := w.Connect(t, w.User); again.ID != w.row.ID {
			t.Error("another integration was connected")
		}
	})
}

// TestBehaviour09ExpiryIsWhatTheProviderSays has a vendor that says it with status 200, as its manifest knows, and one
// whose 403 and 404 say nothing of the kind.
func TestBehaviour09ExpiryIsWhatTheProviderSays(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Wait(2 * time.Minute)
		w.Vendor.Handle(entries, func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			if r.Header.Get("Authorization") == "Bearer access-1" {
				_, _ = rw.Write([]byte(`{"error":"token_gone"}`))
				return
			}
			_, _ = rw.Write([]byte(`{"items":[]}`))
		})
		w.must(t, "meetings today")
		if n := len(w.Vendor.Calls("login.example.com/token")); n != 2 || len(w.Vendor.Calls(entries)) != 2 {
			t.Errorf("%d token requests, %d questions", n, len(w.Vendor.Calls(entries)))
		}
		for _, status := range []int{http.StatusForbidden, http.StatusNotFound} {
			w.Vendor.Answer(entries, status, `{}`)
			if _, err := w.ask("meetings today"); err == nil || problem.Is(err, problem.ReauthorizationRequired) {
				t.Errorf("status %d: %v", status, err)
			}
		}
		if n := len(w.Vendor.Calls("login.example.com/token")); n != 2 {
			t.Errorf("%d token requests after answers that say nothing of the credential", n)
		}
		if now := w.Reload(t, w.row); integration.StatusOf(now) != integration.Connected {
			t.Errorf("health = %+v", health.Of(now))
		}
	})
}

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

func TestAWebhookReceivesExactlyTheContractAndAProof(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		created := w.Webhook(t)
		w.row = created.Integration
		w.Vendor.Answer(hook, http.StatusOK, `{"results":[{"content":"Shipped","structured_data":{"number":42}}]}`)
		conversation := strings.Replace(w.World.NewID(id.User), "user_", "conv_", 1)
		got := w.must(t, "What is the order status of 42?", func(in *query.AskInput) {
			in.UserID, in.PersonalityID, in.ConversationID = &w.User.ID, &w.Personality.ID, &conversation
		})
		if got.Capability.Name != "order_status" || len(got.Items) != 1 || got.Items[0].Content != "Shipped" ||
			got.Items[0].Data["number"] == nil || got.Items[0].Kind != "custom_record" {
			t.Errorf("result = %+v", got)
		}
		call := w.Vendor.Calls(hook)[0]
		var body map[string]any
		if err := json.Unmarshal([]byte(call.Body), &body); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"capability": "order_status", "query": "What is the order status of 42?",
			"user":    map[string]any{"user_id": w.User.ID, "external_id": "ada"},
			"context": map[string]any{"conversation_id": conversation, "personality_id": w.Personality.ID},
		}
		if fmt.Sprint(body) != fmt.Sprint(want) || call.Method != http.MethodPost {
			t.Errorf("body = %v", body)
		}
		proof := provider.Sign(created.SigningSecret, call.Header.Get("Patchbay-Timestamp"), []byte(call.Body))
		if call.Header.Get("Authorization") != "Bearer hook-token" || call.Header.Get("Patchbay-Signature") != proof {
			t.Errorf("headers = %v", call.Header)
		}
		if proof == provider.Sign(seal.NewSecret("another"), call.Header.Get("Patchbay-Timestamp"), []byte(call.Body)) {
			t.Error("any key signs the same")
		}
		if state := health.Of(w.Reload(t, w.row)); state.Status != health.Healthy || state.Reason != health.OK {
			t.Errorf("health = %+v", state)
		}
		if got := w.must(t, "Where is my order?"); got.Capability.Name != "orders" {
			t.Errorf("capability = %s", got.Capability.Name)
		}
		w.Vendor.Answer(hook, http.StatusOK, `{"answer":"Shipped"}`)
		_, err := w.ask("Where is my order?")
		if e, _ := errors.AsType[*problem.Error](err); e == nil || e.Code != problem.ProviderFailed || e.Retryable {
			t.Errorf("a wrong shape: %v", err)
		}
	})
}

func TestAWebhookThatFailsThreeTimesIsDegradedUntilItAnswers(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.row = w.Webhook(t).Integration
		w.Vendor.Answer(hook, http.StatusOK, `{"results":[]}`)
		w.must(t, "order 1")
		w.Vendor.Answer(hook, http.StatusBadGateway, `down`)
		for i := range 3 {
			if state := health.Of(w.Reload(t, w.row)); state.Status != health.Healthy {
				t.Errorf("after %d failures: %+v", i, state)
			}
			if _, err := w.ask("order 1"); !problem.Is(err, problem.ProviderFailed) {
				t.Errorf("err = %v", err)
			}
		}
		if state := health.Of(w.Reload(t, w.row)); state.Status != health.Degraded || state.Reason != health.ProviderError {
			t.Errorf("after three failures: %+v", state)
		}
		w.Vendor.Answer(hook, http.StatusOK, `{"results":[]}`)
		w.must(t, "order 1")
		if state := health.Of(w.Reload(t, w.row)); state.Status != health.Healthy {
			t.Errorf("after an answer: %+v", state)
		}
		w.Vendor.Answer(hook, http.StatusUnauthorized, `{}`)
		if _, err := w.ask("order 1"); !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("err = %v", err)
		}
		if state := health.Of(w.Reload(t, w.row)); state.Reason != health.CredentialRejected ||
			state.Action != health.UpdateConfig {
			t.Errorf("after a refusal: %+v", state)
		}
	})
}

func TestAWebhookWithoutItsSecretIsNotCalled(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.row = w.Webhook(t).Integration
		removed := map[string]any{"TOKEN": nil}
		if _, err := w.Update(w.Ctx, integration.UpdateInput{ID: w.row.ID, Secrets: removed}); err != nil {
			t.Fatal(err)
		}
		_, err := w.ask("order 1")
		refused(t, err, problem.Disabled, "input", "integrationId")
		if len(w.Vendor.Calls(hook)) != 0 {
			t.Error("the webhook was called")
		}
	})
}

func TestAnIntegrationWithoutItsConsentAsksForIt(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		made, err := w.Create(w.Ctx, integration.CreateInput{
			UserID: &w.User.ID, Provider: integrationtest.Provider, Name: "Agenda", Enabled: true,
			Visibility: integration.Private,
		})
		if err != nil {
			t.Fatal(err)
		}
		w.row = made.Integration
		_, err = w.ask("meetings")
		if e := refused(t, err, problem.ReauthorizationRequired); e.IntegrationID != w.row.ID {
			t.Errorf("err = %v", err)
		}
	})
}

func TestNoQuestionIsAskedInsideATransaction(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		err := w.World.Store.InTx(w.Ctx, func(ctx context.Context) error {
			_, err := w.Ask(ctx, w.shortly())
			return err
		})
		if err == nil || len(w.Vendor.Calls(entries)) != 0 {
			t.Errorf("err = %v, %d calls", err, len(w.Vendor.Calls(entries)))
		}
	})
}

func TestThirtyQuestionsAtOnceAreAllCounted(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		var all sync.WaitGroup
		for range 30 {
			all.Go(func() {
				if _, err := w.ask("meetings today"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if w.queries(t) != 30 || len(w.asked(t)) != 30 {
			t.Errorf("%d counted, %d in the trail", w.queries(t), len(w.asked(t)))
		}
	})
}

func TestAnIntegrationThatIsDisconnectedMeanwhileGivesNoAnswer(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.Vendor.Handle(entries, func(rw http.ResponseWriter, _ *http.Request) {
			if _, err := w.Disconnect(w.Ctx, w.row.ID); err != nil {
				t.Error(err)
			}
			_, _ = rw.Write([]byte(`{"items":[]}`))
		})
		_, err := w.ask("meetings today")
		refused(t, err, problem.NotFound, "input", "integrationId")
	})
}

func TestAQuestionTakesFewStatements(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.must(t, "meetings today")
		ctx, counter := store.CountStatements(w.Ctx)
		if _, err := w.Ask(ctx, w.shortly()); err != nil {
			t.Fatal(err)
		}
		if n := counter.Count(); n > 8 {
			t.Errorf("%d statements:\n%s", n, strings.Join(counter.Queries(), "\n"))
		}
	})
}
