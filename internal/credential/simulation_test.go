package credential_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/seal"
)

var (
	schedules = flag.Int("schedules", 1500, "how many schedules the simulation plays")
	schedule  = flag.Uint64("schedule", 0, "the one schedule to play")
)

// TestNoScheduleLosesAToken plays processes, callers and mishaps against each other, differently for each seed: steps
// of the store that fail before or after they took effect, calls that are not served or whose answer is lost, processes
// that stand still or die, clocks that jump, answers that break off, a grant that is withdrawn, ended or given again in
// the middle of a renewal.
func TestNoScheduleLosesAToken(t *testing.T) {
	t.Parallel()
	first, last := uint64(1), uint64(*schedules)
	if *schedule != 0 {
		first, last = *schedule, *schedule
	}
	var seen tally
	for seed := first; seed <= last && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) { play(t, seed, &seen) })
	}
	t.Logf("%+v", seen)
}

// skewed is how far a process's clock may be from the store's, either way.
const skewed = 2 * time.Minute

// tally counts what the schedules came across, so that a simulation that has become tame is noticed.
type tally struct{ spends, doubled, lost, ended, stopped, calm int }

func play(t *testing.T, seed uint64, seen *tally) {
	w := newWorld(t, seed)
	c := w.chance
	calm, limps := c.one(0.2), c.one(0.15)
	calm = calm || limps // but for the token endpoint
	maybe := func(often, much float64) float64 {
		if calm || !c.one(often) {
			return 0
		}
		return much * float64(c.upTo(1000)) / 1000
	}
	w.vendor.strict, w.vendor.limps = !limps && c.one(0.5), limps
	w.vendor.latency = 2 * time.Second
	if !calm && c.one(0.3) {
		w.vendor.latency = 45 * time.Second // longer than one call may take
	}
	w.vendor.lifetime = []time.Duration{10 * time.Minute, time.Hour}[c.upTo(2)]
	processes := []*process{w.start(), w.start(), w.start()}
	w.connect(processes[0])
	w.vendor.ill, w.vendor.lost = maybe(0.5, 0.5), maybe(0.5, 0.3)
	if limps {
		w.vendor.ill = 0.5 + float64(c.upTo(500))/1000
	}
	faults := maybe(0.5, 0.2)
	for _, p := range processes {
		p.latency, p.faults = 200*time.Millisecond, faults
	}

	var actors sync.WaitGroup
	later := func(do func()) {
		delay := c.upTo(3 * w.vendor.lifetime)
		actors.Go(func() {
			time.Sleep(delay)
			do()
		})
	}
	anybody := func() *process { return processes[c.upTo(3)] }
	for range 3 + c.upTo(10) {
		p := anybody()
		actors.Go(func() {
			for range 1 + c.upTo(5) {
				time.Sleep(c.upTo(w.vendor.lifetime))
				ctx, cancel := context.WithTimeout(system(t), time.Second+c.upTo(3*time.Minute))
				works := !limps || w.works(3*time.Minute)
				if c.one(0.2) {
					_ = p.Refresh(ctx, integration)
				} else if _, err := ask(ctx, p); err != nil && calm && works && ctx.Err() == nil {
					t.Errorf("schedule %d: a caller failed on a calm day, or with a token that works: %v", seed, err)
				}
				cancel()
			}
		})
	}
	stopped, withdrawn := false, false
	if !calm {
		for _, p := range processes {
			if c.one(0.3) {
				later(func() { p.setClock(c.upTo(2*skewed) - skewed) })
			}
		}
		if c.one(0.3) {
			later(processes[1].die)
		}
		for range c.upTo(3) {
			p := processes[2]
			later(func() { p.standStill(c.upTo(4 * time.Minute)) })
		}
		if c.one(0.3) { // longer than a lease, shorter than an answer is kept for
			later(func() { w.outage(c.upTo(90 * time.Second)) })
		}
		if c.one(0.3) { // for one alone, shorter than a lease or longer
			p := anybody()
			later(func() { p.cut(c.upTo([]time.Duration{25 * time.Second, 4 * time.Minute}[c.upTo(2)])) })
		}
		switch {
		case c.one(0.2):
			withdrawn = true
			later(w.vendor.withdraw)
		case c.one(0.3):
			stopped = true
			later(func() { stop(t, processes[0]) })
		case c.one(0.3):
			later(func() { w.connectAgain(processes[0]) })
		}
	} else {
		seen.calm++
	}
	actors.Wait()

	w.vendor.recover()
	for _, p := range processes {
		p.fail(0)
	}
	time.Sleep(time.Hour)
	if stopped {
		seen.stopped++
		settle(t, w, processes[0], seed)
	} else if _, err := ask(system(t), processes[0]); err != nil && !withdrawn && !w.vendor.lostAny() {
		t.Errorf("schedule %d: nothing was lost and the access is gone: %v", seed, err)
	} else if err != nil {
		seen.ended++
	}
	w.judge(seed, seen)
}

// setClock lets the process's clock jump to be so much ahead of the store's.
func (p *process) setClock(ahead time.Duration) {
	p.life.Lock()
	defer p.life.Unlock()
	p.ahead = ahead
}

// works reports whether the vendor takes the stored access token for so long.
func (w *world) works(long time.Duration) bool {
	row := w.only()
	n := w.numberOf(row, row.AccessToken, "access_token")
	w.vendor.mu.Lock()
	defer w.vendor.mu.Unlock()
	return w.vendor.issued[n].After(time.Now().Add(long))
}

// stop disconnects as a person does: until it has worked.
func stop(t *testing.T, p *process) {
	for {
		var e credential.Ended
		err := p.InTx(system(t), func(ctx context.Context) (err error) {
			e, err = p.Stop(ctx, integration, nil, false)
			return err
		})
		if err == nil {
			_, _ = p.Revoke(system(t), e)
			return
		}
		time.Sleep(time.Second)
	}
}

// connectAgain stores a new grant of the same account: until it has worked, as the database's answer would tell.
func (w *world) connectAgain(p *process) {
	access, refresh := w.vendor.issue()
	for {
		err := p.InTx(system(w.t), func(ctx context.Context) error {
			_, err := p.Save(ctx, credential.Grant{
				IntegrationID: integration, Provider: "acme", AuthKind: "OAUTH2", ClientID: "client-1",
				Token: &oauth.Token{Access: access, Refresh: refresh, ExpiresIn: w.vendor.lifetime},
			})
			return err
		})
		if err == nil || !errors.Is(err, errStore) || w.hasStored(access) {
			return
		}
		time.Sleep(time.Second)
	}
}

// hasStored reports whether a token was stored although the store did not say so.
func (w *world) hasStored(access seal.Secret) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	var n int
	_, _ = fmt.Sscanf(access.Reveal(), mark+"-a%d", &n)
	return w.newest >= n
}

// settle lets the background finish a disconnection and proves that nothing of it is left.
func settle(t *testing.T, w *world, p *process, seed uint64) {
	for range 5 {
		time.Sleep(time.Hour)
		if _, err := p.RetryRevocations(t.Context(), 10); err != nil {
			t.Errorf("schedule %d: %v", seed, err)
		}
	}
	if row := w.only(); row != nil {
		t.Errorf("schedule %d: the credential is still there: %s, generation %d", seed, row.State, row.Generation)
	}
	if w.vendor.living() {
		t.Errorf("schedule %d: the grant lives on at the vendor", seed)
	}
	if _, err := ask(system(t), p); !problem.Is(err, problem.NotFound) {
		t.Errorf("schedule %d: a stopped credential: %v", seed, err)
	}
}

func (v *vendor) living() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.alive
}

func (v *vendor) lostAny() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, sp := range v.spends {
		if sp.accepted && sp.lost() {
			return true
		}
	}
	return false
}

// judge looks for a refresh token that was sent again although what it was spent for had arrived.
func (w *world) judge(seed uint64, seen *tally) {
	w.t.Helper()
	for _, wrong := range w.wrong {
		w.t.Errorf("schedule %d: %s", seed, wrong)
	}
	w.vendor.mu.Lock()
	defer w.vendor.mu.Unlock()
	spent := map[int]spend{}
	for _, sp := range w.vendor.spends {
		seen.spends++
		before, again := spent[sp.number]
		if again {
			seen.doubled++
		}
		if again && !before.lost() {
			w.t.Errorf("schedule %d: refresh token %d was spent again", seed, sp.number)
		}
		if sp.accepted && sp.lost() {
			seen.lost++
		}
		if sp.accepted {
			spent[sp.number] = sp
		}
	}
}
