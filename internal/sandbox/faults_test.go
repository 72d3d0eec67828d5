package sandbox_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/sandbox"
)

const (
	listPath = "/calendar/v3/users/me/calendarList"
	listURL  = calendarBase + "/users/me/calendarList"
)

func (w *world) arm(f sandbox.Fault) int {
	w.t.Helper()
	id, err := w.Faults().Add(f)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func TestAFaultChangesTheAnswerAsOftenAsItSays(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	_, healthy, _ := fetch(w, tok)
	for _, c := range []struct {
		fault  sandbox.Fault
		status int
		check  func(h http.Header, body string, err error) bool
	}{
		{sandbox.Fault{Kind: sandbox.Unauthorized}, 401, says(`"reason": "authError"`)},
		{sandbox.Fault{Kind: sandbox.RateLimited}, 403, says(`"reason": "userRateLimitExceeded"`)},
		{sandbox.Fault{Kind: sandbox.TooManyRequests, RetryAfter: 30 * time.Second}, 429,
			func(h http.Header, _ string, _ error) bool { return h.Get("Retry-After") == "30" }},
		{sandbox.Fault{Kind: sandbox.ServerError}, 500, says(`"reason": "backendError"`)},
		{sandbox.Fault{Kind: sandbox.Answer, Status: 418, Body: `{"short":"stout"}`}, 418, says(`{"short":"stout"}`)},
		{sandbox.Fault{Kind: sandbox.HTML}, 200, says("<!DOCTYPE html>")},
		{sandbox.Fault{Kind: sandbox.Truncated}, 200, func(_ http.Header, body string, err error) bool {
			return err == nil && len(body) == len(healthy)/2 && !json.Valid([]byte(body))
		}},
		{sandbox.Fault{Kind: sandbox.WrongShape}, 200, says(`"items": "none"`)},
		{sandbox.Fault{Kind: sandbox.Empty}, 200, func(_ http.Header, body string, _ error) bool { return body == "" }},
		{sandbox.Fault{Kind: sandbox.Huge, Bytes: 3 << 20}, 200, func(_ http.Header, body string, err error) bool {
			return err == nil && len(body) >= 3<<20 && len(body) < 4<<20 && json.Valid([]byte(body))
		}},
		{sandbox.Fault{Kind: sandbox.SlowHeaders, Delay: time.Millisecond}, 200, says("calendarList")},
		{sandbox.Fault{Kind: sandbox.SlowBody, Delay: time.Millisecond}, 200,
			func(_ http.Header, body string, err error) bool { return err == nil && body == healthy }},
		{sandbox.Fault{Kind: sandbox.Drop}, 0, func(_ http.Header, _ string, err error) bool { return err != nil }},
		{sandbox.Fault{Kind: sandbox.DropBody}, 200, func(_ http.Header, body string, err error) bool {
			return err != nil && len(body) < len(healthy)
		}},
	} {
		c.fault.Times = 1
		id := w.arm(c.fault)
		if list := w.Faults().List(); len(list) != 1 || list[0].ID != id {
			t.Errorf("%s: register %v", c.fault.Kind, list)
		}
		res, body, err := fetch(w, tok)
		status, header := 0, http.Header(nil)
		if res != nil {
			status, header = res.StatusCode, res.Header
		}
		if status != c.status || !c.check(header, body, err) {
			t.Errorf("%s: %d %.200s %v", c.fault.Kind, status, body, err)
		}
		if res, body, err := fetch(w, tok); err != nil || res.StatusCode != 200 || body != healthy {
			t.Errorf("after %s: %v %v", c.fault.Kind, res, err)
		}
		if left := w.Faults().List(); len(left) != 0 {
			t.Errorf("%s is still there: %v", c.fault.Kind, left)
		}
	}
}

func says(text string) func(http.Header, string, error) bool {
	return func(_ http.Header, body string, err error) bool { return err == nil && strings.Contains(body, text) }
}

func fetch(w *world, tok *oauth.Token) (*http.Response, string, error) {
	res, err := w.try(w.t.Context(), tok.Access, listURL)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, string(body), err
}

func TestGmailSaysInItsTextWhenToComeBack(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "gmail.readonly")
	w.arm(sandbox.Fault{Kind: sandbox.RateLimited, RetryAfter: time.Minute})
	status, doc := w.call(tok.Access, mailBase+"/profile")
	if status != 403 || !strings.Contains(fmt.Sprint(doc), "Retry after 2026-11-22T09:01:00.000Z") {
		t.Errorf("%d %v", status, doc)
	}
}

func TestAFaultHitsOnlyWhatItNames(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	adas := w.connect("ada@example.com", "calendar.readonly", "gmail.readonly")
	graces := w.connect("grace@example.com", "calendar.readonly", "gmail.readonly")
	for name, c := range map[string]struct {
		fault                       sandbox.Fault
		adaList, graceList, adaMail int
	}{
		"host":         {sandbox.Fault{Host: "gmail.googleapis.com"}, 200, 200, 500},
		"path":         {sandbox.Fault{Path: listPath}, 500, 500, 200},
		"beginning":    {sandbox.Fault{Path: "/calendar/*"}, 500, 500, 200},
		"other path":   {sandbox.Fault{Path: "/calendar"}, 200, 200, 200},
		"account":      {sandbox.Fault{Account: "ada@example.com"}, 500, 200, 500},
		"group":        {sandbox.Fault{Group: "google"}, 500, 500, 500},
		"other group":  {sandbox.Fault{Group: "other"}, 200, 200, 200},
		"grant":        {sandbox.Fault{Grant: w.Grants()[1].ID}, 500, 200, 500},
		"host account": {sandbox.Fault{Host: "www.googleapis.com", Account: "grace@example.com"}, 200, 500, 200},
	} {
		if name == "grant" && w.Grants()[1].Account != "ada@example.com" {
			c.adaList, c.graceList, c.adaMail = 200, 500, 200
		}
		c.fault.Kind = sandbox.ServerError
		w.arm(c.fault)
		a, _ := w.call(adas.Access, listURL)
		g, _ := w.call(graces.Access, listURL)
		m, _ := w.call(adas.Access, mailBase+"/profile")
		if a != c.adaList || g != c.graceList || m != c.adaMail {
			t.Errorf("%s: %d %d %d", name, a, g, m)
		}
		w.Faults().Clear()
	}
}

func TestTheOldestFaultHappensFirst(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	w.arm(sandbox.Fault{Kind: sandbox.TooManyRequests, Times: 2})
	forever := w.arm(sandbox.Fault{Kind: sandbox.ServerError})
	for i, want := range []int{429, 429, 500, 500, 500} {
		if status, _ := w.call(tok.Access, listURL); status != want {
			t.Errorf("call %d gave %d", i, status)
		}
	}
	if list := w.Faults().List(); len(list) != 1 || list[0].Applied != 3 {
		t.Errorf("register %+v", list)
	}
	if !w.Faults().Remove(forever) || w.Faults().Remove(forever) {
		t.Error("a fault is not removed exactly once")
	}
	if n := w.Requests("www.googleapis.com", listPath); n != 5 {
		t.Errorf("%d requests", n)
	}
	if n := w.Requests("www.googleapis.com", "/calendar/*"); n != w.Requests("www.googleapis.com", "") {
		t.Errorf("%d requests", n)
	}
}

func TestTheConsentPageGoesWrongOnDemand(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	consent := func() url.Values {
		res, _ := get(t, w.authorizeURL(oauth.NewVerifier(), "calendar.readonly", "gmail.readonly")+"&sandbox_consent=allow")
		return back(t, res)
	}
	w.arm(sandbox.Fault{Kind: sandbox.RefuseConsent, Times: 1})
	if got := consent(); got.Get("error") != "access_denied" {
		t.Errorf("refused: %v", got)
	}
	w.arm(sandbox.Fault{Kind: sandbox.FewerScopes, Times: 1})
	if got := consent(); got.Get("scope") != calendarScope {
		t.Errorf("fewer: %v", got)
	}
	w.arm(sandbox.Fault{Kind: sandbox.FewerScopes, Scopes: []string{calendarScope}, Group: "google", Times: 1})
	if got := consent(); got.Get("scope") != mailScope {
		t.Errorf("fewer, named: %v", got)
	}
	w.arm(sandbox.Fault{Kind: sandbox.RefuseConsent, Account: "grace@example.com"})
	if got := consent(); !got.Has("code") {
		t.Errorf("another's fault: %v", got)
	}
}

func TestTokensAreRevokedAndExpiredFromOutside(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	adas := w.connect("ada@example.com", "calendar.readonly")
	graces := w.connect("grace@example.com", "calendar.readonly")
	if n, err := w.Faults().Expire(""); n != 2 || err != nil {
		t.Errorf("expired %d, %v", n, err)
	}
	for _, tok := range []*oauth.Token{adas, graces} {
		if status, _ := w.call(tok.Access, listURL); status != 401 {
			t.Errorf("an expired token gave %d", status)
		}
	}
	next, err := w.wire().Refresh(t.Context(), adas.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.Faults().Revoke("ada@example.com"); n != 1 || err != nil {
		t.Errorf("revoked %d, %v", n, err)
	}
	if status, _ := w.call(next.Access, listURL); status != 401 {
		t.Errorf("a revoked token gave %d", status)
	}
	_, err = w.wire().Refresh(t.Context(), adas.Refresh)
	if e, ok := errors.AsType[*oauth.Error](err); !ok || e.Kind != oauth.Rejected {
		t.Errorf("a revoked refresh token gave %v", err)
	}
	if _, err := w.wire().Refresh(t.Context(), graces.Refresh); err != nil {
		t.Errorf("another account was hit: %v", err)
	}
	for _, g := range w.Grants() {
		if (g.RevokedAt != nil) != (g.Account == "ada@example.com") || g.Group != "google" {
			t.Errorf("grant %+v", g)
		}
	}
}

func TestTheTokenEndpointGoesWrongInItsOwnWords(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	for kind, want := range map[sandbox.FaultKind]oauth.Kind{
		sandbox.Unauthorized: oauth.Misconfigured, sandbox.TooManyRequests: oauth.Transient,
		sandbox.ServerError: oauth.Transient, sandbox.HTML: oauth.Transient, sandbox.Drop: oauth.Transient,
	} {
		w.arm(sandbox.Fault{Kind: kind, Host: "oauth2.googleapis.com", Path: "/token", Times: 1})
		_, err := w.wire().Refresh(t.Context(), tok.Refresh)
		if e, ok := errors.AsType[*oauth.Error](err); !ok || e.Kind != want {
			t.Errorf("%s: %v", kind, err)
		}
		w.Faults().Clear() // a client may have tried a dropped connection again
	}
}

func TestAFaultThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	for _, f := range []sandbox.Fault{{}, {Kind: "explode"}, {Kind: sandbox.Answer}, {Kind: sandbox.Answer, Status: 99},
		{Kind: sandbox.HTML, Times: -1}, {Kind: sandbox.SlowBody, Delay: -time.Second}} {
		if _, err := w.Faults().Add(f); !problem.Is(err, problem.BadInput) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

func TestFaultsAreControlledOverHTTP(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	send := func(method, path, kind, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, w.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		res, answer := visit(t, req)
		return res.StatusCode, answer
	}
	const path, asJSON = "/_sandbox/faults", "application/json"
	if status, body := send("POST", path, asJSON,
		`{"kind":"too_many_requests","host":"www.googleapis.com","retryAfter":"30s","times":2}`); status != 201 ||
		!strings.Contains(body, `"id": 1`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body := send("GET", path, "", ""); status != 200 || !strings.Contains(body, `"retryAfter": "30s"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := w.call(tok.Access, listURL); status != 429 {
		t.Errorf("the fault did not happen: %d", status)
	}
	if status, _ := send("DELETE", path+"/1", "", ""); status != 204 {
		t.Errorf("delete one: %d", status)
	}
	if status, _ := send("DELETE", path+"/1", "", ""); status != 404 {
		t.Errorf("delete one again: %d", status)
	}
	if status, _ := send("DELETE", path, "", ""); status != 204 {
		t.Errorf("delete all: %d", status)
	}
	if status, _ := w.call(tok.Access, listURL); status != 200 {
		t.Errorf("the fault stayed: %d", status)
	}
	if status, body := send("POST", path, asJSON, `{"kind":"revoke","account":"ada@example.com"}`); status != 200 {
		t.Errorf("revoke: %d %s", status, body)
	}
	if status, _ := w.call(tok.Access, listURL); status != 401 {
		t.Errorf("not revoked: %d", status)
	}
	if status, body := send("GET", "/_sandbox/grants", "", ""); status != 200 || !strings.Contains(body, "revokedAt") ||
		strings.Contains(body, tok.Access.Reveal()) {
		t.Errorf("grants: %d %s", status, body)
	}
	if status, body := send("GET", "/_sandbox/requests?host=www.googleapis.com&path=/calendar/*", "", ""); status != 200 ||
		!strings.Contains(body, `"count": 3`) {
		t.Errorf("requests: %d %s", status, body)
	}
	for _, bad := range []struct {
		kind, body string
		status     int
	}{
		{"text/plain", `{"kind":"html"}`, 415}, // what a foreign page can send without asking
		{"application/x-www-form-urlencoded", `kind=html`, 415},
		{asJSON, `{"kind":"explode"}`, 400},
		{asJSON, `{"kind":"html","color":"red"}`, 400},
		{asJSON, `{"kind":"html","delay":5}`, 400},
		{asJSON, `{`, 400},
	} {
		if status, body := send("POST", path, bad.kind, bad.body); status != bad.status {
			t.Errorf("%s %s: %d %s", bad.kind, bad.body, status, body)
		}
	}
	if len(w.Faults().List()) != 0 {
		t.Errorf("register %v", w.Faults().List())
	}
}
