package integration_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	entcredential "github.com/patchbay/patchbay/ent/credential"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
)

// desk is a vendor that takes access back by requests of its own. Its refresh tokens work once.
type desk struct {
	mu      sync.Mutex
	n       int  // how many tokens were issued
	alive   bool // whether the newest access token works
	dead    bool // whether the grant is dead
	ill     int  // how many requests of a revocation it fails
	deleted []string
	spent   []string
}

func openDesk(t *testing.T, w *integrationtest.World) (*desk, *ent.Integration) {
	t.Helper()
	d := &desk{}
	w.Vendor.Handle("blue.example.com/token", d.token)
	w.Vendor.Handle("blue.example.com/api/tokens/current", func(rw http.ResponseWriter, r *http.Request) {
		if d.allowed(rw, r) {
			_, _ = io.WriteString(rw, `{"id":7}`)
		}
	})
	w.Vendor.Handle("blue.example.com/api/tokens/7", func(rw http.ResponseWriter, r *http.Request) {
		if d.allowed(rw, r) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.deleted, d.dead = append(d.deleted, r.Method+" "+r.URL.RawQuery+" "+r.Header.Get("Authorization")), true
			rw.WriteHeader(http.StatusNoContent)
		}
	})
	w.Vendor.Answer("blue.example.com/api/me", 200, `{"id":"ada","name":"Ada"}`)
	in := w.ConnectInput(w.User)
	in.Provider, in.Config = "acme_desk", map[string]any{"desk": "blue"}
	attempt, err := w.Service.Connect(w.Ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	back := w.CallbackInput(w.User, attempt)
	back.Provider = "acme_desk"
	row, err := w.Callback(w.Ctx, back)
	if err != nil {
		t.Fatal(err)
	}
	return d, row
}

func (d *desk) token(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if sent := r.Form.Get("refresh_token"); sent != "" {
		d.spent = append(d.spent, sent)
		if d.dead || sent != fmt.Sprintf("refresh-%d", d.n) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
			return
		}
	}
	d.n++
	d.alive = true
	fmt.Fprintf(w, `{"access_token":"access-%d","refresh_token":"refresh-%d","expires_in":3600}`, d.n, d.n)
}

func (d *desk) allowed(w http.ResponseWriter, r *http.Request) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.ill > 0:
		d.ill--
		w.WriteHeader(http.StatusServiceUnavailable)
	case !d.alive || d.dead || r.Header.Get("Authorization") != fmt.Sprintf("Bearer access-%d", d.n):
		w.WriteHeader(http.StatusUnauthorized)
	default:
		return true
	}
	return false
}

// retryRevocations lets the background revoke whatever waits for it. What is due goes by the database's clock, which is
// not the world's.
func retryRevocations(t *testing.T, w *integrationtest.World) {
	t.Helper()
	w.Store.Client(w.Ctx).Credential.Update().Where(entcredential.State(credential.Ending)).
		SetNextAttemptAt(time.Now().Add(-time.Second)).ExecX(w.Ctx)
	if _, err := w.Credentials.RetryRevocations(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
}

func TestAccessIsTakenBackByTheProvidersOwnRequests(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		d, row := openDesk(t, w)
		gone, err := w.Disconnect(w.Ctx, row.ID)
		if err != nil || gone.Outcome != credential.Revoked || gone.Message != "" {
			t.Errorf("disconnected with %+v, %v", gone, err)
		}
		if !slices.Equal(d.deleted, []string{"DELETE of=blue Bearer access-1"}) || len(d.spent) != 0 {
			t.Errorf("the vendor took back %v and renewed with %v", d.deleted, d.spent)
		}
	})
}

func TestAccessThatHasEndedIsRenewedToBeTakenBack(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		d, row := openDesk(t, w)
		w.Wait(2 * time.Hour)
		gone, err := w.Disconnect(w.Ctx, row.ID)
		if err != nil || gone.Outcome != credential.Revoked {
			t.Errorf("disconnected with %+v, %v", gone, err)
		}
		if !slices.Equal(d.deleted, []string{"DELETE of=blue Bearer access-2"}) || !slices.Equal(d.spent, []string{"refresh-1"}) {
			t.Errorf("the vendor took back %v and renewed with %v", d.deleted, d.spent)
		}
	})
}

func TestAccessThatIsRefusedEarlyIsRenewedToBeTakenBack(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		d, row := openDesk(t, w)
		d.alive = false // only this access token; the grant lives
		gone, err := w.Disconnect(w.Ctx, row.ID)
		if err != nil || gone.Outcome != credential.Revoked || len(d.deleted) != 1 || len(d.spent) != 1 {
			t.Errorf("disconnected with %+v, %v; deleted %v", gone, err, d.deleted)
		}
	})
}

func TestAGrantThatIsDeadAlreadyCountsAsTakenBack(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		d, row := openDesk(t, w)
		d.dead = true
		gone, err := w.Disconnect(w.Ctx, row.ID)
		if err != nil || gone.Outcome != credential.Revoked || len(d.deleted) != 0 || len(d.spent) != 1 {
			t.Errorf("disconnected with %+v, %v; spent %v", gone, err, d.spent)
		}
	})
}

func TestAProviderThatFailsToTakeAccessBackIsAskedAgainWithWhatTheRenewalBrought(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		d, row := openDesk(t, w)
		w.Wait(2 * time.Hour)
		d.ill = 2
		gone, err := w.Disconnect(w.Ctx, row.ID)
		if err != nil || gone.Outcome != credential.Retrying {
			t.Fatalf("disconnected with %+v, %v", gone, err)
		}
		for range 3 {
			retryRevocations(t, w)
		}
		// one renewal by then: the tokens that it brought are kept for the next attempts, although the first has failed
		if !slices.Equal(d.spent, []string{"refresh-1"}) || len(d.deleted) != 1 {
			t.Errorf("spent %v, deleted %v", d.spent, d.deleted)
		}
		if n := w.Store.Client(w.Ctx).Credential.Query().CountX(w.Ctx); n != 0 {
			t.Error("the credential is still there")
		}
		events := w.Events(t, audit.Revoked)
		if len(events) != 2 || events[0].Details["outcome"] != "RETRYING" || events[1].Details["outcome"] != "REVOKED" {
			t.Errorf("the trail says %v", events)
		}
	})
}

func TestATokenThatCannotBeKeptIsTakenBackByTheProvidersOwnRequests(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		d, row := openDesk(t, w)
		w.Vendor.Answer("blue.example.com/api/me", 200, `{"id":"eve","name":"Eve"}`)
		in := w.ConnectInput(w.User)
		in.Provider, in.IntegrationID = "acme_desk", &row.ID
		attempt, err := w.Service.Connect(w.Ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		back := w.CallbackInput(w.User, attempt)
		back.Provider = "acme_desk"
		if _, err := w.Callback(w.Ctx, back); err == nil {
			t.Fatal("another account was accepted")
		}
		if len(d.deleted) != 1 || !strings.HasSuffix(d.deleted[0], "access-2") {
			t.Errorf("the vendor took back %v", d.deleted)
		}
	})
}

// Where a renewal must come first, what it brings is told at once: a database that fails just then must not leave a grant
// alive that nobody can end any more.
func TestAccessIsTakenBackWithTokensThatCannotBeStored(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		d, row := openDesk(t, w)
		w.Wait(48 * time.Hour)
		var back func()
		w.Vendor.Handle("blue.example.com/token", func(rw http.ResponseWriter, r *http.Request) {
			back = sync.OnceFunc(away(t, w, "credentials"))
			d.token(rw, r)
		})
		w.Vendor.Handle("blue.example.com/api/tokens/current", func(rw http.ResponseWriter, r *http.Request) {
			if d.allowed(rw, r) {
				back()
				_, _ = io.WriteString(rw, `{"id":7}`)
			}
		})
		gone, err := w.Disconnect(w.Ctx, row.ID)
		if back != nil {
			back()
		}
		if err != nil || gone.Outcome != credential.Revoked || len(d.deleted) != 1 || len(d.spent) != 1 {
			t.Errorf("%+v, %v: deleted %v, spent %v", gone, err, d.deleted, d.spent)
		}
	})
}
