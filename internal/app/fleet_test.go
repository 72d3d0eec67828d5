package app_test

import (
	"context"
	"database/sql"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// rounds is how often TestReplicasThatAreKilled kills: make chaos runs 50.
var rounds = flag.Int("rounds", 0, "rounds of killing replicas")

// fleet is several Patchbay processes over one PostgreSQL, and a calendar connected through one of them.
type fleet struct {
	t        *testing.T
	vendor   *rotating
	database *sql.DB
	args     []string
	key      string
	replicas []*member
	user     string
	calendar string
}

// member is one replica, a process of its own, so that it can be killed.
type member struct {
	*running
	*victim
}

func newFleet(t *testing.T, size int, pause time.Duration) *fleet {
	t.Helper()
	url := storetest.Postgres(t)
	f := &fleet{t: t, vendor: newRotating(t, pause)}
	f.key = strings.TrimSpace(command(t, "apikey", "create", "--database", url, "--company", "Acme"))
	f.args = []string{
		"serve", "--database", url, "--key-ring-file", keyRing(t), "--listen", "127.0.0.1:0", "--log-level", "warn",
		"--manifests", manifests(t, f.vendor.URL, "rotates: false", "rotates: true"), "--egress-allow", strings.TrimPrefix(f.vendor.URL, "http://"),
		"--oauth-clients", `{"google":{"client_id":"client","client_secret":"secret"}}`,
	}
	var err error
	if f.database, err = sql.Open("postgres", url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.database.Close() })
	for range size {
		f.replicas = append(f.replicas, f.start())
	}
	f.user = at(f.replicas[0].mutate("userCreate", "user { id }", map[string]any{"externalId": "ada"}), "user", "id").(string)
	f.connect(f.replicas[0])
	return f
}

// start launches the test's own binary as patchbay; see TestMain.
func (f *fleet) start() *member {
	f.t.Helper()
	r := &member{victim: newVictim(f.t, f.args...)}
	r.running = &running{t: f.t, Key: f.key, Log: r.said}
	r.stop = func() int { r.kill(f.t, f.args[slices.Index(f.args, "--database")+1]); return 0 }
	r.URL = "http://" + r.Log.find(f.t, `on (127\.0\.0\.1:\d+)`, r.ended)
	return r
}

// connect connects the calendar, or connects it again.
func (f *fleet) connect(r *member) {
	f.t.Helper()
	in := map[string]any{"userId": f.user, "provider": "google_calendar", "redirectUrl": "http://127.0.0.1:9/done"}
	if f.calendar != "" {
		in["integrationId"] = f.calendar
	}
	state := r.mutate("integrationConnect", "state", in)["state"]
	done := r.mutate("integrationCallback", "integration { id }", map[string]any{
		"userId": f.user, "provider": "google_calendar", "code": "code", "state": state,
	})
	f.calendar = at(done, "integration", "id").(string)
}

// expire ends the access token, here and at the vendor.
func (f *fleet) expire() {
	f.t.Helper()
	f.vendor.mu.Lock()
	f.vendor.access = ""
	f.vendor.mu.Unlock()
	if _, err := f.database.ExecContext(f.t.Context(), `update credentials set expires_at = now() - interval '1 minute'`); err != nil {
		f.t.Fatal(err)
	}
}

// ask asks the calendar through a replica and returns the code of what went wrong, or "".
func (f *fleet) ask(ctx context.Context, r *member) string {
	a, err := r.send(ctx, `mutation($i: ID!) { integrationQuery(input: {integrationId: $i, query: "meetings today", timeoutMs: 25000}) {
		result { latencyMs } userErrors { code message } } }`, map[string]any{"i": f.calendar})
	switch {
	case err != nil:
		return err.Error()
	case len(a.Errors) > 0:
		return a.raw
	}
	errs := at(a.Data, "integrationQuery", "userErrors")
	if code, ok := at(errs, 0, "code").(string); ok {
		return code
	}
	return ""
}

// event counts audit events of a type.
func (f *fleet) events(kind string) (n int) {
	f.t.Helper()
	err := f.database.QueryRowContext(f.t.Context(), `select count(*) from audit_events where event_type = $1`, kind).Scan(&n)
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// TestBehaviour01OneRefreshForSixHundredCallers is the protocol with real processes: three replicas, 200 callers each, one
// expired credential at a vendor that rotates refresh tokens and punishes reuse. It runs before the parallel tests, alone.
func TestBehaviour01OneRefreshForSixHundredCallers(t *testing.T) { //nolint:paralleltest // see above
	f := newFleet(t, 3, 300*time.Millisecond)
	f.expire()
	failures := make(chan string, 3*callers)
	var all sync.WaitGroup
	for _, r := range f.replicas {
		for range callers {
			all.Go(func() {
				if failure := f.ask(t.Context(), r); failure != "" {
					failures <- failure
				}
			})
		}
	}
	all.Wait()
	close(failures)
	for failure := range failures {
		t.Errorf("a caller failed: %s", failure)
		if t.Failed() {
			break
		}
	}
	if refreshes, reused := f.vendor.counts(); refreshes != 1 || reused != 0 {
		t.Errorf("the vendor was asked for %d refreshes and saw %d spent tokens, want 1 and 0", refreshes, reused)
	}
	if n := f.events("TOKEN_REFRESHED"); n != 1 {
		t.Errorf("%d TOKEN_REFRESHED events, want 1", n)
	}
}

// TestReplicasThatAreKilled kills a replica at a random moment of a refresh, round after round, and often the one that
// refreshes. Whatever happens, no spent token is sent but in the one case that nothing can prevent: killed between the
// vendor's spending of the token and our commit. Then the vendor ends the grant, and Patchbay must say so and be mended by
// connecting again.
func TestReplicasThatAreKilled(t *testing.T) {
	if *rounds == 0 {
		t.Skip("run make chaos")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	f := newFleet(t, 3, 40*time.Millisecond)
	lost, waited := 0, 0
	for round := range *rounds {
		f.expire()
		_, before := f.vendor.counts()
		victim := random.IntN(len(f.replicas))
		var spent chan struct{} // nil: the kill waits for its time alone
		after := time.Duration(random.IntN(150)) * time.Millisecond
		if random.IntN(2) == 0 {
			spent, after = f.vendor.spent, after/2
		}
		ahead := random.IntN(2) == 0 // the victim is the first to refresh
		select {
		case <-f.vendor.spent: // of the round before
		default:
		}
		var all sync.WaitGroup
		for i, r := range f.replicas {
			for range 10 {
				all.Go(func() {
					if ahead && i != victim {
						<-time.After(30 * time.Millisecond)
					}
					failure := f.ask(t.Context(), r)
					if failure != "" && i != victim && failure != "REAUTHORIZATION_REQUIRED" && failure != "PROVIDER_TIMEOUT" {
						t.Errorf("round %d: a caller of a living replica failed: %s", round, failure)
					}
				})
			}
		}
		all.Go(func() {
			if spent != nil {
				select {
				case <-spent:
				case <-time.After(10 * time.Second):
				}
			}
			<-time.After(after)
			f.replicas[victim].stop()
		})
		began := time.Now()
		all.Wait()
		f.replicas[victim] = f.start()

		failure := f.ask(t.Context(), f.replicas[victim])
		for tries := 0; failure == "PROVIDER_TIMEOUT" && tries < 3; tries++ { // the dead process still holds its lease
			failure = f.ask(t.Context(), f.replicas[victim])
		}
		if time.Since(began) > 15*time.Second {
			waited++
		}
		_, reused := f.vendor.counts()
		switch {
		case failure == "" && reused == before:
		case failure == "REAUTHORIZATION_REQUIRED" && reused == before+1:
			lost++
			said := column(t, f.database, `select concat_ws(' ', details->>'reason', details->>'lease') from audit_events
				where event_type = 'TOKEN_REFRESH_FAILED' order by id desc limit 1`)
			if !slices.Equal(said, []string{"REFRESH_REJECTED abandoned"}) {
				t.Errorf("round %d: the trail says of the loss: %q", round, said)
			}
			f.connect(f.replicas[victim])
			if failure := f.ask(t.Context(), f.replicas[victim]); failure != "" {
				t.Fatalf("round %d: connecting again did not mend it: %s", round, failure)
			}
		default:
			t.Fatalf("round %d: %q, %d spent tokens came back", round, failure, reused-before)
		}
	}
	t.Logf("%d rounds, %d of them waited for the lease of a dead replica, %d grants were lost between the vendor's spending "+
		"and the commit, each reported and mended", *rounds, waited, lost)
}
