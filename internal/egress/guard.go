package egress

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"

	"github.com/patchbay/patchbay/internal/problem"
)

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// guard decides on addresses: once as they are written, and again, bindingly, as they are about to be connected to.
type guard struct {
	safe     *ssrf.Guardian
	prefixes []netip.Prefix
	hosts    []string // host:port
	http     bool
	dialer   net.Dialer
}

func newGuard(o Options) *guard {
	ports := []uint16{443}
	if o.AllowHTTP {
		ports = append(ports, 80)
	}
	return &guard{
		safe:     ssrf.New(ssrf.WithPorts(ports...)),
		prefixes: o.AllowPrefixes,
		hosts:    lower(o.AllowHosts),
		http:     o.AllowHTTP,
		dialer:   net.Dialer{Timeout: limit(o.ConnectTimeout, connectTimeout), Resolver: o.Resolver},
	}
}

// dial connects to addr. A host the operator allowed by name goes where it resolves to; every other connection is
// checked on its resolved address, after the look-up and before the first packet.
func (g *guard) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d := g.dialer
	if !slices.Contains(g.hosts, strings.ToLower(addr)) {
		plain := schemeOf(ctx) == "http"
		d.Control = func(_, address string, _ syscall.RawConn) error { return g.check(address, plain) }
	}
	return d.DialContext(ctx, network, addr)
}

// check refuses a resolved address that is neither public nor allowed. Its errors do not repeat the address, since they
// reach callers who should not learn what a name resolves to in here.
func (g *guard) check(address string, plain bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return problem.New(problem.TargetRefused, "The address cannot be read.").Because(err)
	}
	if g.allowed(at.Addr()) {
		return nil
	}
	if plain && !g.http {
		return errPlain()
	}
	if err := g.safe.SafeAddrPort(at); err != nil {
		return problem.New(problem.TargetRefused,
			"The address is not public, or its port is not a web port. The operator can allow it.").Because(err)
	}
	return nil
}

func (g *guard) allowed(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(g.prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

func errPlain() error {
	return problem.New(problem.TargetRefused,
		"Plain http is not called, since it shows its secrets. Use https, or have the operator allow this host and port.")
}

type schemeKey struct{}

// withScheme tells dial which scheme it dials for: connections are pooled by scheme, so one serves no other.
func withScheme(ctx context.Context, scheme string) context.Context {
	return context.WithValue(ctx, schemeKey{}, scheme)
}

func schemeOf(ctx context.Context) string {
	s, _ := ctx.Value(schemeKey{}).(string)
	return s
}
