package credential_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
)

// lastLease is what the trail says of the lease of the last renewal.
func lastLease(w *world) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events[len(w.events)-1].Details["lease"]
}

func TestALostLeaseIsNoLossWhileTheSpentTokenStillWorks(t *testing.T) {
	for name, c := range map[string]struct {
		rules oauth.Refresh
		lost  bool
	}{
		"always":                      {oauth.Refresh{Rotates: true, Grace: oauth.GraceAlways}, false},
		"longer than the lease":       {oauth.Refresh{Rotates: true, Grace: oauth.Grace(5 * time.Minute)}, false},
		"shorter than the lease":      {oauth.Refresh{Rotates: true, Grace: oauth.Grace(10 * time.Second)}, true},
		"none":                        {oauth.Refresh{Rotates: true}, true},
		"a token that is never spent": {oauth.Refresh{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world, p *process) {
				w.acme.Auth.OAuth2.Refresh = c.rules
				w.vendor.grace = true
				other := w.start()
				w.vendor.answers = []func(*http.Request) *http.Response{func(*http.Request) *http.Response {
					other.die() // its answer, and so the next refresh token, is lost
					return nil
				}}
				_ = other.Refresh(system(t), integration)
				if err := p.Refresh(system(t), integration); err != nil {
					t.Fatal(err)
				}
				if said := lastLease(w) != nil; said != c.lost {
					t.Errorf("the trail speaks of a lost lease: %v, want %v", said, c.lost)
				}
				if w.recorded(audit.TokenRefreshed) != 1 || w.vendor.tokenRequests() != 2 {
					t.Errorf("%d renewals, %d requests", w.recorded(audit.TokenRefreshed), w.vendor.tokenRequests())
				}
			})
		})
	}
}

func TestBehaviour10WhatCannotBeRenewedEarlyIsRenewedWhenItHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, _ *process) {
		w.acme.Auth.OAuth2.Refresh = oauth.Refresh{Rotates: true, Early: oauth.EarlyRefused}
		w.vendor.late = true
		p := w.start()
		w.connect(p) // again, by these rules
		row := w.only()
		if row.RefreshAt.Before(*row.ExpiresAt) {
			t.Errorf("a renewal is planned %v before the end", row.ExpiresAt.Sub(*row.RefreshAt))
		}
		for range 61 { // until two seconds before the end, and the background as often
			if _, err := ask(system(t), p); err != nil {
				t.Fatal(err)
			}
			if _, err := p.RefreshDue(t.Context(), 10); err != nil {
				t.Fatal(err)
			}
			time.Sleep((time.Hour - 2*time.Second) / 61)
		}
		if err := p.Refresh(system(t), integration); !problem.Is(err, problem.Invalid) {
			t.Errorf("a person who asks for it early: %v", err)
		}
		if n := w.vendor.tokenRequests() + w.vendor.early; n != 0 {
			t.Fatalf("%d renewals were tried before the end", n)
		}
		time.Sleep(2*time.Second + time.Millisecond)
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if _, err := ask(system(t), p); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if w.vendor.tokenRequests() != 1 || w.vendor.early != 0 || w.only().Generation != row.Generation+1 {
			t.Errorf("%d renewals after the end, %d too early", w.vendor.tokenRequests(), w.vendor.early)
		}
		time.Sleep(time.Hour + 10*time.Second)
		if n, err := p.RefreshDue(t.Context(), 10); n != 1 || err != nil || w.vendor.tokenRequests() != 2 {
			t.Errorf("by itself after the end: %d, %v", n, err)
		}
	})
}

// mints makes a world whose tokens come without a refresh token and can be asked for again.
func mints(t *testing.T, fn func(t *testing.T, w *world, p *process)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.acme.Auth.OAuth2.Scopes = []oauth.Scope{{Name: "one", Value: "https://acme.test/one"}}
		w.acme.Auth.OAuth2.Refresh = oauth.Refresh{Mint: oauth.MintClientCredentials, Margin: 5 * time.Minute}
		p := w.start()
		access, _ := w.vendor.issue()
		if err := w.save(p, credential.Grant{
			Scopes: []string{"one", "of-the-vendors-own"}, Token: &oauth.Token{Access: access, ExpiresIn: time.Hour},
		}); err != nil {
			t.Fatal(err)
		}
		fn(t, w, p)
	})
}

func TestBehaviour07WithoutARefreshTokenANewTokenIsMintedOnceForAll(t *testing.T) {
	mints(t, func(t *testing.T, w *world, p *process) {
		time.Sleep(2 * time.Hour)
		others := []*process{p, w.start(), w.start()}
		var callers sync.WaitGroup
		for i := range 60 {
			callers.Go(func() {
				if _, err := ask(system(t), others[i%3]); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if len(w.vendor.minted) != 1 || w.vendor.minted[0] != "https://acme.test/one of-the-vendors-own" {
			t.Errorf("minted for %q", w.vendor.minted)
		}
		if row := w.only(); row.State != credential.Active || row.Generation != 2 || len(row.RefreshToken) != 0 ||
			w.recorded(audit.TokenRefreshed) != 1 {
			t.Errorf("%s, generation %d", row.State, row.Generation)
		}
	})
}

func TestATokenIsMintedAheadOfItsEndAndAfterARefusal(t *testing.T) {
	mints(t, func(t *testing.T, w *world, p *process) {
		if row := w.only(); !row.RefreshAt.Before(*row.ExpiresAt) {
			t.Error("nothing is planned before the end")
		}
		time.Sleep(time.Hour - time.Second)
		if n, err := p.RefreshDue(t.Context(), 10); n != 1 || err != nil || len(w.vendor.minted) != 1 {
			t.Errorf("ahead: %d, %v, minted %d", n, err, len(w.vendor.minted))
		}
		w.vendor.mu.Lock()
		w.vendor.issued = map[int]time.Time{} // withdrawn at the vendor's
		w.vendor.mu.Unlock()
		if _, err := ask(system(t), p); err != nil || len(w.vendor.minted) != 2 {
			t.Errorf("after a refusal: %v, minted %d", err, len(w.vendor.minted))
		}
		if err := p.Refresh(system(t), integration); err != nil || len(w.vendor.minted) != 3 {
			t.Errorf("for a person: %v", err)
		}
	})
}

func TestAMintThatFailsEndsNothing(t *testing.T) {
	mints(t, func(t *testing.T, w *world, p *process) {
		time.Sleep(2 * time.Hour)
		for _, answer := range []*http.Response{reply(503, ""), reply(401, `{"error":"invalid_client"}`)} {
			w.vendor.answers = append(w.vendor.answers, func(*http.Request) *http.Response { return answer })
		}
		for range 2 {
			if _, err := ask(system(t), p); !problem.Is(err, problem.ProviderFailed) {
				t.Errorf("%v", err)
			}
			time.Sleep(time.Hour)
		}
		if w.only().State != credential.Active || w.lastReason() != health.ProviderError {
			t.Errorf("%s, %s", w.only().State, w.lastReason())
		}
		if _, err := ask(system(t), p); err != nil || w.lastReason() != health.OK {
			t.Errorf("afterwards: %v, %s", err, w.lastReason())
		}
	})
}

func TestAMintsLostLeaseIsNoLoss(t *testing.T) {
	mints(t, func(t *testing.T, w *world, p *process) {
		other := w.start()
		w.vendor.answers = []func(*http.Request) *http.Response{func(*http.Request) *http.Response {
			other.die()
			return nil
		}}
		_ = other.Refresh(system(t), integration)
		if err := p.Refresh(system(t), integration); err != nil || lastLease(w) != nil {
			t.Errorf("%v; the trail speaks of a lost lease: %v", err, lastLease(w))
		}
	})
}
