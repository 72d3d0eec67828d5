package query_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/query"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

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
