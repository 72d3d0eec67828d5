package egress_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
)

// nameServer returns a resolver to which every name leads to the address that was set last.
func nameServer(t *testing.T) (r *net.Resolver, leadsTo func(netip.Addr)) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { pc.Close(); <-done })
	var to atomic.Pointer[netip.Addr]
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			q := buf[:n]
			end := 12 + bytes.IndexByte(q[12:], 0) + 5 // the name, its zero, type and class
			res := append([]byte(nil), q[:end]...)
			binary.BigEndian.PutUint16(res[2:], 0x8180)
			binary.BigEndian.PutUint16(res[10:], 0) // no additional records
			if binary.BigEndian.Uint16(q[end-4:]) == 1 {
				addr := to.Load().As4()
				binary.BigEndian.PutUint16(res[6:], 1)
				res = append(res, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
				res = append(res, addr[:]...)
			}
			_, _ = pc.WriteTo(res, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}, func(a netip.Addr) { to.Store(&a) }
}
