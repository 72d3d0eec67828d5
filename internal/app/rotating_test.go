package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// rotating is a provider that gives a new refresh token with each access token and, when an old one comes back, ends the
// whole grant: the strictest that OAuth 2.0 Security (RFC 9700 section 4.14.2) recommends.
type rotating struct {
	*httptest.Server
	// pause is how long the token endpoint takes to answer a refresh.
	pause time.Duration
	// spent receives when a refresh token has been spent and is not answered yet, if somebody waits for that.
	spent chan struct{}

	mu sync.Mutex
	// held receives for each question that waits until gate is closed; nothing waits without a gate.
	held, gate chan struct{}

	n         int    // the number of the newest pair
	ended     bool   // a spent refresh token came back
	refreshes int    // refreshes that were answered with tokens
	reused    int    // spent refresh tokens that came back
	current   string // the one refresh token that is good
	access    string // the one access token that is good
}

func newRotating(t *testing.T, pause time.Duration) *rotating {
	t.Helper()
	v := &rotating{pause: pause, spent: make(chan struct{}, 1)}
	v.Server = httptest.NewServer(http.HandlerFunc(v.serve))
	t.Cleanup(v.Close)
	return v
}

func (v *rotating) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/token" {
		v.token(w, r)
		return
	}
	v.mu.Lock()
	good := !v.ended && r.Header.Get("Authorization") == "Bearer "+v.access
	v.mu.Unlock()
	switch {
	case r.URL.Path == "/revoke":
		fmt.Fprintln(w, `{}`)
	case !good:
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintln(w, `{"error":{"code":401,"message":"Invalid Credentials"}}`)
	case strings.HasSuffix(r.URL.Path, "/events"):
		v.mu.Lock()
		held, gate := v.held, v.gate
		v.mu.Unlock()
		if gate != nil {
			held <- struct{}{}
			<-gate
		}
		fmt.Fprintln(w, `{"kind":"calendar#events","items":[]}`)
	default:
		fmt.Fprintln(w, `{"kind":"calendar#calendarListEntry","id":"ada@example.com","summary":"Ada"}`)
	}
}

// token spends the token first and answers later, as a vendor does whose answer is slow.
func (v *rotating) token(w http.ResponseWriter, r *http.Request) {
	refreshing := r.FormValue("grant_type") == "refresh_token"
	v.mu.Lock()
	if refreshing && (v.ended || r.FormValue("refresh_token") != v.current) {
		v.ended, v.reused = true, v.reused+1
		v.mu.Unlock()
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintln(w, `{"error":"invalid_grant"}`)
		return
	}
	v.n++
	v.ended = false // a person's consent makes a new grant
	v.access, v.current = fmt.Sprintf("access-%d", v.n), fmt.Sprintf("refresh-%d", v.n)
	answer := fmt.Sprintf(`{"access_token":%q,"refresh_token":%q,"token_type":"Bearer","expires_in":3600}`, v.access, v.current)
	if refreshing {
		v.refreshes++
	}
	v.mu.Unlock()
	if refreshing {
		select {
		case v.spent <- struct{}{}:
		default:
		}
		select {
		case <-time.After(v.pause):
		case <-r.Context().Done():
		}
	}
	fmt.Fprintln(w, answer)
}

// hold makes questions wait until the test opens the gate or ends.
func (v *rotating) hold(t *testing.T) (held <-chan struct{}, open func()) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.held, v.gate = make(chan struct{}), make(chan struct{})
	open = sync.OnceFunc(func() { close(v.gate) })
	t.Cleanup(open)
	return v.held, open
}

// counts returns how many refreshes were answered, and how many spent tokens came back.
func (v *rotating) counts() (refreshes, reused int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.refreshes, v.reused
}
