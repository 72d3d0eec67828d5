package egress

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/patchbay/patchbay/internal/problem"
)

// privateSuffixes end names that never lead to a public address (RFC 6761, RFC 6762, RFC 8375, ICANN's .internal).
var privateSuffixes = []string{".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet", ".corp", ".home"}

// CheckURL says whether an address that a customer gives could ever be called, so that it is refused when it is given
// and not when it is used. It asks no name server and blocks on nothing; the binding decision is made at each
// connection. The error is TargetRefused, never repeats the address, and has no Field.
func (e *Egress) CheckURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return problem.New(problem.TargetRefused, "This is not an http or https address.")
	}
	if u.User != nil {
		return problem.New(problem.TargetRefused, "The address must not hold a user name or password.")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if e.serves(host) || slices.Contains(e.guard.hosts, net.JoinHostPort(host, portOf(u))) {
		return nil
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return e.guard.check(netip.AddrPortFrom(addr, portNumber(u)).String(), u.Scheme == "http")
	}
	if private(host) && len(e.guard.prefixes) == 0 {
		return problem.New(problem.TargetRefused, "The address is not public. The operator can allow it.")
	}
	if len(e.guard.prefixes) > 0 { // the name may lead to an allowed address: only its connection can tell
		return nil
	}
	if u.Scheme == "http" && !e.guard.http {
		return errPlain()
	}
	if p := portOf(u); p != "443" && p != "80" {
		return problem.New(problem.TargetRefused, "The port must be 443. The operator can allow another.")
	}
	return nil
}

// private reports whether a name is local by its form: a single label, a number as old resolvers read it, or a name
// under a private suffix.
func private(host string) bool {
	if !strings.Contains(host, ".") {
		return true
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last != "" && strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return true
	}
	return slices.ContainsFunc(privateSuffixes, func(s string) bool { return strings.HasSuffix(host, s) })
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

func portNumber(u *url.URL) uint16 {
	n, err := strconv.ParseUint(portOf(u), 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}
