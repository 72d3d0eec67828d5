package health_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/auditevent"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
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

const every = 15 * time.Minute

// onClock runs a test on each database in a world whose clocks the test moves. Only "acme" and what begins with it can be
// probed.
func onClock(t *testing.T, fn func(t *testing.T, w *world, c *clock)) {
	t.Helper()
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		c := &clock{at: time.Now().UTC().Truncate(time.Microsecond)}
		w := newWorld(t, storetest.Open(t, store.Options{URL: url, Now: c.now}))
		w.Now, w.Audit.Now, w.NewID = c.now, c.now, id.NewSource(c.now).New
		w.Audit.NewID = w.NewID
		w.Every = rhythm
		fn(t, w, c)
	})
}

func rhythm(provider string) time.Duration {
	if len(provider) >= 4 && provider[:4] == "acme" {
		return every
	}
	return 0
}

// many adds n healthy integrations, each due a microsecond later than the one before, an hour ago.
func (w *world) many(t *testing.T, n int, providerOf func(i int) string) []string {
	t.Helper()
	now := w.Now()
	ids := make([]string, n)
	err := w.Store.InTx(w.ctx, func(ctx context.Context) error {
		client := w.Store.Client(ctx).Integration
		for start := 0; start < n; start += 500 {
			var bulk []*ent.IntegrationCreate
			for i := start; i < min(start+500, n); i++ {
				ids[i] = w.NewID(id.Integration)
				bulk = append(bulk, client.Create().SetID(ids[i]).SetUserID(w.users[0].ID).SetProvider(providerOf(i)).
					SetAuthKind("OAUTH2").SetName("x").SetCreatedAt(now).SetUpdatedAt(now).
					SetHealthStatus("HEALTHY").SetHealthReason("OK").SetHealthAction("NONE").SetHealthCheckedAt(now).
					SetNextProbeAt(now.Add(-time.Hour+time.Duration(i)*time.Microsecond)))
			}
			if err := client.CreateBulk(bulk...).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func acme(int) string { return "acme" }

// prober counts what it is asked, and answers as fails says.
type prober struct {
	*health.Service
	fails func(row *ent.Integration) error

	mu    sync.Mutex
	asked map[string]int
}

func (p *prober) Probe(ctx context.Context, row *ent.Integration) (health.Probed, error) {
	p.mu.Lock()
	if p.asked == nil {
		p.asked = map[string]int{}
	}
	p.asked[row.ID]++
	p.mu.Unlock()
	switch err := p.outcome(row); {
	case err == nil:
		_, err := p.Proved(ctx, row.ID, health.Present)
		return health.Probed{Sent: true}, err
	case errors.Is(err, errIll):
		_, err := p.ProbeFailed(ctx, row.ID, health.Finding{Reason: health.ProviderError})
		return health.Probed{Sent: true, Failed: true}, err
	default:
		return health.Probed{}, err
	}
}

func (p *prober) outcome(row *ent.Integration) error {
	if p.fails == nil {
		return nil
	}
	return p.fails(row)
}

func (p *prober) most() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, times := range p.asked {
		n = max(n, times)
	}
	return n
}

var errIll = errors.New("the provider is ill")

// drain probes until nothing is due.
func (w *world) drain(t *testing.T, p *prober, batch int) (taken int) {
	t.Helper()
	for {
		n, err := w.ProbeDue(t.Context(), p, batch)
		if err != nil {
			t.Fatal(err)
		}
		if taken += n; n == 0 {
			return taken
		}
	}
}

func TestSixWorkersProbeEachIntegrationExactlyOnce(t *testing.T) {
	onClock(t, func(t *testing.T, w *world, _ *clock) {
		const all = 240
		p := &prober{Service: w.Service}
		w.many(t, all, acme)
		var workers sync.WaitGroup
		for range 6 {
			workers.Go(func() { w.drain(t, p, 40) })
		}
		workers.Wait()
		w.drain(t, p, 40) // what was being claimed while the last worker looked
		if len(p.asked) != all || p.most() != 1 {
			t.Errorf("%d of %d probed, one %d times", len(p.asked), all, p.most())
		}
	})
}

func TestAKilledWorkersProbesReturnWhenItsLeaseEnds(t *testing.T) {
	onClock(t, func(t *testing.T, w *world, c *clock) {
		ids := w.many(t, 3, acme)
		killed := &prober{Service: w.Service, fails: func(*ent.Integration) error { return errors.New("killed") }}
		if n, err := w.ProbeDue(t.Context(), killed, 40); n != 3 || err == nil {
			t.Fatalf("%d, %v", n, err)
		}
		p := &prober{Service: w.Service}
		if n := w.drain(t, p, 40); n != 0 {
			t.Errorf("%d taken while the lease held", n)
		}
		c.pass(2*time.Minute + time.Second)
		if n := w.drain(t, p, 40); n != len(ids) || p.most() != 1 {
			t.Errorf("%d taken after it", n)
		}
	})
}

func TestProbesThatWereClaimedAreGivenBackWhenTheProcessStops(t *testing.T) {
	onClock(t, func(t *testing.T, w *world, _ *clock) {
		w.many(t, 60, acme)
		stopping, stop := context.WithCancel(t.Context())
		p := &prober{Service: w.Service, fails: func(*ent.Integration) error { stop(); return context.Canceled }}
		if _, err := w.ProbeDue(stopping, p, 200); err != nil {
			t.Fatal(err)
		}
		due := w.Store.Client(w.ctx).Integration.Query().Where(integration.NextProbeAtLTE(w.Now())).CountX(w.ctx)
		if due != 60 {
			t.Errorf("%d of 60 are due still", due)
		}
	})
}

func TestProbesThatFailRestAndStarveNobody(t *testing.T) {
	onClock(t, func(t *testing.T, w *world, c *clock) {
		ids := w.many(t, 120, func(i int) string { return fmt.Sprint("acme ", i%3) })
		bad := map[string]bool{}
		for _, id := range ids[:20] {
			bad[id] = true
		}
		p := &prober{Service: w.Service, fails: func(row *ent.Integration) error {
			if bad[row.ID] {
				return errIll
			}
			return nil
		}}
		for range 24 {
			w.drain(t, p, 40)
			c.pass(every / 2)
		}
		for _, id := range ids {
			switch n := p.asked[id]; {
			case bad[id] && (n < 4 || n > 8), !bad[id] && n < 7:
				t.Errorf("%d probes in three hours, failing: %v", n, bad[id])
			}
		}
		row := w.Store.Client(w.ctx).Integration.GetX(w.ctx, ids[0])
		if row.HealthReason != string(health.ProviderError) {
			t.Errorf("health = %s", row.HealthReason)
		}
	})
}

func TestWhatIsDueLongestIsProbedFirst(t *testing.T) {
	onClock(t, func(t *testing.T, w *world, c *clock) {
		p := &prober{Service: w.Service}
		var last []string
		for n := range 5 { // more than one batch takes; the oldest rows are due last
			company := newWorld(t, w.Store)
			company.Now, company.NewID = w.Now, w.NewID
			ids := company.many(t, 2, func(int) string { return fmt.Sprint("acme ", n) })
			company.Store.Client(company.ctx).Integration.Update().Where(integration.IDIn(ids...)).
				SetNextProbeAt(c.now().Add(-time.Duration(n+1) * time.Hour)).ExecX(company.ctx)
			if n == 0 {
				last = ids
			}
		}
		if n, err := w.ProbeDue(t.Context(), p, 8); n != 8 || err != nil {
			t.Fatalf("%d taken, %v", n, err)
		}
		if p.asked[last[0]]+p.asked[last[1]] != 0 {
			t.Error("what has just come due was probed before what has waited for hours")
		}
	})
}

func TestWhatCannotBeProbedIsNeverProbed(t *testing.T) {
	onClock(t, func(t *testing.T, w *world, c *clock) {
		none := w.integration(t, w.users[0], "webhook")
		off := w.many(t, 1, acme)[0]
		w.Store.Client(w.ctx).Integration.UpdateOneID(off).SetEnabled(false).ExecX(w.ctx)
		for _, reason := range []health.Reason{health.NotYetChecked, health.OK, health.ProviderError} {
			w.report(t, none, reason)
		}
		row := w.Store.Client(w.ctx).Integration.GetX(w.ctx, none.ID)
		c.pass(24 * time.Hour)
		if n := w.drain(t, &prober{Service: w.Service}, 40); n != 0 || row.NextProbeAt != nil {
			t.Errorf("%d probed, %v", n, row.NextProbeAt)
		}
	})
}

func TestOneHundredThousandProbesAreSpread(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	s := &health.Service{Now: func() time.Time { return now }, Every: rhythm}
	for name, state := range map[string]health.State{
		"proved": health.Finding{Reason: health.OK}.State(now), "scopes": health.Finding{Reason: health.ScopesMissing}.State(now),
	} {
		minutes := map[int]int{}
		for range 100_000 {
			minutes[int(s.FirstProbe("acme", state).Sub(now)/time.Minute)]++
		}
		for m := range 15 {
			if n := minutes[m]; n < 6000 || n > 7400 {
				t.Errorf("%s: %d probes in minute %d, want about 6,667", name, n, m)
			}
		}
		if len(minutes) != 15 {
			t.Errorf("%s: probes in %d minutes", name, len(minutes))
		}
	}
	unproved := health.Finding{Reason: health.NotYetChecked}.State(now)
	if at := s.FirstProbe("acme", unproved); at.Before(now) || at.Sub(now) > time.Minute {
		t.Errorf("what nothing has proved yet is probed in %v", at.Sub(now))
	}
}

func TestABunchOfProbesDissolves(t *testing.T) {
	onClock(t, func(t *testing.T, w *world, c *clock) {
		w.many(t, 400, acme)
		p := &prober{Service: w.Service}
		w.drain(t, p, 400)
		start := c.now()
		early, late := start.Add(every*3/4), start.Add(every*5/4)
		row := func(from, to time.Time) int {
			return w.Store.Client(w.ctx).Integration.Query().
				Where(integration.NextProbeAtGTE(from), integration.NextProbeAtLT(to)).CountX(w.ctx)
		}
		if n := row(early, late); n != 400 {
			t.Errorf("%d of 400 within a quarter of the interval", n)
		}
		if n := row(early, early.Add(every/8)); n < 60 || n > 140 {
			t.Errorf("%d of 400 in the first of four parts", n)
		}
	})
}

func TestGreenThatNothingProvesTurnsStaleOnceAndRecovers(t *testing.T) {
	onClock(t, func(t *testing.T, w *world, c *clock) {
		a, b := w.integration(t, w.users[0], "acme"), w.integration(t, w.users[1], "webhook")
		for _, row := range []*ent.Integration{a, b} {
			if _, err := w.Proved(w.ctx, row.ID, health.Present); err != nil {
				t.Fatal(err)
			}
		}
		proved := c.now()
		state := health.Of(w.Store.Client(w.ctx).Integration.GetX(w.ctx, a.ID))
		if state.StaleAt == nil || !state.StaleAt.Equal(proved.Add(4*every)) {
			t.Fatalf("staleAt = %v", state.StaleAt)
		}
		age := func() {
			t.Helper()
			var replicas sync.WaitGroup
			for range 4 {
				replicas.Go(func() {
					if _, err := w.AgeDue(t.Context(), 100); err != nil {
						t.Error(err)
					}
				})
			}
			replicas.Wait()
		}
		c.pass(4*every - time.Second)
		age()
		c.pass(2 * time.Second)
		age()
		changes := w.Store.Client(w.ctx).HealthChange.Query().AllX(w.ctx)
		events := w.Store.Client(w.ctx).AuditEvent.Query().
			Where(auditevent.EventType(string(audit.HealthChanged))).CountX(w.ctx)
		if len(changes) != 1 || events != 1 || changes[0].IntegrationID != a.ID || changes[0].Reason != string(health.Stale) {
			t.Fatalf("%d changes, %d events: %+v", len(changes), events, changes)
		}
		state = health.Of(w.Store.Client(w.ctx).Integration.GetX(w.ctx, a.ID))
		if state.Status != health.Degraded || state.StaleAt != nil || !state.CheckedAt.Equal(proved) {
			t.Errorf("health = %+v", state)
		}
		if changed, err := w.Proved(w.ctx, a.ID, health.Present); err != nil || !changed {
			t.Errorf("a proof does not recover it: %v", err)
		}
		c.pass(7 * 24 * time.Hour)
		age()
		if row := w.Store.Client(w.ctx).Integration.GetX(w.ctx, b.ID); row.HealthReason != string(health.Stale) {
			t.Errorf("what only use can prove is %s after a week", row.HealthReason)
		}
	})
}

func TestAgeingNeverWritesOverAFreshProof(t *testing.T) {
	onClock(t, func(t *testing.T, w *world, c *clock) {
		row := w.integration(t, w.users[0], "acme")
		for range 10 {
			if _, err := w.Proved(w.ctx, row.ID, health.Present); err != nil {
				t.Fatal(err)
			}
			c.pass(4 * every)
			var both sync.WaitGroup
			both.Go(func() {
				if _, err := w.AgeDue(t.Context(), 100); err != nil {
					t.Error(err)
				}
			})
			both.Go(func() {
				if _, err := w.Proved(w.ctx, row.ID, health.Present); err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			if now := w.Store.Client(w.ctx).Integration.GetX(w.ctx, row.ID); now.HealthStatus != string(health.Healthy) {
				t.Fatalf("health = %s", now.HealthReason)
			}
		}
	})
}
