package credential_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/problem"
)

// TestBehaviour02TheLeaseIsOwnerCheckedRenewedAndFenced lets one process take minutes for a renewal: as long as it
// lives it keeps its lease and nobody else spends the token, and once another has taken the lease it stores nothing over
// what that has stored. That only the owner releases a lease is the conformance test's.
func TestBehaviour02TheLeaseIsOwnerCheckedRenewedAndFenced(t *testing.T) {
	t.Run("who is slow and lives keeps it", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world, slow *process) {
			other := w.start()
			time.Sleep(2 * time.Hour)
			until := time.Now().Add(100 * time.Second)
			slow.beforeRenew = func() error {
				if time.Now().Before(until) {
					return errStore
				}
				return nil
			}
			first := make(chan error, 1)
			go func() { _, err := ask(system(t), slow); first <- err }()
			time.Sleep(50 * time.Second)
			_, err := ask(system(t), other)
			if err != nil || <-first != nil || w.vendor.tokenRequests() != 1 || w.recorded(audit.TokenRefreshed) != 1 {
				t.Errorf("%d token requests, %v", w.vendor.tokenRequests(), err)
			}
			if row := w.only(); row.Generation != 2 || row.LeaseOwner != nil {
				t.Errorf("generation %d, lease of %v", row.Generation, row.LeaseOwner)
			}
		})
	})
	t.Run("who has lost it stores nothing over another's", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world, slow *process) {
			other := w.start()
			time.Sleep(2 * time.Hour)
			w.vendor.rotates = false // the refresh token lives on, so that both are answered
			w.vendor.answers = []func(*http.Request) *http.Response{func(*http.Request) *http.Response {
				slow.standStill(5 * time.Minute)
				return nil
			}}
			first := make(chan error, 1)
			go func() { _, err := ask(system(t), slow); first <- err }()
			time.Sleep(time.Minute)
			if _, err := ask(system(t), other); err != nil {
				t.Errorf("the other: %v", err)
			}
			stored := w.only().AccessToken
			if err := <-first; err != nil {
				t.Errorf("the slow one adopts: %v", err)
			}
			if row := w.only(); row.Generation != 2 || string(row.AccessToken) != string(stored) {
				t.Errorf("the slow one wrote over generation %d", row.Generation)
			}
		})
	})
}

func TestAfterAnOutageOfTheStoreItsHolderStoresFirst(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, holder *process) {
		other := w.start()
		time.Sleep(2 * time.Hour)
		w.vendor.answers = []func(*http.Request) *http.Response{func(*http.Request) *http.Response {
			w.outage(82 * time.Second) // far longer than a lease
			return nil
		}}
		first := make(chan error, 1)
		go func() { _, err := ask(system(t), holder); first <- err }()
		time.Sleep(75 * time.Second)
		if n, err := other.RefreshDue(t.Context(), 10); err == nil {
			t.Errorf("%d were claimed in a store that is gone", n)
		}
		time.Sleep(7*time.Second + time.Millisecond)
		if n, err := other.RefreshDue(t.Context(), 10); n != 0 || err != nil {
			t.Errorf("the background took %d, %v", n, err)
		}
		if _, err := ask(system(t), other); err != nil {
			t.Errorf("who asks as soon as the store is back: %v", err)
		}
		if err := <-first; err != nil {
			t.Errorf("the holder: %v", err)
		}
		if n := w.vendor.tokenRequests(); n != 1 || w.only().State != credential.Active {
			t.Errorf("%d token requests, want 1", n)
		}
	})
}

func TestTheLeaseOfAProcessThatDiedEndsWithinAMinute(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		dying := w.start()
		time.Sleep(2 * time.Hour)
		w.vendor.answers = []func(*http.Request) *http.Response{func(*http.Request) *http.Response {
			dying.die()
			return reply(http.StatusInternalServerError, "")
		}}
		go func() { _ = dying.Refresh(system(t), integration) }()
		time.Sleep(time.Second)
		began := time.Now()
		if _, err := ask(system(t), p); err != nil {
			t.Error(err)
		}
		if waited := time.Since(began); waited < 20*time.Second || waited > 35*time.Second {
			t.Errorf("it waited %v, want longer than a call and hardly longer than a lease", waited)
		}
	})
}

func TestARefreshThatIsNeverAnsweredEndsInItsOwnTime(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, p *process) {
		time.Sleep(2 * time.Hour)
		w.vendor.latency = 1000 * time.Hour
		began := time.Now()
		err := p.Refresh(system(t), integration)
		if took := time.Since(began); !problem.Is(err, problem.ProviderTimeout) || took != 20*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		if row := w.only(); row.State != credential.Active || row.LeaseOwner != nil || row.Failures != 1 {
			t.Errorf("%s, %d failures, leased: %v", row.State, row.Failures, row.LeaseOwner != nil)
		}
		w.vendor.recover()
		time.Sleep(time.Minute)
		if _, err := ask(system(t), p); err != nil {
			t.Errorf("once it answers again: %v", err)
		}
	})
}
