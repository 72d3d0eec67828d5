package provider_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/provider"
)

func TestHTTPDecidesWhereNoRuleDoes(t *testing.T) {
	t.Parallel()
	p := decode(t, tickets)
	for status, want := range map[int]provider.VerdictKind{
		0: provider.Transient, 200: provider.OK, 201: provider.OK, 204: provider.OK, 302: provider.Failed, 304: provider.Failed,
		400: provider.Failed, 401: provider.Rejected, 402: provider.Failed, 403: provider.Failed, 404: provider.NotFound,
		408: provider.Transient, 410: provider.NotFound, 425: provider.Transient, 429: provider.RateLimited, 500: provider.Transient,
		502: provider.Transient, 503: provider.Transient, 599: provider.Transient,
	} {
		v := p.Classify(provider.Response{Status: status})
		if v.Kind != want {
			t.Errorf("%d: want %s, got %s", status, want, v.Kind)
		}
		if (v.Message == "") != (want == provider.OK) {
			t.Errorf("%d: message %q", status, v.Message)
		}
	}
}

func TestAWebPageIsNoProofOfAnything(t *testing.T) {
	t.Parallel()
	p := decode(t, tickets)
	for status, want := range map[int]provider.VerdictKind{200: provider.Transient, 401: provider.Rejected, 503: provider.Transient} {
		if v := p.Classify(provider.Response{Status: status, Body: []byte("<html>sign in</html>")}); v.Kind != want {
			t.Errorf("%d: want %s, got %s", status, want, v.Kind)
		}
	}
}

func TestTheWaitIsReadFromWhereTheVendorPutsIt(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for rule, want := range map[string]time.Duration{
		`.body.seconds`:                        90 * time.Second,
		`(.body.ms | tonumber) / 1000`:         1500 * time.Millisecond,
		`.headers["x-reset"] | tonumber`:       30 * time.Second,
		`.body.at`:                             time.Minute,
		`(.body.epoch) - (.now | epoch)`:       2 * time.Minute,
		`.body.nothing`:                        7 * time.Second,
		`.body.text | tonumber`:                7 * time.Second,
		`-5`:                                   0,
		`1e30`:                                 24 * time.Hour,
		`.body.text | capture("in (?<s>x)").s`: 7 * time.Second,
	} {
		p := decode(t, strings.Replace(tickets, "errors:\n", "errors:\n  - { when: .status == 420, is: rate_limited, retry_after: '"+rule+"' }\n", 1))
		v := p.Classify(provider.Response{
			Status: 420, Received: now, Header: http.Header{"Retry-After": {"7"}, "X-Reset": {"30"}},
			Body: []byte(`{"seconds":90,"ms":"1500","at":"2026-11-22T08:01:00Z","epoch":1795334520,"text":"later"}`),
		})
		if v.Kind != provider.RateLimited || v.RetryAfter != want {
			t.Errorf("%s: want %v, got %s %v", rule, want, v.Kind, v.RetryAfter)
		}
	}
}

func TestARetryAfterThatIsADateNeedsAClock(t *testing.T) {
	t.Parallel()
	p := decode(t, tickets)
	header := http.Header{"Retry-After": {"Sun, 22 Nov 2026 08:01:00 GMT"}}
	if v := p.Classify(provider.Response{Status: 429, Header: header}); v.RetryAfter != 0 {
		t.Errorf("without a clock: %v", v.RetryAfter)
	}
	header.Set("Date", "Sun, 22 Nov 2026 08:00:00 GMT")
	if v := p.Classify(provider.Response{Status: 429, Header: header}); v.RetryAfter != time.Minute {
		t.Errorf("by the answer's own date: %v", v.RetryAfter)
	}
}

func TestTheFirstRuleThatMatchesDecidesAndAFailingOneDoesNot(t *testing.T) {
	t.Parallel()
	p := decode(t, strings.Replace(tickets, "errors:\n", `errors:
  - { when: .body.error | test("x"), is: revoked }
  - { when: .body.ok == false, is: revoked }
  - { when: .body.ok == false, is: failed }
`, 1))
	for body, want := range map[string]provider.VerdictKind{
		`{"ok":false}`: provider.Revoked, `{"ok":true}`: provider.OK, `{"error":"x"}`: provider.Revoked, `{"error":5}`: provider.OK, `[`: provider.OK,
	} {
		if v := p.Classify(provider.Response{Status: 200, Body: []byte(body)}); v.Kind != want {
			t.Errorf("%s: want %s, got %s", body, want, v.Kind)
		}
	}
}

func TestAVerdictRepeatsNothingThatTheVendorSaid(t *testing.T) {
	t.Parallel()
	p := builtin(t, "google_calendar")
	v := p.Classify(provider.Response{Status: 401, Body: []byte(`{"error":{"message":"token ya29.secret is bad","errors":[{"reason":"ya29.secret"}]}}`)})
	if strings.Contains(v.Message, "ya29") || !strings.Contains(v.Message, "Google Calendar") {
		t.Errorf("message %q", v.Message)
	}
}
