package query_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/sandbox"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
)

// TestTheShippedProvidersAnswerPeoplesQuestions asks the real manifests through everything that is real but the vendor.
func TestTheShippedProvidersAnswerPeoplesQuestions(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		box, err := sandbox.New(sandbox.Options{Now: func() time.Time { return integrationtest.Start }})
		if err != nil {
			t.Fatal(err)
		}
		if err := box.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = box.Close() })
		w := newWorld(s, integrationtest.Around(t, s, box.Redirect(), func(group string) (oauth.Client, bool) {
			return box.Client(group), true
		}))
		w.Visit = box.AuthorizeURL
		calendar, mail := consent(t, w, "google_calendar"), consent(t, w, "gmail")
		for _, c := range []struct {
			row        *ent.Integration
			text       string
			capability string
			least      int
		}{
			{calendar, "What meetings do I have tomorrow?", "list_events", 1},
			{calendar, "my last 3 meetings", "list_events", 3},
			{calendar, "meetings with Sarah this week", "search_events", 0},
			{calendar, "Am I free this week?", "free_busy", 0},
			{mail, "unread emails", "", 1},
			{mail, "last 5 emails", "", 5},
		} {
			w.row = c.row
			got := w.must(t, c.text)
			if len(got.Items) < c.least || c.capability != "" && got.Capability.Name != c.capability {
				t.Errorf("%s: %s gave %d items by %s", c.text, got.Capability.Name, len(got.Items), got.Plan.Request)
			}
			for _, item := range got.Items {
				if item.Title == "" || strings.HasPrefix(c.text, "last 5") && item.Fields["from"] == nil {
					t.Errorf("%s: %+v", c.text, item)
				}
			}
		}
	})
}

// consent connects a shipped provider for ada through the sandbox's consent page.
func consent(t *testing.T, w *world, name string) *ent.Integration {
	t.Helper()
	in := w.ConnectInput(w.User)
	in.Provider = name
	attempt, err := w.World.Service.Connect(w.Ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := browser.Get(attempt.AuthorizationURL + "&sandbox_consent=allow")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	back, err := url.Parse(res.Header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("the consent page sent the browser to %q, %v", res.Header.Get("Location"), err)
	}
	code := back.Query().Get("code")
	row, err := w.Callback(w.Ctx, integration.CallbackInput{
		UserID: &w.User.ID, Provider: name, Code: &code, State: back.Query().Get("state"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return row
}
