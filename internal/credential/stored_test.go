package credential_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/auditevent"
	entintegration "github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/internal/access"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// env is a company in a real database, with a world whose vendor its services call.
type env struct {
	*world

	store   *store.Store
	clock   *clock
	company string
	ctx     context.Context
	newID   func(id.Kind) string
}

// newEnv makes a company. The database's clock is c.
func newEnv(t *testing.T, s *store.Store, c *clock) *env {
	t.Helper()
	e := &env{world: newWorld(t, 1), store: s, clock: c, newID: id.NewSource(c.now).New}
	keys := &access.Service{
		Store: s, Audit: &audit.Service{Store: s, Now: c.now, NewID: e.newID}, Now: c.now, NewID: e.newID,
	}
	row, err := keys.CreateCompany(t.Context(), "Acme")
	if err != nil {
		t.Fatal(err)
	}
	e.company, e.ctx = row.ID, viewer.SystemFor(t.Context(), row.ID)
	return e
}

func (e *env) service(t *testing.T, find func(string) (*provider.Provider, bool), send func(egress.Policy) *http.Client,
) *credential.Service {
	t.Helper()
	trail := &audit.Service{Store: e.store, Now: e.clock.now, NewID: e.newID}
	s := credential.New(credential.Deps{
		Rows: credential.Stored{Store: e.store}, Audit: trail,
		Health:   &health.Service{Store: e.store, Audit: trail, Now: e.clock.now, NewID: e.newID},
		Ring:     e.ring,
		Provider: find,
		Client:   func(string) (oauth.Client, bool) { return oauth.Client{ID: "client-1"}, true },
		HTTP:     send,
		Now:      e.clock.now, NewID: e.newID, Log: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (e *env) replica(t *testing.T) *credential.Service {
	t.Helper()
	find := func(name string) (*provider.Provider, bool) { return e.acme, name == "acme" }
	return e.service(t, find, func(egress.Policy) *http.Client {
		return &http.Client{Transport: &line{&process{world: e.world}}}
	})
}

func (e *env) integration(t *testing.T, name, kind string) *ent.Integration {
	t.Helper()
	now := e.clock.now()
	return e.store.Client(e.ctx).Integration.Create().SetID(e.newID(id.Integration)).SetProvider(name).SetAuthKind(kind).
		SetName("Work").SetHealthStatus(string(health.Degraded)).SetHealthReason(string(health.NotYetChecked)).
		SetHealthAction(string(health.Wait)).SetCreatedAt(now).SetUpdatedAt(now).SaveX(e.ctx)
}

func (e *env) connect(t *testing.T, s *credential.Service) *ent.Integration {
	t.Helper()
	row := e.integration(t, "acme", provider.OAuth2)
	access, refresh := e.vendor.issue()
	err := e.store.InTx(e.ctx, func(ctx context.Context) error {
		_, err := s.Save(ctx, credential.Grant{
			IntegrationID: row.ID, Provider: "acme", AuthKind: provider.OAuth2, ClientID: "client-1",
			Token: &oauth.Token{Access: access, Refresh: refresh, ExpiresIn: time.Hour},
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func (e *env) ask(ctx context.Context, s *credential.Service, integrationID string) error {
	_, v, err := s.Do(ctx, credential.Use{IntegrationID: integrationID}, &provider.Request{
		Method: http.MethodGet, URL: "https://api.acme.test/me", Header: http.Header{},
	})
	if err == nil && v.Kind != provider.OK {
		return problem.New(problem.ProviderFailed, "%s", v.Kind)
	}
	return err
}

func (e *env) events(what audit.Type) int {
	return e.store.Client(e.ctx).AuditEvent.Query().Where(auditevent.EventType(string(what))).CountX(e.ctx)
}

func (e *env) read(of string) *ent.Integration {
	return e.store.Client(e.ctx).Integration.Query().Where(entintegration.ID(of)).OnlyX(e.ctx)
}

// onBoth runs a test on each database.
func onBoth(t *testing.T, fn func(t *testing.T, e *env)) {
	t.Helper()
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		fn(t, openEnv(t, url))
	})
}

func openEnv(t *testing.T, url string) *env {
	t.Helper()
	c := &clock{at: time.Now().UTC().Truncate(time.Microsecond)}
	return newEnv(t, storetest.Open(t, store.Options{URL: url, Now: c.now}), c)
}

func TestBehaviour01TwoHundredCallersMakeOneTokenRequestAndOneWrite(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		replicas := []*credential.Service{e.replica(t), e.replica(t), e.replica(t)}
		it := e.connect(t, replicas[0])
		e.clock.pass(2 * time.Hour)
		e.vendor.latency = 100 * time.Millisecond
		var callers sync.WaitGroup
		for i := range 200 {
			callers.Go(func() {
				if err := e.ask(e.ctx, replicas[i%3], it.ID); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if n := e.vendor.tokenRequests(); n != 1 {
			t.Errorf("%d token requests, want 1", n)
		}
		row := e.store.Client(e.ctx).Credential.Query().OnlyX(e.ctx)
		if row.Generation != 2 || row.LeaseOwner != nil || e.events(audit.TokenRefreshed) != 1 {
			t.Errorf("generation %d, %d events", row.Generation, e.events(audit.TokenRefreshed))
		}
		now := e.read(it.ID)
		if now.HealthStatus != string(health.Healthy) || !now.TokenExpiresAt.Equal(*row.ExpiresAt) {
			t.Errorf("%s, expires %v", now.HealthStatus, now.TokenExpiresAt)
		}
	})
}

func TestAWithdrawnGrantTurnsHealthOnceAndInOneTransaction(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		s := e.replica(t)
		it := e.connect(t, s)
		e.vendor.withdraw()
		for range 3 {
			if err := e.ask(e.ctx, s, it.ID); !problem.Is(err, problem.ReauthorizationRequired) {
				t.Errorf("%v", err)
			}
		}
		now := e.read(it.ID)
		if now.HealthStatus != string(health.Expired) || now.HealthReason != string(health.RefreshRejected) {
			t.Errorf("%s, %s", now.HealthStatus, now.HealthReason)
		}
		if e.events(audit.TokenRefreshFailed) != 1 || e.events(audit.HealthChanged) != 1 {
			t.Errorf("%d and %d events", e.events(audit.TokenRefreshFailed), e.events(audit.HealthChanged))
		}
	})
}

func TestACompanysIntegrationServesItsUsersAndNobodyElses(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		s := e.replica(t)
		it := e.connect(t, s)
		user := viewer.With(t.Context(), viewer.Viewer{Company: e.company, User: e.newID(id.User)})
		if err := e.ask(user, s, it.ID); err != nil {
			t.Errorf("a user of the company: %v", err)
		}
		other := newEnv(t, e.store, e.clock)
		if err := e.ask(other.ctx, s, it.ID); !problem.Is(err, problem.NotFound) {
			t.Errorf("another company: %v", err)
		}
		if err := e.ask(t.Context(), s, it.ID); err == nil {
			t.Error("nobody was let in")
		}
	})
}

func TestNoProviderIsCalledInsideATransaction(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		s := e.replica(t)
		it := e.connect(t, s)
		err := e.store.InTx(e.ctx, func(ctx context.Context) error {
			ended, err := s.Stop(ctx, it.ID, nil, false)
			if err != nil {
				return err
			}
			_, revoked := s.Revoke(ctx, ended)
			for name, err := range map[string]error{
				"Do": e.ask(ctx, s, it.ID), "Refresh": s.Refresh(ctx, it.ID), "Revoke": revoked,
			} {
				if err == nil {
					t.Errorf("%s called a provider", name)
				}
			}
			return nil
		})
		if err != nil || e.vendor.tokenRequests() != 0 || len(e.vendor.revoked) != 0 {
			t.Errorf("%v", err)
		}
	})
}

func TestADisconnectionOutlivesItsIntegration(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		s := e.replica(t)
		it := e.connect(t, s)
		e.vendor.ill = 1
		var ended credential.Ended
		err := e.store.InTx(e.ctx, func(ctx context.Context) (err error) {
			if ended, err = s.Stop(ctx, it.ID, nil, false); err != nil {
				return err
			}
			return e.store.Client(ctx).Integration.DeleteOneID(it.ID).Exec(ctx)
		})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := s.Revoke(e.ctx, ended); err != nil || r.Outcome != credential.Retrying {
			t.Errorf("%+v, %v", r, err)
		}
		e.vendor.ill = 0
		e.clock.pass(time.Hour)
		var tried atomic.Int32
		var replicas sync.WaitGroup
		for range 3 {
			other := e.replica(t)
			replicas.Go(func() {
				n, err := other.RetryRevocations(t.Context(), 10)
				tried.Add(int32(n))
				if err != nil {
					t.Error(err)
				}
			})
		}
		replicas.Wait()
		if tried.Load() != 1 || len(e.vendor.revoked) != 1 || e.events(audit.Revoked) != 2 {
			t.Errorf("tried %d, revoked %d, %d events", tried.Load(), len(e.vendor.revoked), e.events(audit.Revoked))
		}
		if n := e.store.Client(e.ctx).Credential.Query().CountX(e.ctx); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}

func TestAWebhookReceivesItsSecretAndASignature(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		var got http.Header
		var body string
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			got, body = r.Header.Clone(), string(b)
			_, _ = io.WriteString(w, `{"results":[]}`)
		}))
		t.Cleanup(site.Close)
		all, err := provider.Load(catalog.FS)
		if err != nil {
			t.Fatal(err)
		}
		out := egress.New(egress.Options{
			AllowPrefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, ConnectTimeout: time.Minute,
		})
		t.Cleanup(out.Close)
		s := e.service(t, all.Get, out.Client)
		it := e.integration(t, "custom_webhook", provider.APIKey)
		key := seal.NewSecret(mark + "-sign")
		if _, err := s.Save(e.ctx, credential.Grant{
			IntegrationID: it.ID, Provider: "custom_webhook", AuthKind: provider.APIKey, SigningKey: key,
			Secrets: map[string]seal.Secret{"TOKEN": seal.NewSecret(mark)},
		}); err != nil {
			t.Fatal(err)
		}
		config := map[string]any{
			"url": site.URL, "authentication": map[string]any{"type": "bearer", "token": "{{TOKEN}}"},
		}
		_, v, err := s.Do(e.ctx, credential.Use{IntegrationID: it.ID, Config: config}, &provider.Request{
			Method: http.MethodPost, URL: site.URL, Header: http.Header{}, Body: []byte(`{"query":"x"}`),
		})
		if err != nil || v.Kind != provider.OK {
			t.Fatalf("%v, %v", v, err)
		}
		stamp := got.Get("Patchbay-Timestamp")
		want := provider.Sign(key, stamp, []byte(`{"query":"x"}`))
		if got.Get("Authorization") != "Bearer "+mark || got.Get("Patchbay-Signature") != want || body != `{"query":"x"}` {
			t.Errorf("received %v %s", got, body)
		}
		row := e.store.Client(e.ctx).Credential.Query().OnlyX(e.ctx)
		if strings.Contains(string(row.Secrets), mark) {
			t.Error("the secret is stored in plain text")
		}
	})
}
