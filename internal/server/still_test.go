package server_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/patchbay/patchbay/internal/server"
)

// still runs a parallel test on a clock of its own, which stands still while anything runs or is on its way. So a limit of
// milliseconds ends what waits for ever, and nothing else however busy the machine is.
func still(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// memory is a listener to whom connections come without a network, which would not let the clock stand still.
type memory struct {
	conns chan net.Conn
	close sync.Once
	done  chan struct{}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error {
	m.close.Do(func() { close(m.done) })
	return nil
}

func (m *memory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case m.conns <- theirs:
		return ours, nil
	case <-m.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// newStillEnv is newEnv for a test that runs in still.
func newStillEnv(t *testing.T, change ...func(*server.Options)) *env {
	t.Helper()
	m := &memory{conns: make(chan net.Conn), done: make(chan struct{})}
	e := serve(t, func(h http.Handler) *httptest.Server {
		s := &httptest.Server{Listener: m, Config: &http.Server{Handler: h}}
		s.Start()
		s.Client().Transport.(*http.Transport).DialContext = m.dial
		return s
	}, change...)
	e.connect = func() (net.Conn, error) { return m.dial(t.Context(), "", "") }
	return e
}
