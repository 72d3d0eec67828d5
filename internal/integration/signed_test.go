package integration_test

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/problem"
)

// spoilt are answers that the vendor has not sent, or not for this attempt.
func spoilt(right map[string]any, state string) map[string]map[string]any {
	without := func(name string) map[string]any {
		out := maps.Clone(right)
		delete(out, name)
		return out
	}
	with := func(name string, value any) map[string]any {
		out := maps.Clone(right)
		out[name] = value
		return out
	}
	again := func(key, shop, code, state string) map[string]any {
		return signed(url.Values{"code": {code}, "state": {state}, "shop": {shop}, "timestamp": {"1700000000"}}, key)
	}
	return map[string]map[string]any{
		"nothing":              nil,
		"no signature":         without("hmac"),
		"an empty signature":   with("hmac", ""),
		"no hexadecimal":       with("hmac", strings.Repeat("z", 64)),
		"half of it":           with("hmac", right["hmac"].(string)[:32]),
		"a list":               with("hmac", []any{right["hmac"]}),
		"another code":         with("code", "code-2"),
		"another time":         with("timestamp", "1700000001"),
		"a parameter more":     with("extra", "1"),
		"a parameter less":     without("timestamp"),
		"another key":          again("client-secreu", "north.example.com", "code-1", state),
		"no key":               again("", "north.example.com", "code-1", state),
		"another shop":         again("client-secret", "south.example.com", "code-1", state),
		"a shop like it":       again("client-secret", "north.example.com.evil.test", "code-1", state),
		"another signed code":  again("client-secret", "north.example.com", "code-2", state),
		"another signed state": again("client-secret", "north.example.com", "code-1", "other"),
	}
}

func TestAnAnswerThatTheProviderHasNotSignedChangesNothing(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		openShop(w, "north")
		attempt, err := w.Service.Connect(w.Ctx, shopInput(w, map[string]any{"shop": "north"}))
		if err != nil {
			t.Fatal(err)
		}
		before := fmt.Sprint(attempts(t, w))
		in := shopBack(w, attempt, "north")
		right := in.Parameters
		for name, parameters := range spoilt(right, in.State) {
			in.Parameters = parameters
			_, err := w.Callback(w.Ctx, in)
			refusedAs(t, name, err, "STATE_MISMATCH input.parameters")
		}
		if len(w.Vendor.Calls("north.example.com/token")) != 0 || len(integrations(t, w)) != 0 ||
			fmt.Sprint(attempts(t, w)) != before || len(w.Events(t, audit.ConnectFailed)) != 0 {
			t.Error("what nobody signed has changed something")
		}
		right["timestamp"] = 1700000000 // as a caller may have read it
		in.Parameters = right
		if _, err := w.Callback(w.Ctx, in); err != nil {
			t.Errorf("the right answer afterwards: %v", err)
		}
		_, err = w.Callback(w.Ctx, in)
		refused(t, err, problem.StateMismatch, "input", "state")
	})
}

func TestARefusalThatNobodySignedDoesNotEndAnAttempt(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		openShop(w, "north")
		attempt, err := w.Service.Connect(w.Ctx, shopInput(w, map[string]any{"shop": "north"}))
		if err != nil {
			t.Fatal(err)
		}
		in := shopBack(w, attempt, "north")
		denied := in
		denied.Code, denied.Error = nil, ptr("access_denied")
		_, err = w.Callback(w.Ctx, denied)
		refused(t, err, problem.StateMismatch, "input", "parameters")
		if _, err := w.Callback(w.Ctx, in); err != nil {
			t.Errorf("the right answer afterwards: %v", err)
		}
	})
}

func TestOurOwnCallbackPageAsksForTheSignatureToo(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		openShop(w, "north")
		ask := shopInput(w, map[string]any{"shop": "north"})
		ask.RedirectURL = nil
		attempt, err := w.Service.Connect(w.Ctx, ask)
		if err != nil {
			t.Fatal(err)
		}
		state := attempt.State.Reveal()
		if _, err := w.Continue(t.Context(), state, "browser"); err != nil {
			t.Fatal(err)
		}
		before := fmt.Sprint(attempts(t, w))
		right := signed(url.Values{"code": {"code-1"}, "state": {state}, "shop": {"north.example.com"}}, "client-secret")
		page := func(parameters map[string]any) url.Values {
			out := url.Values{"code": {"code-1"}, "state": {state}}
			for name, value := range parameters {
				out.Set(name, fmt.Sprint(value))
			}
			return out
		}
		for name, parameters := range spoilt(right, state) {
			if name == "another signed state" || name == "another signed code" || name == "a parameter less" {
				continue // these are the page's own code and state, or what the vendor may leave out
			}
			_, err := w.Finish(t.Context(), page(parameters), "browser")
			if !problem.Is(err, problem.StateMismatch) {
				t.Errorf("%s: %v", name, err)
			}
		}
		twice := page(right)
		twice.Add("shop", "south.example.com")
		if _, err := w.Finish(t.Context(), twice, "browser"); !problem.Is(err, problem.StateMismatch) {
			t.Errorf("a shop twice: %v", err)
		}
		if _, err := w.Finish(t.Context(), page(right), "another browser"); !problem.Is(err, problem.StateMismatch) {
			t.Errorf("another browser: %v", err)
		}
		if fmt.Sprint(attempts(t, w)) != before || len(w.Vendor.Calls("north.example.com/token")) != 0 {
			t.Error("what nobody signed has changed something")
		}
		done, err := w.Finish(t.Context(), page(right), "browser")
		if err != nil || done.Account != "The shop" {
			t.Errorf("the right answer afterwards: %+v, %v", done, err)
		}
	})
}

func TestASignatureIsMadeWithTheSettingsOfTheAttempt(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		openShop(w, "north")
		openShop(w, "south")
		north, err := w.Service.Connect(w.Ctx, shopInput(w, map[string]any{"shop": "north"}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Callback(w.Ctx, shopBack(w, north, "south")) // rightly signed, by the other shop
		refused(t, err, problem.StateMismatch, "input", "parameters")
		stolen := shopBack(w, north, "north")
		stolen.Provider = integrationtest.Provider
		_, err = w.Callback(w.Ctx, stolen)
		refused(t, err, problem.StateMismatch, "input", "state")
	})
}
