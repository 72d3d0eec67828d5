package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/sandbox"
	"github.com/patchbay/patchbay/internal/seal"
)

// described are Google's own descriptions of what the sandbox plays.
var described = map[string]string{
	"calendar": "google_calendar/calendar-v3.openapi.json", "mail": "gmail/gmail-v1.openapi.json",
}

func description(t *testing.T, name string) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(
		filepath.Join("..", "provider", "catalog", "testdata", "specs", described[name]))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestAnswersAreWhatGoogleDescribes(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly", "gmail.readonly")
	mailID := w.search(tok.Access, "has:attachment")[0]
	var attachment string
	for _, p := range w.message(tok.Access, mailID, "").Payload.leaves() {
		attachment += p.Body.AttachmentID
	}
	freeBusy := `{"timeMin":"2026-11-20T00:00:00Z","timeMax":"2026-12-24T00:00:00Z","items":[{"id":"primary"},{"id":"x"}]}`
	const window = "timeMin=2026-11-01T00:00:00Z&timeMax=2027-02-01T00:00:00Z"
	for name, calls := range map[string][]struct {
		path, body string
		status     int
	}{
		"calendar": {
			{calendarBase + "/users/me/calendarList", "", 200},
			{calendarBase + "/users/me/calendarList/primary", "", 200},
			{calendarBase + "/users/me/settings/timezone", "", 200},
			{calendarBase + "/calendars/primary/events?" + window, "", 200},
			{calendarBase + "/calendars/primary/events?singleEvents=true&orderBy=startTime&maxResults=50&" + window, "", 200},
			{calendarBase + "/calendars/primary/events/budget", "", 200},
			{calendarBase + "/calendars/primary/events/nothing", "", 404},
			{calendarBase + "/calendars/primary/events?orderBy=startTime", "", 400},
			{calendarBase + "/freeBusy", freeBusy, 200},
		},
		"mail": {
			{mailBase + "/profile", "", 200},
			{mailBase + "/labels", "", 200},
			{mailBase + "/messages", "", 200},
			{mailBase + "/messages?q=zebra", "", 200},
			{mailBase + "/messages?maxResults=5&q=from:sarah", "", 200},
			{mailBase + "/messages/" + mailID, "", 200},
			{mailBase + "/messages/" + mailID + "?format=raw", "", 200},
			{mailBase + "/messages/" + mailID + "?format=metadata&metadataHeaders=From&metadataHeaders=To", "", 200},
			{mailBase + "/messages/" + mailID + "/attachments/" + attachment, "", 200},
			{mailBase + "/messages/0000000000000001", "", 404},
		},
	} {
		router, err := gorillamux.NewRouter(description(t, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range calls {
			method := http.MethodGet
			if c.body != "" {
				method = http.MethodPost
			}
			req, err := http.NewRequestWithContext(t.Context(), method, c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Authorization", "Bearer "+tok.Access.Reveal())
			route, params, err := router.FindRoute(req)
			if err != nil {
				t.Fatalf("%s: %v", c.path, err)
			}
			res, err := w.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || res.StatusCode != c.status {
				t.Errorf("%s: %d %s %v", c.path, res.StatusCode, body, err)
			}
			opts := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
			err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
				RequestValidationInput: &openapi3filter.RequestValidationInput{
					Request: req, PathParams: params, Route: route, Options: opts},
				Status: res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(body)), Options: opts,
			})
			if err != nil {
				t.Errorf("%s: %v", c.path, err)
			}
		}
	}
}

func TestEachMethodTakesTheScopesThatGoogleDescribes(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tokens := map[string]seal.Secret{} // by scope; zero for a scope that the sandbox does not know
	token := func(scope string) seal.Secret {
		if tok, ok := tokens[scope]; ok {
			return tok
		}
		server, v := googleServer(), oauth.NewVerifier()
		server.Scopes = []oauth.Scope{{Name: "it", Value: scope}}
		u, err := server.AuthorizeURL(w.Client("google"), oauth.AuthorizeRequest{
			State: "state-1234567890", Verifier: v, RedirectURL: redirectURL, Scopes: []string{"it"}})
		if err != nil {
			t.Fatal(err)
		}
		res, _ := get(t, w.AuthorizeURL(u)+"&sandbox_consent=allow")
		if res.StatusCode == http.StatusBadRequest {
			tokens[scope] = seal.Secret{}
			return seal.Secret{}
		}
		tok, err := w.wire().Exchange(t.Context(), back(t, res).Get("code"), v, redirectURL)
		if err != nil {
			t.Fatal(err)
		}
		tokens[scope] = tok.Access
		return tok.Access
	}
	token(mailScope)
	token(calendarScope)
	token("https://www.googleapis.com/auth/calendar.freebusy")
	token("https://www.googleapis.com/auth/gmail.send")

	fill := strings.NewReplacer("{calendarId}", "primary", "{eventId}", "budget", "{setting}", "timezone",
		"{userId}", "me", "{id}", "0000000000000001", "{messageId}", "0000000000000001")
	checked := 0
	for name := range described {
		doc := description(t, name)
		for path, item := range doc.Paths.Map() {
			if item.Get == nil || strings.Contains(path, "/threads") { // threads are not played
				continue
			}
			var scopes []string
			raw, err := json.Marshal(item.Get.Extensions["x-scopes"])
			if err != nil || json.Unmarshal(raw, &scopes) != nil || len(scopes) == 0 {
				t.Fatalf("%s names no scopes: %s", path, raw)
			}
			for _, scope := range scopes {
				token(scope)
			}
			for scope, access := range tokens {
				if access.IsZero() {
					continue
				}
				status, answer := w.call(access, doc.Servers[0].URL+fill.Replace(path))
				if refused := reason(answer) == "insufficientPermissions"; refused == slices.Contains(scopes, scope) {
					t.Errorf("%s with %s: %d", path, scope, status)
				}
				checked++
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d pairs of method and scope were compared", checked)
	}
}
