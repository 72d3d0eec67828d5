package sandbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
)

// Options says what a sandbox is made of. The zero value is a sandbox in memory on a free port.
type Options struct {
	// Addr is where the consent page and the control paths listen, for example "127.0.0.1:8081". Only loopback
	// addresses are taken. Empty means a free port of 127.0.0.1.
	Addr string
	// StateFile keeps clients, grants, tokens and the certificate authority over restarts, with mode 0600. Empty keeps
	// them in memory.
	StateFile string
	// Now is the sandbox's clock: it decides what has expired and around which day the data lies. Nil is time.Now.
	Now func() time.Time
	// Log takes what an operator may want to know. Nil is silence.
	Log *slog.Logger
	// AccessTokenLifetime is how long an access token lasts; 0 is 3599 seconds, what Google answers.
	AccessTokenLifetime time.Duration
	// Catalog are the providers to play from their manifests and fixtures, besides those that are written by hand; nil is
	// none.
	Catalog *provider.Catalog
	// Fixtures are the directories that the catalog was loaded from, in the same order. Of several that have a provider's
	// fixtures the last is used.
	Fixtures []fs.FS
	// RotateRefreshTokens makes every refresh give a new refresh token and refuse the old one from then on. Google
	// keeps one refresh token, so false is its behaviour.
	RotateRefreshTokens bool
}

// A Sandbox is a world of providers inside the process. New makes it, Start opens its doors, Close shuts them. Every
// method is safe for concurrent use.
type Sandbox struct {
	opts      Options
	ledger    *ledger
	authority *authority
	hosts     map[string]host // written by hand
	world     []*vendor       // played from the catalog
	faults    *Faults
	counter   counter

	lifetimeGiven bool // of access tokens, by the options

	mu      sync.Mutex
	plain   net.Listener
	secured net.Listener
	servers []*http.Server
	serving sync.WaitGroup
	cancel  context.CancelFunc
}

// host is one vendor's host name and what answers there.
type host struct {
	handler http.Handler
	// browser is true where a person's browser goes: these hosts are served over plain HTTP on the loopback address
	// too.
	browser bool
	// holder returns the grant behind a request's credential, nil when there is none; a nil function looks for a bearer
	// token.
	holder func(r *http.Request) *Grant
	// fail writes Unauthorized, RateLimited, TooManyRequests or ServerError as this host words it; the header
	// Retry-After is set already.
	fail func(w http.ResponseWriter, r *http.Request, f Fault)
}

// New reads the state file, or makes what it will hold, and returns a sandbox that does not listen yet. It fails when
// the address is not a loopback address or when the state file cannot be read.
func New(opts Options) (*Sandbox, error) {
	if opts.Addr == "" {
		opts.Addr = "127.0.0.1:0"
	}
	if ap, err := netip.ParseAddrPort(opts.Addr); err != nil || !ap.Addr().IsLoopback() {
		return nil, problem.New(problem.BadInput,
			"The sandbox listens on loopback only: give an address such as 127.0.0.1:8081 instead of %q.", opts.Addr)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	lifetimeGiven := opts.AccessTokenLifetime > 0
	if !lifetimeGiven {
		opts.AccessTokenLifetime = 3599 * time.Second
	}
	ledger, err := openLedger(opts.StateFile, opts.Now)
	if err != nil {
		return nil, err
	}
	authority, err := ledger.authority()
	if err != nil {
		return nil, err
	}
	s := &Sandbox{opts: opts, ledger: ledger, authority: authority, lifetimeGiven: lifetimeGiven}
	s.faults = &Faults{ledger: ledger, cleared: make(chan struct{})}
	s.hosts = s.google()
	s.world = s.vendors()
	return s, nil
}

// Start opens the sandbox's doors and returns. Ctx bounds the opening alone: the sandbox serves until Close. An address
// that is taken is an error that names it. Start after Start, or after Close, is an error.
func (s *Sandbox) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plain != nil {
		return problem.New(problem.Internal, "The sandbox has been started before.")
	}
	var lc net.ListenConfig
	plain, err := lc.Listen(ctx, "tcp", s.opts.Addr)
	if err != nil {
		return listenError(s.opts.Addr, err)
	}
	secure, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		_ = plain.Close()
		return listenError("127.0.0.1:0", err)
	}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.plain, s.secured, s.cancel = plain, secure, cancel
	s.serve(base, plain, s.plainHandler())
	s.serve(base, tls.NewListener(secure, s.authority.serverConfig(s.plays)), http.HandlerFunc(s.secure))
	s.opts.Log.Info("sandbox listens", "url", s.url())
	return nil
}

func listenError(addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return problem.New(problem.Unavailable,
			"The sandbox cannot listen on %s: something else does. Stop it or choose another address.", addr).Because(err)
	}
	return problem.New(problem.Unavailable, "The sandbox cannot listen on %s.", addr).Because(err)
}

// serve runs one server until Close; its requests end with base.
func (s *Sandbox) serve(base context.Context, ln net.Listener, h http.Handler) {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelDebug),
	}
	s.servers = append(s.servers, srv)
	s.serving.Go(func() {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.opts.Log.Error("sandbox stopped serving", "error", err)
		}
	})
}

// closeGrace is how long Close waits for answers under way, which have been told to end.
const closeGrace = 200 * time.Millisecond

// Close shuts the doors and lets go of every answer that a fault holds back. It returns when the answers under way have
// ended or, after a moment, have lost their connections. Close on a sandbox that does not serve does nothing.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel == nil {
		return nil
	}
	s.cancel()
	var errs []error
	for _, srv := range s.servers {
		ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
		if srv.Shutdown(ctx) != nil {
			errs = append(errs, srv.Close())
		}
		cancel()
	}
	s.serving.Wait()
	s.servers, s.cancel = nil, nil
	return errors.Join(errs...)
}

// URL returns the base of the plain HTTP address, for example "http://127.0.0.1:8081", and "" before Start.
func (s *Sandbox) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url()
}

func (s *Sandbox) url() string {
	if s.plain == nil {
		return ""
	}
	return "http://" + s.plain.Addr().String()
}

// Redirect returns what the egress transport needs to dial the sandbox for the vendors' host names. It may be called
// before Start; a dial before Start, or after Close, fails.
func (s *Sandbox) Redirect() *egress.Redirect {
	return &egress.Redirect{Dial: s.dial, RootCAs: s.authority.pool(), Hosts: s.plays}
}

func (s *Sandbox) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	s.mu.Lock()
	ln := s.secured
	s.mu.Unlock()
	if ln == nil {
		return nil, fmt.Errorf("sandbox: %s was dialled before the sandbox was started", addr)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, ln.Addr().String())
}

// plays reports whether the sandbox has this host.
func (s *Sandbox) plays(name string) bool {
	_, ok := s.host(name)
	return ok
}

// Hosts lists the host names that the sandbox plays, in alphabetical order. A star stands for what can be any.
func (s *Sandbox) Hosts() []string {
	names := append(slices.Collect(maps.Keys(s.hosts)), echoes...)
	for _, v := range s.world {
		names = append(names, v.names()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// AuthorizeURL returns where the person's browser finds the sandbox's copy of a vendor's authorization page. A URL that
// is not of a vendor the sandbox plays, and any URL before Start, comes back as it is.
func (s *Sandbox) AuthorizeURL(vendorURL string) string {
	u, err := url.Parse(vendorURL)
	base := s.URL()
	if err != nil || base == "" {
		return vendorURL
	}
	if h, ok := s.host(u.Host); !ok || !h.browser {
		return vendorURL
	}
	out := base + "/" + u.Host + u.EscapedPath()
	if u.RawQuery != "" {
		out += "?" + u.RawQuery
	}
	return out
}

// Client returns the OAuth client that the sandbox knows for a client group, for example "google". Every group has one;
// it stays the same as long as the state file does.
func (s *Sandbox) Client(group string) oauth.Client {
	id, secret := s.ledger.client(group)
	return oauth.Client{ID: id, Secret: seal.NewSecret(secret)}
}

// Faults returns the register of what is to go wrong.
func (s *Sandbox) Faults() *Faults { return s.faults }

// Grants lists what the sandbox's people have allowed, oldest first, revoked grants included.
func (s *Sandbox) Grants() []Grant { return s.ledger.grants() }

// Requests returns how often host and path were asked for since the sandbox was made, faults included. A path that ends
// in "*" counts all that begin with what precedes it; an empty path counts the whole host.
func (s *Sandbox) Requests(host, path string) int { return s.counter.count(host, path) }
