package credential_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/problem"
)

// TestBehaviour03TheLoserAdoptsAndNeverDestroys has two processes spend one token after all, as when one stood still. The
// winner's is stored while the loser is told invalid_grant: the loser uses what the winner has got.
func TestBehaviour03TheLoserAdoptsAndNeverDestroys(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, loser *process) {
		winner := w.start()
		time.Sleep(2 * time.Hour)
		w.vendor.answers = []func(*http.Request) *http.Response{func(*http.Request) *http.Response {
			row := w.rows[w.only().ID]
			access, refresh := w.vendor.next()
			stored, err := winner.Renew(system(t), row.ID, "winner", row.Generation, w.sealed(row, access, refresh))
			if !stored || err != nil {
				t.Errorf("the winner: %v, %v", stored, err)
			}
			return reply(http.StatusBadRequest, `{"error":"invalid_grant"}`)
		}}
		if _, err := ask(system(t), loser); err != nil {
			t.Errorf("the loser: %v", err)
		}
		row := w.only()
		if row.State != credential.Active || row.Generation != 2 || row.LeaseOwner != nil {
			t.Errorf("%s, generation %d", row.State, row.Generation)
		}
		if w.recorded(audit.TokenRefreshFailed) != 0 || w.vendor.tokenRequests() != 0 {
			t.Errorf("%v", w.events)
		}
	})
}

// TestBehaviour12EachCallUsesTheCredentialAsOfNow looks at which tokens the vendor is sent.
func TestBehaviour12EachCallUsesTheCredentialAsOfNow(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		w.vendor.strict = true // a new token ends the older ones
		other := w.start()
		var sent []string
		watch := func(req *http.Request) *http.Response {
			if req.URL.Host == "api.acme.test" {
				sent = append(sent, req.Header.Get("Authorization"))
			}
			return nil
		}
		calls := func(answers ...func(*http.Request) *http.Response) {
			w.vendor.mu.Lock()
			defer w.vendor.mu.Unlock()
			sent, w.vendor.answers = nil, answers
		}
		for range 3 { // another process renews between two calls: the next call knows
			if err := other.Refresh(system(t), integration); err != nil {
				t.Fatal(err)
			}
			calls(watch)
			if _, err := ask(system(t), p); err != nil || len(sent) != 1 {
				t.Errorf("%d calls, %v", len(sent), err)
			}
		}
		before := w.vendor.tokenRequests()
		time.Sleep(2 * time.Minute)
		refused := func(req *http.Request) *http.Response {
			watch(req)
			return reply(http.StatusUnauthorized, "{}")
		}
		calls(refused, nil, watch) // a 401 is sent once more, with the token of a renewal
		if _, err := ask(system(t), p); err != nil || len(sent) != 2 || sent[0] == sent[1] {
			t.Errorf("sent %q, %v", sent, err)
		}
		if n := w.vendor.tokenRequests(); n != before+1 {
			t.Errorf("%d renewals, want 1", n-before)
		}
		time.Sleep(2 * time.Minute)
		calls(refused, func(*http.Request) *http.Response { return reply(http.StatusServiceUnavailable, "") }, watch)
		_, err := ask(system(t), p) // and not at all without another token
		if err == nil || problem.Is(err, problem.ReauthorizationRequired) || len(sent) != 1 {
			t.Errorf("sent %d times, %v", len(sent), err)
		}
		if strings.Contains(strings.Join(sent, ""), "-r") {
			t.Error("a refresh token was sent")
		}
	})
}
