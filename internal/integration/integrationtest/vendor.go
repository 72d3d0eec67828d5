package integrationtest

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/patchbay/patchbay/internal/egress"
)

// Call is a request that a Vendor received.
type Call struct {
	Method, Host, Path string
	Query              url.Values
	Form               url.Values // of a body with a web form
	Body               string
	Header             http.Header
}

// Vendor is every host under example.com, over TLS: an authorization server, an API and webhooks. It answers as it is
// told and remembers what it was asked.
type Vendor struct {
	server *httptest.Server

	mu      sync.Mutex
	answers map[string]http.HandlerFunc
	calls   []Call
	tokens  int
}

// NewVendor starts a vendor that grants what is asked for, knows one account, and has an empty agenda.
func NewVendor(t *testing.T) *Vendor {
	t.Helper()
	v := &Vendor{answers: map[string]http.HandlerFunc{}}
	v.server = httptest.NewTLSServer(v)
	t.Cleanup(v.server.Close)
	v.GrantAll()
	v.Handle("login.example.com/revoke", func(http.ResponseWriter, *http.Request) {})
	v.Answer("api.example.com/me", http.StatusOK, `{"id":"ada@acme","name":"Ada"}`)
	v.Answer("api.example.com/ping", http.StatusOK, `{"pong":true}`)
	v.Answer("api.example.com/rooms/main/entries", http.StatusOK, `{"items":[]}`)
	return v
}

// Redirect makes an Egress reach the vendor.
func (v *Vendor) Redirect() *egress.Redirect {
	pool := x509.NewCertPool()
	pool.AddCert(v.server.Certificate())
	address := v.server.Listener.Addr().String()
	return &egress.Redirect{
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		},
		RootCAs: pool,
		Hosts:   func(host string) bool { return strings.HasSuffix(host, ".example.com") },
	}
}

// Handle answers a host and path, for example "api.example.com/me".
func (v *Vendor) Handle(where string, answer http.HandlerFunc) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answers[where] = answer
}

// Answer answers a host and path with a status and a JSON body.
func (v *Vendor) Answer(where string, status int, body string) {
	v.Handle(where, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// Calls returns the requests to a host and path, in order.
func (v *Vendor) Calls(where string) []Call {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []Call
	for _, c := range v.calls {
		if c.Host+c.Path == where {
			out = append(out, c)
		}
	}
	return out
}

// ServeHTTP remembers the request and answers it.
func (v *Vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	call := Call{
		Method: r.Method, Host: r.Host, Path: r.URL.Path, Query: r.URL.Query(), Body: string(body), Header: r.Header.Clone(),
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		call.Form, _ = url.ParseQuery(call.Body)
	}
	r.Form, r.Body = call.Form, io.NopCloser(strings.NewReader(call.Body))
	v.mu.Lock()
	v.calls = append(v.calls, call)
	answer := v.answers[r.Host+r.URL.Path]
	v.mu.Unlock()
	if answer == nil {
		http.NotFound(w, r)
		return
	}
	answer(w, r)
}

const tokenAnswer = `{"access_token":"access-%d","refresh_token":"refresh-%d","token_type":"Bearer",` +
	`"expires_in":3600%s}`

// token issues tokens that are all different.
func (v *Vendor) token(w http.ResponseWriter, _ *http.Request) {
	v.mu.Lock()
	v.tokens++
	n := v.tokens
	v.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, tokenAnswer, n, n, "")
}

// GrantAll makes the token endpoint grant what is asked for, as it does from the beginning.
func (v *Vendor) GrantAll() { v.Handle("login.example.com/token", v.token) }

// Grant makes the token endpoint name the scopes that it grants, in the vendor's spelling.
func (v *Vendor) Grant(scopes string) {
	v.Answer("login.example.com/token", http.StatusOK, fmt.Sprintf(tokenAnswer, 0, 0, fmt.Sprintf(`,"scope":%q`, scopes)))
}
