package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
)

// The limits of a Policy that names none, and of every connection.
const (
	DefaultMaxBytes = 8 << 20
	DefaultTimeout  = 30 * time.Second

	connectTimeout = 10 * time.Second
	headerTimeout  = 25 * time.Second
	idleTimeout    = 90 * time.Second
	maxHeader      = 256 << 10
)

// Options are the operator's allowances. The zero value lets out https to public addresses on port 443 only; port 80
// needs AllowHTTP.
type Options struct {
	// AllowPrefixes are addresses that may be reached although they are not public, on any port and in plain http too.
	AllowPrefixes []netip.Prefix
	// AllowHosts are host:port pairs that may be reached wherever they resolve to, in plain http too.
	AllowHosts []string
	// AllowHTTP lets plain http out to public addresses.
	AllowHTTP bool
	// RootCAs verify servers; nil means the system's.
	RootCAs *x509.CertPool
	// Resolver looks names up; nil means the system's.
	Resolver *net.Resolver
	// Sandbox receives the names it serves; nil outside sandbox mode.
	Sandbox *Redirect
	// ConnectTimeout bounds connecting, and the TLS handshake as much again; 0 means ten seconds. HeaderTimeout bounds
	// the wait for an answer's header; 0 means twenty-five.
	ConnectTimeout, HeaderTimeout time.Duration
}

// Redirect sends chosen host names to the sandbox.
type Redirect struct {
	Dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	RootCAs *x509.CertPool
	Hosts   func(host string) bool
}

// Policy is what one use of the door may do.
type Policy struct {
	// Hosts are the only hosts that may be called, each a name or a name and port; empty means any public host.
	Hosts []string
	// MaxBytes is the longest body that can be read; 0 means DefaultMaxBytes.
	MaxBytes int64
	// Timeout ends a call, its redirects and the reading of its body; 0 means DefaultTimeout.
	Timeout time.Duration
	// MaxRedirects are followed within one origin; with 0 the caller receives the redirect itself.
	MaxRedirects int
}

// Egress holds the connections. It is safe for concurrent use.
type Egress struct {
	guard   *guard
	public  *http.Transport
	sandbox *http.Transport // nil outside sandbox mode
	serves  func(host string) bool
}

// New returns a door with the operator's allowances. Close it to let its idle connections go.
func New(o Options) *Egress {
	g := newGuard(o)
	e := &Egress{guard: g, public: transport(o, g.dial, o.RootCAs), serves: func(string) bool { return false }}
	if o.Sandbox != nil {
		e.sandbox = transport(o, o.Sandbox.Dial, o.Sandbox.RootCAs)
		e.serves = o.Sandbox.Hosts
	}
	return e
}

func transport(o Options, dial dialFunc, roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // a proxy from the environment would be dialled instead of the checked address
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    limit(o.ConnectTimeout, connectTimeout),
		ResponseHeaderTimeout:  limit(o.HeaderTimeout, headerTimeout),
		MaxResponseHeaderBytes: maxHeader,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConns:           512,
		MaxIdleConnsPerHost:    32,
		ForceAttemptHTTP2:      true,
	}
}

func limit[T time.Duration | int64](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Client returns a client that obeys p. Clients share their connections, which are pooled by host, so making one for
// each call costs nothing. Pass what it returns as errors to Failure.
func (e *Egress) Client(p Policy) *http.Client {
	return &http.Client{
		Transport:     &door{e: e, hosts: lower(p.Hosts), maxBytes: limit(p.MaxBytes, DefaultMaxBytes)},
		Timeout:       limit(p.Timeout, DefaultTimeout),
		CheckRedirect: follow(p.MaxRedirects),
	}
}

// Close lets idle connections go. Calls under way end by themselves.
func (e *Egress) Close() {
	e.public.CloseIdleConnections()
	if e.sandbox != nil {
		e.sandbox.CloseIdleConnections()
	}
}

// follow allows n redirects that stay where they began. Nothing follows to another origin: a credential may sit in any
// header, in the query or in the body, and only the first origin was meant to see it.
func follow(n int) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		switch first := via[0].URL; {
		case n == 0:
			return http.ErrUseLastResponse
		case req.URL.Scheme != first.Scheme || !strings.EqualFold(req.URL.Host, first.Host):
			return problem.New(problem.TargetRefused, "The server redirects to another host. Patchbay does not follow.")
		case len(via) > n:
			return problem.New(problem.TargetRefused, "The server redirects more than %d times.", n)
		}
		return nil
	}
}

// door is one policy's way through a transport.
type door struct {
	e        *Egress
	hosts    []string
	maxBytes int64
}

// userAgent is who calls, where a manifest says nothing else: some refuse, or slow down, what names a library.
const userAgent = "Patchbay"

// RoundTrip sends req if it may leave.
func (d *door) RoundTrip(req *http.Request) (*http.Response, error) {
	out, err := d.admit(req)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	req = req.WithContext(withScheme(req.Context(), req.URL.Scheme))
	if req.Header.Get("User-Agent") == "" {
		req.Header = req.Header.Clone()
		req.Header.Set("User-Agent", userAgent)
	}
	res, err := out.RoundTrip(req)
	if err != nil {
		return nil, Failure(err)
	}
	read := &body{ReadCloser: res.Body, left: d.maxBytes}
	if res.ContentLength < 0 {
		read.call = req.Context()
	}
	res.Body = read
	return res, nil
}

// admit returns the transport for req, or why it may not leave.
func (d *door) admit(req *http.Request) (*http.Transport, error) {
	u := req.URL
	host := strings.ToLower(u.Hostname())
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, problem.New(problem.TargetRefused, "Only http and https addresses can be called.")
	case host == "":
		return nil, problem.New(problem.TargetRefused, "The address names no host.")
	case u.User != nil:
		return nil, problem.New(problem.TargetRefused, "An address with a user name or password is not called.")
	case req.Host != "" && !strings.EqualFold(req.Host, u.Host):
		return nil, problem.New(problem.TargetRefused, "The Host header must be the host that is called.")
	case len(d.hosts) > 0 && !slices.Contains(d.hosts, host) && !slices.Contains(d.hosts, strings.ToLower(u.Host)):
		return nil, problem.New(problem.TargetRefused, "The host is not one that this provider may call.")
	case d.e.serves(host):
		return d.e.sandbox, nil
	}
	return d.e.public, nil
}

func lower(hosts []string) []string {
	out := make([]string, len(hosts))
	for i, h := range hosts {
		out[i] = strings.ToLower(h)
	}
	return out
}
