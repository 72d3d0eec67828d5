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
	"github.com/patchbay/patchbay/internal/provider"
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

func TestBehaviour08NothingThatIsNotDefinitiveEndsACredential(t *testing.T) {
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"an ill server that says invalid_grant": {500, `{"error":"invalid_grant"}`},
		"too many requests":                     {429, `{"error":"invalid_grant"}`},
		"a page":                                {200, `<html>`},
		"an empty token":                        {200, `{"access_token":""}`},
		"an unknown code":                       {400, `{"error":"odd"}`},
		"a refused client":                      {401, `{"error":"invalid_client"}`},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world, p *process) {
				time.Sleep(2 * time.Hour)
				w.vendor.answers = []func(*http.Request) *http.Response{func(*http.Request) *http.Response {
					return reply(answer.status, answer.body)
				}}
				_, err := ask(system(t), p)
				if e, ok := errors.AsType[*problem.Error](err); !ok || e.Code == problem.ReauthorizationRequired {
					t.Errorf("%v", err)
				}
				row := w.only()
				if row.State != credential.Active || row.Generation != 1 || row.Failures != 1 || row.LeaseOwner != nil {
					t.Errorf("%s, generation %d, %d failures", row.State, row.Generation, row.Failures)
				}
				if _, err := ask(system(t), p); err == nil || w.vendor.tokenRequests() != 0 {
					t.Errorf("it was asked again at once: %v", err)
				}
				time.Sleep(time.Hour)
				if _, err := ask(system(t), p); err != nil {
					t.Errorf("after a while: %v", err)
				}
				if row := w.only(); row.Failures != 0 || row.NextAttemptAt != nil {
					t.Errorf("%d failures are still counted", row.Failures)
				}
				if w.lastReason() != health.OK {
					t.Errorf("health: %s", w.lastReason())
				}
			})
		})
	}
}

func TestARestAfterAFailureDoesNotStopAPersonOrAGoodToken(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		time.Sleep(time.Hour - time.Minute)
		w.vendor.ill = 1
		if _, err := ask(system(t), p); err != nil {
			t.Errorf("a good token: %v", err)
		}
		if err := p.Refresh(system(t), integration); err == nil {
			t.Error("a refresh at an ill vendor succeeded")
		}
		w.vendor.ill = 0
		if _, err := ask(system(t), p); err != nil {
			t.Errorf("while it rests: %v", err)
		}
		if n := w.vendor.tokenRequests(); n != 0 {
			t.Errorf("%d token requests while it rests", n)
		}
		if err := p.Refresh(system(t), integration); err != nil {
			t.Errorf("a person's request: %v", err)
		}
	})
}

func TestThreeFailuresInARowShowInHealth(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		w.vendor.ill = 1
		for i := range 3 {
			if len(w.reports) != 0 {
				t.Errorf("health spoke after %d failures", i)
			}
			_ = p.Refresh(system(t), integration)
		}
		if len(w.reports) != 1 || w.reports[0].Reason == health.OK || w.reports[0].Reason.Definitive() {
			t.Errorf("health: %v", w.reports)
		}
		if n := w.recorded(audit.TokenRefreshFailed); n != 3 {
			t.Errorf("%d events", n)
		}
	})
}

func TestARejectedRefreshEndsTheCredential(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		w.vendor.withdraw()
		if _, err := ask(system(t), p); !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("%v", err)
		}
		if row := w.only(); row.State != credential.Expired || w.lastReason() != health.RefreshRejected {
			t.Errorf("%s, %s", row.State, w.lastReason())
		}
		if n := w.recorded(audit.TokenRefreshFailed); n != 1 {
			t.Errorf("%d events", n)
		}
		before := w.vendor.tokenRequests()
		_, err := ask(system(t), p)
		if !problem.Is(err, problem.ReauthorizationRequired) || w.vendor.tokenRequests() != before {
			t.Errorf("an ended credential was tried again: %v", err)
		}
		w.connect(p)
		if _, err := ask(system(t), p); err != nil {
			t.Errorf("connected again: %v", err)
		}
	})
}

func TestAFreshTokenThatIsRefusedEndsTheCredential(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		refuse := func(req *http.Request) *http.Response {
			if req.URL.Host == "api.acme.test" {
				return reply(401, "{}")
			}
			return nil
		}
		w.vendor.answers = []func(*http.Request) *http.Response{refuse, refuse, refuse}
		if _, err := ask(system(t), p); !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("%v", err)
		}
		if row := w.only(); row.State != credential.Expired || w.lastReason() != health.CredentialRejected {
			t.Errorf("%s, %s", row.State, w.lastReason())
		}
		if n := w.vendor.tokenRequests(); n != 1 {
			t.Errorf("%d token requests, want 1", n)
		}
	})
}

func TestAnAdoptedTokenThatIsRefusedIsRenewedBeforeAnythingEnds(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		time.Sleep(30 * time.Minute)
		refuse := func(*http.Request) *http.Response { return reply(401, "{}") }
		w.vendor.answers = []func(*http.Request) *http.Response{func(req *http.Request) *http.Response {
			w.rows[w.only().ID].Generation++ // another process has stored while the answer was on its way
			return refuse(req)
		}, refuse}
		if _, err := ask(system(t), p); err != nil || w.vendor.tokenRequests() != 1 {
			t.Errorf("%d token requests, %v", w.vendor.tokenRequests(), err)
		}
	})
}

func TestARefusalWhileSomebodyRenewsEndsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		w.vendor.strict = true
		other := w.start()
		stored := make(chan error)
		w.vendor.answers = []func(*http.Request) *http.Response{func(*http.Request) *http.Response {
			return reply(401, "{}")
		}, nil, func(*http.Request) *http.Response {
			// Another process holds the lease. The vendor has answered it, and by that ended the token just renewed.
			row, owner, until := w.rows[w.only().ID], "other", time.Now().Add(time.Minute)
			row.LeaseOwner, row.LeaseUntil = &owner, &until
			access, refresh := w.vendor.next()
			go func() {
				time.Sleep(3 * time.Second)
				_, err := other.Renew(system(t), row.ID, owner, row.Generation, w.sealed(row, access, refresh))
				stored <- err
			}()
			return nil
		}}
		if _, err := ask(system(t), p); err != nil {
			t.Error(err)
		}
		if err := <-stored; err != nil {
			t.Error(err)
		}
		if w.recorded(audit.TokenRefreshFailed) != 0 || w.only().State != credential.Active {
			t.Errorf("%s, %v", w.only().State, w.events)
		}
	})
}

func TestATypedInKeyIsJudgedByItsAnswersAlone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		if err := w.save(p, credential.Grant{AuthKind: provider.APIKey, Secrets: map[string]seal.Secret{
			"key": seal.NewSecret(mark),
		}}); err != nil {
			t.Fatal(err)
		}
		if _, err := ask(system(t), p); !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("%v", err)
		}
		if row := w.only(); row.State != credential.Active || w.lastReason() != health.CredentialRejected {
			t.Errorf("%s, %s", row.State, w.lastReason())
		}
		if n := w.vendor.tokenRequests(); n != 0 {
			t.Errorf("%d token requests", n)
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
		if w.lastReason() != health.OK {
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
