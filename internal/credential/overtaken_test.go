package credential_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/problem"
)

// cutOff lets the holder's next renewal be answered, and takes the store away from it alone in that moment.
func cutOff(w *world, holder *process, d time.Duration) {
	w.vendor.answers = []func(*http.Request) *http.Response{func(*http.Request) *http.Response {
		holder.cut(d)
		return nil
	}}
}

// A process that alone has lost the database holds what a one-time token was spent for: while the access is good nobody
// needs to spend that token again.
func TestWhoAloneHasLostTheDatabaseIsNotOvertakenWhileTheAccessIsGood(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, holder *process) {
		other := w.start()
		time.Sleep(56 * time.Minute) // of an hour: its renewal ahead is due
		cutOff(w, holder, 100*time.Second)
		done := make(chan error, 1)
		go func() { done <- holder.Refresh(system(t), integration) }()
		for range 19 {
			time.Sleep(5 * time.Second)
			if n, err := other.RefreshDue(t.Context(), 10); n != 0 || err != nil {
				t.Fatalf("the background took %d, %v", n, err)
			}
			if _, err := ask(system(t), other); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-done; err != nil {
			t.Errorf("the holder: %v", err)
		}
		if row := w.only(); w.vendor.tokenRequests() != 1 || row.Generation != 2 || row.LeaseOwner != nil {
			t.Errorf("%d token requests, generation %d", w.vendor.tokenRequests(), row.Generation)
		}
		if w.recorded(audit.TokenRefreshed) != 1 || w.recorded(audit.TokenRefreshFailed) != 0 {
			t.Errorf("%v", w.events)
		}
	})
}

// Once the access has ended somebody must try, and a vendor that takes a token once says no. What the first one was
// answered is good all the same, and is stored when it can be; nothing is called proved before it was used.
func TestWhatComesLateRevivesWhatAnotherHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, holder *process) {
		other := w.start()
		time.Sleep(2 * time.Hour)
		cutOff(w, holder, 100*time.Second)
		done := make(chan error, 1)
		go func() { done <- holder.Refresh(system(t), integration) }()
		time.Sleep(time.Second)
		if _, err := ask(system(t), other); !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("who overtakes: %v", err)
		}
		if w.only().State != credential.Expired || lastLease(w) != "abandoned" || w.lastReason() != health.RefreshRejected {
			t.Errorf("%s, lease %v, %s", w.only().State, lastLease(w), w.lastReason())
		}
		if err := <-done; err != nil {
			t.Errorf("the holder: %v", err)
		}
		if w.only().State != credential.Active || w.lastReason() != health.NotYetChecked {
			t.Errorf("what came late: %s, %s", w.only().State, w.lastReason())
		}
		if _, err := ask(system(t), other); err != nil {
			t.Errorf("with what came late: %v", err)
		}
		time.Sleep(time.Hour)
		if _, err := ask(system(t), other); err != nil || w.vendor.tokenRequests() != 3 {
			t.Errorf("the next renewal: %v after %d requests", err, w.vendor.tokenRequests())
		}
	})
}

// This is the loss that nothing can prevent: it is said, and only the person can mend it.
func TestWhatCannotBeStoredForTooLongIsLostAndSaid(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, holder *process) {
		other := w.start()
		time.Sleep(2 * time.Hour)
		cutOff(w, holder, time.Hour)
		done := make(chan error, 1)
		go func() { done <- holder.Refresh(system(t), integration) }()
		time.Sleep(5 * time.Minute)
		if err := <-done; err == nil {
			t.Error("the holder claims to have stored")
		}
		if _, err := ask(system(t), other); !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("%v", err)
		}
		if w.only().State != credential.Expired || lastLease(w) != "abandoned" || w.lastReason() != health.RefreshRejected {
			t.Errorf("%s, lease %v, %s", w.only().State, lastLease(w), w.lastReason())
		}
	})
}
