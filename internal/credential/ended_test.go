package credential_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
)

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
