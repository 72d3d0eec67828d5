package credential_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/seal"
)

// bubble runs a test on a clock of its own, in a world with a connected integration.
func bubble(t *testing.T, fn func(t *testing.T, w *world, p *process)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		p := w.start()
		w.connect(p)
		fn(t, w, p)
	})
}

func TestTwoHundredCallersOfThreeProcessesMakeOneTokenRequest(t *testing.T) {
	for name, wait := range map[string]time.Duration{
		"the token is about to end": time.Hour - time.Minute, "it has ended": 2 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world, p *process) {
				w.vendor.latency = 3 * time.Second
				processes := []*process{p, w.start(), w.start()}
				time.Sleep(wait)
				for _, p := range processes {
					p.latency = 30 * time.Millisecond
				}
				var callers sync.WaitGroup
				for i := range 200 {
					callers.Go(func() {
						if _, err := ask(system(t), processes[i%3]); err != nil {
							t.Error(err)
						}
					})
				}
				callers.Wait()
				synctest.Wait()
				if n := w.vendor.tokenRequests(); n != 1 {
					t.Errorf("%d token requests, want 1", n)
				}
				if row := w.only(); row.Generation != 2 || row.State != credential.Active || row.LeaseOwner != nil {
					t.Errorf("generation %d, %s, lease %v", row.Generation, row.State, row.LeaseOwner)
				}
				if n := w.recorded(audit.TokenRefreshed); n != 1 {
					t.Errorf("%d events, want 1", n)
				}
			})
		})
	}
}

func TestARefusedTokenIsRenewedOnceForAllWhoHeldIt(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		w.vendor.mu.Lock()
		w.vendor.issued = nil // every access token is refused, the grant lives
		w.vendor.mu.Unlock()
		p.latency = 30 * time.Millisecond
		processes := []*process{p, w.start()}
		var callers sync.WaitGroup
		for i := range 50 {
			callers.Go(func() {
				if _, err := ask(system(t), processes[i%2]); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if n := w.vendor.tokenRequests(); n != 1 {
			t.Errorf("%d token requests, want 1", n)
		}
	})
}

func TestBehaviour04ARefreshOutlivesItsCaller(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		time.Sleep(2 * time.Hour)
		w.vendor.latency = 10 * time.Second
		ctx, cancel := context.WithTimeout(system(t), time.Millisecond)
		defer cancel()
		if _, err := ask(ctx, p); !problem.Is(err, problem.ProviderTimeout) {
			t.Errorf("the caller: %v", err)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if row := w.only(); row.Generation != 2 {
			t.Errorf("generation %d, want 2", row.Generation)
		}
		if err := p.Refresh(system(t), integration); !problem.Is(err, problem.Unavailable) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestSecretsThatChangeDuringARenewalLoseNoToken(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		w.vendor.latency = 3 * time.Second
		renewed := make(chan error, 1)
		go func() { renewed <- p.Refresh(system(t), integration) }()
		time.Sleep(time.Second)
		if err := p.SaveSecrets(system(t), integration, map[string]seal.Secret{"SHOP": seal.NewSecret(mark + "1")}); err != nil {
			t.Fatal(err)
		}
		if err := <-renewed; err != nil {
			t.Error(err)
		}
		row := w.only()
		if row.State != credential.Active || len(row.Secrets) == 0 {
			t.Errorf("%+v", row)
		}
		time.Sleep(2 * time.Hour)
		if _, err := ask(system(t), p); err != nil {
			t.Errorf("what was renewed is lost: %v", err)
		}
		synctest.Wait()
	})
}

func TestARenewalServesThoseWhoJoinedWhenItsFirstCallerLeaves(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		time.Sleep(2 * time.Hour)
		ctx, leave := context.WithCancel(system(t))
		joined := make(chan error)
		p.beforeLease = func() { // the renewal is under way, and nothing is leased or spent yet
			go func() {
				_, err := ask(system(t), p)
				joined <- err
			}()
			synctest.Wait()
			leave()
		}
		if _, err := ask(ctx, p); !errors.Is(err, context.Canceled) {
			t.Errorf("who left: %v", err)
		}
		if err := <-joined; err != nil {
			t.Errorf("who joined: %v", err)
		}
		if n := w.vendor.tokenRequests(); n != 1 {
			t.Errorf("%d token requests, want 1", n)
		}
	})
}

func TestBehaviour07WithoutARefreshTokenAccessEndsWhenItSays(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		access, _ := w.vendor.issue()
		err := w.save(p, credential.Grant{OtherAccount: true, Token: &oauth.Token{Access: access, ExpiresIn: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - time.Minute)
		if _, err := ask(system(t), p); err != nil {
			t.Errorf("before its end: %v", err)
		}
		if err := p.Refresh(system(t), integration); !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("a refresh without a refresh token: %v", err)
		}
		time.Sleep(time.Minute)
		if _, err := ask(system(t), p); !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("after its end: %v", err)
		}
		if w.lastReason() != health.TokenExpired {
			t.Errorf("health: %s", w.lastReason())
		}
	})
}

func TestBehaviour06WhatAnAnswerLeavesOutIsKept(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		w.vendor.rotates, w.vendor.silent = false, true
		w.vendor.answers = nil
		for range 3 {
			if err := p.Refresh(system(t), integration); err != nil {
				t.Fatal(err)
			}
		}
		row := w.only()
		if len(row.RefreshToken) == 0 || row.LifetimeSeconds != 3600 || row.ExpiresAt == nil {
			t.Errorf("lifetime %d, expires %v", row.LifetimeSeconds, row.ExpiresAt)
		}
		access, _ := w.vendor.issue()
		if err := w.save(p, credential.Grant{Token: &oauth.Token{Access: access}}); err != nil {
			t.Fatal(err)
		}
		if len(w.only().RefreshToken) == 0 {
			t.Error("connecting again without a refresh token lost the old one")
		}
	})
}

func TestBehaviour10MarginsStayWithinAThirdOfTheLifetimeAndVary(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		seen := map[time.Duration]bool{}
		for _, c := range []struct{ lifetime, earliest time.Duration }{
			{time.Hour, 55 * time.Minute}, {6 * time.Minute, 4 * time.Minute},
		} {
			w.vendor.lifetime = c.lifetime
			for range 20 {
				if err := p.Refresh(system(t), integration); err != nil {
					t.Fatal(err)
				}
				at := time.Until(*w.only().RefreshAt)
				if at < c.earliest || at >= c.lifetime {
					t.Errorf("a token of %v is renewed after %v", c.lifetime, at)
				}
				seen[at] = true
			}
		}
		if len(seen) < 20 {
			t.Errorf("only %d different times", len(seen))
		}
	})
}

func TestBehaviour05AStoreThatCannotBeWrittenSpendsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		time.Sleep(2 * time.Hour)
		p.faults = 1
		if _, err := ask(system(t), p); err == nil || w.vendor.tokenRequests() != 0 {
			t.Errorf("%d token requests, %v", w.vendor.tokenRequests(), err)
		}
	})
}

func TestWhatWasSpentForIsStoredOnceTheStoreIsBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		w.vendor.answers = []func(*http.Request) *http.Response{func(*http.Request) *http.Response {
			p.fail(1) // from the moment the token is spent
			return nil
		}}
		go func() {
			time.Sleep(40 * time.Second)
			p.fail(0)
		}()
		if err := p.Refresh(system(t), integration); err != nil {
			t.Fatal(err)
		}
		if row := w.only(); row.Generation != 2 || row.LeaseOwner != nil {
			t.Errorf("generation %d", row.Generation)
		}
	})
}

func TestALeaseThatWasNeverReleasedIsTriedAndRecorded(t *testing.T) {
	for name, spent := range map[string]bool{"its token was not spent": false, "its token was spent": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world, p *process) {
				other := w.start()
				w.vendor.answers = []func(*http.Request) *http.Response{func(*http.Request) *http.Response {
					other.die()
					if spent {
						return nil
					}
					return reply(500, "")
				}}
				_ = other.Refresh(system(t), integration)
				began := time.Now()
				err := p.Refresh(system(t), integration)
				if waited := time.Since(began); waited < 30*time.Second || waited > 90*time.Second {
					t.Errorf("it waited %v for the lease", waited)
				}
				if spent != problem.Is(err, problem.ReauthorizationRequired) {
					t.Errorf("%v", err)
				}
				last := w.events[len(w.events)-1]
				if last.Details["lease"] != "abandoned" {
					t.Errorf("recorded %v", last)
				}
			})
		})
	}
}

func TestASlowHolderThatComesBackStillStores(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		slow := w.start()
		w.vendor.answers = []func(*http.Request) *http.Response{func(*http.Request) *http.Response {
			slow.standStill(5 * time.Minute)
			return nil
		}}
		go func() { _ = slow.Refresh(system(t), integration) }()
		time.Sleep(2 * time.Minute)
		if err := p.Refresh(system(t), integration); !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("the other finds the token spent: %v", err)
		}
		time.Sleep(5 * time.Minute)
		if _, err := ask(system(t), p); err != nil {
			t.Errorf("after the slow one has stored: %v", err)
		}
		if w.lastReason() != health.NotYetChecked { // the vendor may have ended it when its token was sent again
			t.Errorf("health: %s", w.lastReason())
		}
	})
}

func TestTokensOfAnotherClientAreNotSent(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		other := "client-0"
		w.rows[w.only().ID].ClientID = &other
		err := p.Refresh(system(t), integration)
		if w.vendor.tokenRequests() != 0 || !problem.Is(err, problem.ProviderFailed) {
			t.Errorf("%d token requests, %v", w.vendor.tokenRequests(), err)
		}
		if w.reports[0].Action != health.ContactAdmin || w.only().State != credential.Active {
			t.Errorf("health: %v", w.reports)
		}
	})
}

func TestASecretThatDoesNotOpenIsReportedAndKept(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		row := w.rows[w.only().ID]
		row.AccessToken = seal.Sealed(strings.Repeat("x", 40))
		if _, err := ask(system(t), p); !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("%v", err)
		}
		row.RefreshToken = seal.Sealed(strings.Repeat("y", 40))
		if err := p.Refresh(system(t), integration); !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("%v", err)
		}
		if w.lastReason() != health.SecretUnreadable || w.only().State != credential.Active || w.only().LeaseOwner != nil {
			t.Errorf("%s, %v", w.lastReason(), w.only())
		}
	})
}

func TestNoErrorOrEventHoldsASecret(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		w.vendor.ill = 1
		var said strings.Builder
		for range 20 {
			fmt.Fprintf(&said, "%+v\n", p.Refresh(system(t), integration))
		}
		w.vendor.ill = 0
		w.vendor.withdraw()
		_, err := ask(system(t), p)
		fmt.Fprintf(&said, "%+v %+v %+v", err, w.events, w.reports)
		if strings.Contains(said.String(), mark) {
			t.Errorf("a secret was said:\n%s", said.String())
		}
	})
}
