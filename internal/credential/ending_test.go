package credential_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
)

func end(t *testing.T, p *process, shared bool) (credential.Revocation, error) {
	t.Helper()
	var e credential.Ended
	err := p.InTx(system(t), func(ctx context.Context) (err error) {
		e, err = p.Stop(ctx, integration, nil, shared)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p.Revoke(system(t), e)
}

func TestEndingRevokesAtTheVendorAndLeavesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		r, err := end(t, p, false)
		if err != nil || r.Outcome != credential.Revoked || r.IntegrationID != integration {
			t.Errorf("%+v, %v", r, err)
		}
		if w.only() != nil || !w.vendor.hasRevoked("r1") || w.recorded(audit.Revoked) != 1 {
			t.Errorf("row %v, revoked %d", w.only(), len(w.vendor.revoked))
		}
		if r, err := end(t, p, false); err != nil || r.Outcome != credential.NotNeeded {
			t.Errorf("again: %+v, %v", r, err)
		}
	})
}

func TestEndingBeatsARenewalUnderWayAndRevokesWhatItBrings(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		w.vendor.latency = 4 * time.Second
		renewed := make(chan error)
		go func() { renewed <- p.Refresh(system(t), integration) }()
		time.Sleep(time.Nanosecond) // the lease is taken, the request under way
		other := w.start()
		r, err := end(t, other, false)
		if err != nil || r.Outcome != credential.Revoked {
			t.Errorf("%+v, %v", r, err)
		}
		if err := <-renewed; !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("the renewal: %v", err)
		}
		if !w.vendor.hasRevoked("r2") || w.only() != nil {
			t.Error("the new token was not revoked")
		}
	})
}

func TestARenewalOfARowThatIsGoneGivesItsTokensBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		slow := w.start()
		w.vendor.answers = []func(*http.Request) *http.Response{func(*http.Request) *http.Response {
			slow.standStill(5 * time.Minute)
			return nil
		}}
		go func() { _ = slow.Refresh(system(t), integration) }()
		time.Sleep(2 * time.Minute) // its lease is over
		if r, err := end(t, p, false); err != nil || r.Outcome != credential.Revoked {
			t.Errorf("%+v, %v", r, err)
		}
		time.Sleep(5 * time.Minute)
		if !w.vendor.hasRevoked("r2") {
			t.Error("the tokens that came too late live on")
		}
	})
}

func TestBehaviour17AVendorThatCannotBeReachedIsAskedAgainForAWeek(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		w.vendor.ill = 1
		if r, err := end(t, p, false); err != nil || r.Outcome != credential.Retrying {
			t.Errorf("%+v, %v", r, err)
		}
		if _, err := ask(system(t), p); !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("a stopped credential: %v", err)
		}
		if n, err := p.RetryRevocations(t.Context(), 10); n != 0 || err != nil {
			t.Errorf("tried %d before their time, %v", n, err)
		}
		for range 6 * 24 {
			time.Sleep(time.Hour)
			if n, err := p.RetryRevocations(t.Context(), 10); n != 1 || err != nil {
				t.Fatalf("tried %d, %v", n, err)
			}
		}
		if w.only() == nil || w.recorded(audit.Revoked) != 1 {
			t.Errorf("after six days: row %v, %d events", w.only(), w.recorded(audit.Revoked))
		}
		time.Sleep(25 * time.Hour)
		if _, err := p.RetryRevocations(t.Context(), 10); err != nil {
			t.Error(err)
		}
		last := w.events[len(w.events)-1]
		if w.only() != nil || last.Details["outcome"] != "ABANDONED" || last.Failure == "" {
			t.Errorf("after a week: row %v, %v", w.only(), last)
		}
	})
}

func TestTheBackgroundFinishesWhatNobodyRevoked(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		if _, err := p.Stop(system(t), integration, nil, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if n, err := w.start().RetryRevocations(t.Context(), 10); n != 1 || err != nil || w.only() != nil {
			t.Errorf("tried %d, %v", n, err)
		}
		if !w.vendor.hasRevoked("r1") {
			t.Error("not revoked")
		}
	})
}

func TestASharedGrantIsNotRevoked(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		if r, err := end(t, p, true); err != nil || r.Outcome != credential.NotNeeded {
			t.Errorf("%+v, %v", r, err)
		}
		if len(w.vendor.revoked) != 0 || w.only() != nil {
			t.Errorf("revoked %d, row %v", len(w.vendor.revoked), w.only())
		}
	})
}

func TestWhatNoVendorCanRevokeIsSaid(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		if err := w.save(p, credential.Grant{
			AuthKind: provider.APIKey, Secrets: map[string]seal.Secret{"key": seal.NewSecret(mark)},
		}); err != nil {
			t.Fatal(err)
		}
		r, err := end(t, p, false)
		if err != nil || r.Outcome != credential.Unsupported || r.Message != "Delete the key in Acme's settings." {
			t.Errorf("%+v, %v", r, err)
		}
		w.acme.Auth.OAuth2.Revoke = oauth.Revoke{Reason: "Sign out at Acme."}
		w.connect(p)
		r, err = end(t, p, false)
		if err != nil || r.Outcome != credential.Unsupported || r.Message != "Sign out at Acme." || w.only() != nil {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestConnectingAgainKeepsTheNewGrantAndGivesBackAnotherAccounts(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		w.vendor.ill = 1
		if r, _ := end(t, p, false); r.Outcome != credential.Retrying {
			t.Fatalf("%+v", r)
		}
		w.vendor.ill = 0
		w.connect(p)
		time.Sleep(time.Hour)
		if n, err := p.RetryRevocations(t.Context(), 10); n != 0 || err != nil {
			t.Errorf("revoked %d of what was connected again, %v", n, err)
		}
		access, refresh := w.vendor.issue()
		if err := w.save(p, credential.Grant{
			OtherAccount: true, Token: &oauth.Token{Access: access, Refresh: refresh},
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if n, err := p.RetryRevocations(t.Context(), 10); n != 1 || err != nil || !w.vendor.hasRevoked("r2") {
			t.Errorf("gave back %d of another account's, %v", n, err)
		}
		if _, err := ask(system(t), p); err != nil {
			t.Errorf("the new account: %v", err)
		}
	})
}

func TestSecretsAreChangedByName(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		secret := func(s string) seal.Secret { return seal.NewSecret(mark + s) }
		if err := w.save(p, credential.Grant{
			AuthKind: provider.APIKey, SigningKey: secret("sign"),
			Secrets: map[string]seal.Secret{"KEEP": secret("1"), "CHANGE": secret("2"), "REMOVE": secret("3")},
		}); err != nil {
			t.Fatal(err)
		}
		if err := p.SaveSecrets(system(t), integration, map[string]seal.Secret{
			"CHANGE": secret("4"), "REMOVE": {}, "ADD": secret("5"),
		}); err != nil {
			t.Fatal(err)
		}
		row := w.only()
		text, err := w.ring.Open(row.Secrets, seal.Place{
			Company: row.CompanyID, Table: "credentials", Row: row.ID, Column: "secrets",
		})
		want := `{"secrets":{"ADD":"` + mark + `5","CHANGE":"` + mark + `4","KEEP":"` + mark + `1"},"signing_key":"` +
			mark + `sign"}`
		if err != nil || text.Reveal() != want {
			t.Errorf("%v: %s", err, text.Reveal())
		}
	})
}
