package credential_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	entcredential "github.com/patchbay/patchbay/ent/credential"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

// counter is a token endpoint that knows each refresh token, works while fails says so, and counts.
type counter struct {
	fails func(refresh string) bool

	mu     sync.Mutex
	spends map[string]int
}

func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(req.Body)
	form, _ := url.ParseQuery(string(body))
	refresh := form.Get("refresh_token")
	c.mu.Lock()
	if c.spends == nil {
		c.spends = map[string]int{}
	}
	c.spends[refresh]++
	c.mu.Unlock()
	if c.fails != nil && c.fails(refresh) {
		return reply(http.StatusServiceUnavailable, ""), nil
	}
	return reply(http.StatusOK, fmt.Sprintf(`{"access_token":"new %s","expires_in":3600}`, refresh)), nil
}

func (c *counter) most() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, spent := range c.spends {
		n = max(n, spent)
	}
	return n
}

func (e *env) worker(t *testing.T, c *counter) *credential.Service {
	t.Helper()
	find := func(name string) (*provider.Provider, bool) {
		p := *e.acme
		p.Name = name
		return &p, true
	}
	return e.service(t, find, func(egress.Policy) *http.Client { return &http.Client{Transport: c} })
}

// due stores n credentials whose renewal is due since one hour, each a microsecond later than the one before.
func (e *env) due(t *testing.T, n int, change func(i int, row *ent.Credential)) {
	t.Helper()
	now := e.clock.now()
	var creates []*ent.CredentialCreate
	for i := range n {
		row := &ent.Credential{
			ID: e.newID(id.Credential), CompanyID: e.company, Provider: "acme",
			RefreshAt: new(now.Add(-time.Hour + time.Duration(i)*time.Microsecond)), ExpiresAt: new(now.Add(time.Minute)),
		}
		tokens := e.sealed(row, seal.NewSecret("access"), seal.NewSecret(fmt.Sprint("refresh ", i)))
		row.AccessToken, row.RefreshToken = tokens.Access, tokens.Refresh
		if change != nil {
			change(i, row)
		}
		creates = append(creates, e.store.Client(e.ctx).Credential.Create().SetID(row.ID).SetCompanyID(row.CompanyID).
			SetProvider(row.Provider).SetAuthKind(provider.OAuth2).SetState(credential.Active).SetClientID("client-1").
			SetAccessToken(row.AccessToken).SetRefreshToken(row.RefreshToken).SetNillableRefreshAt(row.RefreshAt).
			SetNillableExpiresAt(row.ExpiresAt).SetCreatedAt(now).SetUpdatedAt(now))
	}
	err := e.store.InTx(e.ctx, func(ctx context.Context) error {
		for len(creates) > 0 {
			k := min(500, len(creates))
			if err := e.store.Client(ctx).Credential.CreateBulk(creates[:k]...).Exec(ctx); err != nil {
				return err
			}
			creates = creates[k:]
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBehaviour13RowsThatAlwaysFailStarveNobody is number 13: twenty rows that fail for ever, the first among ten thousand.
func TestBehaviour13RowsThatAlwaysFailStarveNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		const all, bad = 10_000, 20
		failing := map[string]bool{}
		e.due(t, all, func(i int, row *ent.Credential) {
			row.AccessToken, row.RefreshToken = seal.Sealed("a"), seal.Sealed("r")
			if i < bad {
				failing[row.ID] = true
			}
			if row.Provider = fmt.Sprint("provider ", i%4); i%4 == 0 {
				row.Provider = "slow"
			}
		})
		rows := credential.Stored{Store: e.store}
		ctx := viewer.System(e.ctx)
		tried, served := map[string]int{}, 0
		for batch := 0; served < all-bad; batch++ {
			claimed, err := rows.ClaimDue(ctx, "w", time.Minute, store.Share{Limit: 1000, PerProvider: 400, PerCompany: 1000})
			if err != nil {
				t.Fatal(err)
			}
			if len(claimed) == 0 || batch > 20 {
				t.Fatalf("%d of %d served after %d batches", served, all-bad, batch)
			}
			var good []string
			for _, row := range claimed {
				if tried[row.ID]++; !failing[row.ID] {
					good = append(good, row.ID)
					continue
				}
				next := e.clock.now().Add(5 * time.Second << tried[row.ID])
				setback := &credential.Setback{Generation: row.Generation, Failures: tried[row.ID], Next: next, Ahead: next}
				if err := rows.Release(ctx, row.ID, "w", setback); err != nil {
					t.Fatal(err)
				}
			}
			served += len(good)
			e.store.Client(ctx).Credential.Update().Where(entcredential.IDIn(good...)).
				ClearLeaseOwner().ClearLeaseUntil().SetRefreshAt(e.clock.now().Add(time.Hour)).ExecX(ctx)
			e.clock.pass(20 * time.Second)
		}
		for row, n := range tried {
			if n > 1 && !failing[row] {
				t.Errorf("a good row was claimed %d times", n)
			}
		}
	})
}

func TestAFailureRestsLongerEachTimeAndTheOthersAreRenewed(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		c := &counter{fails: func(refresh string) bool { return refresh == "refresh 0" }}
		s := e.worker(t, c)
		e.due(t, 9, nil)
		var due []time.Time
		for step := 0; len(due) < 4; step++ {
			if _, err := s.RefreshDue(t.Context(), 8); err != nil || step > 40 {
				t.Fatalf("step %d: %v", step, err)
			}
			row := e.store.Client(e.ctx).Credential.Query().Order(entcredential.ByID()).FirstX(e.ctx)
			if row.Failures > len(due) {
				due = append(due, *row.RefreshAt)
				e.clock.pass(row.RefreshAt.Sub(e.clock.now()) + time.Millisecond)
			}
		}
		for i := 2; i < len(due); i++ {
			if due[i].Sub(due[i-1]) < due[i-1].Sub(due[i-2])*3/2 {
				t.Errorf("failure %d did not wait longer: %v", i+1, due)
			}
		}
		if len(c.spends) != 9 || c.spends["refresh 0"] != 4 || c.spends["refresh 8"] != 1 {
			t.Errorf("%v", c.spends)
		}
	})
}

func TestSixWorkersTakeEachRowExactlyOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		const all = 240
		c := &counter{}
		e.due(t, all, nil)
		var workers sync.WaitGroup
		for range 6 {
			s := e.worker(t, c)
			workers.Go(func() {
				for {
					n, err := s.RefreshDue(t.Context(), 40)
					if err != nil {
						t.Error(err)
					}
					if n == 0 {
						return
					}
				}
			})
		}
		workers.Wait()
		for { // what was being claimed while the last worker looked
			n, err := e.worker(t, c).RefreshDue(t.Context(), 40)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
		if len(c.spends) != all || c.most() != 1 || e.events(audit.TokenRefreshed) != all {
			t.Errorf("%d rows, one %d times, %d events", len(c.spends), c.most(), e.events(audit.TokenRefreshed))
		}
	})
}

func TestAKilledWorkersRowsReturnWhenItsLeaseEnds(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		c := &counter{}
		s := e.worker(t, c)
		e.due(t, 3, nil)
		whole := store.Share{Limit: 10, PerProvider: 10, PerCompany: 10}
		if rows, err := (credential.Stored{Store: e.store}).ClaimDue(e.ctx, "killed", time.Minute, whole); len(rows) != 3 {
			t.Fatalf("%d claimed, %v", len(rows), err)
		}
		if n, err := s.RefreshDue(t.Context(), 20); n != 0 || err != nil {
			t.Errorf("%d taken while the lease held, %v", n, err)
		}
		e.clock.pass(time.Minute + time.Second)
		if n, err := s.RefreshDue(t.Context(), 20); n != 3 || err != nil {
			t.Errorf("%d taken after it, %v", n, err)
		}
		if len(c.spends) != 3 || c.most() != 1 {
			t.Errorf("%v", c.spends)
		}
	})
}

func TestWhatWasClaimedIsGivenBackWhenTheProcessStops(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		c := &counter{}
		stopping, stop := context.WithCancel(t.Context())
		c.fails = func(string) bool { stop(); return false }
		e.due(t, 100, nil)
		if _, err := e.worker(t, c).RefreshDue(stopping, 200); err != nil {
			t.Fatal(err)
		}
		leased := e.store.Client(e.ctx).Credential.Query().Where(entcredential.LeaseOwnerNotNil()).CountX(e.ctx)
		if leased != 0 || len(c.spends) == 0 || len(c.spends) > 20 {
			t.Errorf("%d are leased still, %d were renewed", leased, len(c.spends))
		}
	})
}

// TestBehaviour07AccessThatCannotBeRenewedEndsByItself is number 7, for the one that nobody uses.
func TestBehaviour07AccessThatCannotBeRenewedEndsByItself(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		c := &counter{}
		s := e.worker(t, c)
		it := e.integration(t, "acme", provider.OAuth2)
		if _, err := s.Save(e.ctx, credential.Grant{
			IntegrationID: it.ID, Provider: "acme", AuthKind: provider.OAuth2, ClientID: "client-1",
			Token: &oauth.Token{Access: seal.NewSecret("access"), ExpiresIn: time.Hour},
		}); err != nil {
			t.Fatal(err)
		}
		e.clock.pass(time.Hour - time.Second)
		if n, err := s.RefreshDue(t.Context(), 8); n != 0 || err != nil {
			t.Errorf("%d, %v before the end", n, err)
		}
		e.clock.pass(2 * time.Second)
		for range 2 {
			if _, err := s.RefreshDue(t.Context(), 8); err != nil {
				t.Error(err)
			}
		}
		now := e.read(it.ID)
		if now.HealthReason != string(health.TokenExpired) || now.HealthAction != string(health.Reconnect) {
			t.Errorf("%s, %s", now.HealthReason, now.HealthAction)
		}
		if e.events(audit.TokenRefreshFailed) != 1 || e.events(audit.HealthChanged) != 1 || len(c.spends) != 0 {
			t.Errorf("%d and %d events", e.events(audit.TokenRefreshFailed), e.events(audit.HealthChanged))
		}
	})
}

func TestASecretThatDoesNotOpenIsNotTriedAgainAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		c := &counter{}
		s := e.worker(t, c)
		e.due(t, 1, func(_ int, row *ent.Credential) { row.RefreshToken = seal.Sealed(strings.Repeat("x", 40)) })
		for i, want := range []int{1, 0} {
			if n, err := s.RefreshDue(t.Context(), 8); n != want || err != nil {
				t.Errorf("step %d: %d, %v", i+1, n, err)
			}
		}
	})
}
