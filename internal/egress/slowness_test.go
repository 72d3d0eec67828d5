package egress_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/problem"
)

// end is one end of a connection without a network, so that a bubble's clock stands still while anything is on its way.
// Its directions close one by one, as TCP's do.
type end struct {
	net.Conn // what comes in

	out net.Conn
}

func (e *end) Write(p []byte) (int, error) { return e.out.Write(p) }

// CloseWrite tells the other end that no more comes.
func (e *end) CloseWrite() error { return e.out.Close() }

func (e *end) Close() error { return errors.Join(e.out.Close(), e.Conn.Close()) }

func (e *end) SetWriteDeadline(at time.Time) error { return e.out.SetWriteDeadline(at) }

func (e *end) SetDeadline(at time.Time) error {
	return errors.Join(e.Conn.SetReadDeadline(at), e.out.SetWriteDeadline(at))
}

// listener is where such connections arrive.
type listener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error { close(l.done); return nil }

func (l *listener) Addr() net.Addr { return &net.TCPAddr{} }

// inMemory returns a door to http://example.com, which this bubble serves. Each connection is seen through dialled.
func inMemory(t *testing.T, o egress.Options, handle http.HandlerFunc, dialled func(*end) net.Conn) *egress.Egress {
	t.Helper()
	l := &listener{conns: make(chan net.Conn), done: make(chan struct{})}
	s := &http.Server{Handler: handle}
	served := make(chan struct{})
	go func() { defer close(served); _ = s.Serve(l) }()
	o.Sandbox = &egress.Redirect{
		Dial: func(context.Context, string, string) (net.Conn, error) {
			in, theirOut := net.Pipe()
			theirIn, out := net.Pipe()
			l.conns <- &end{theirIn, theirOut}
			return dialled(&end{in, out}), nil
		},
		Hosts: func(host string) bool { return host == "example.com" },
	}
	e := egress.New(o)
	t.Cleanup(func() {
		e.Close()
		_ = s.Close()
		<-served
	})
	return e
}

func TestSlownessIsATimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := inMemory(t, egress.Options{HeaderTimeout: 10 * time.Second}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/body" {
				w.WriteHeader(200)
				_ = http.NewResponseController(w).Flush()
			}
			<-r.Context().Done()
		}, func(c *end) net.Conn { return c })
		began := time.Now()
		_, err := get(t, e.Client(egress.Policy{}), "http://example.com/header")
		if took := time.Since(began); !problem.Is(egress.Failure(err), problem.ProviderTimeout) || took != 10*time.Second {
			t.Errorf("slow header: %v after %v", err, took)
		}
		began = time.Now()
		res, err := get(t, e.Client(egress.Policy{Timeout: 15 * time.Second}), "http://example.com/body")
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(res.Body)
		if took := time.Since(began); !problem.Is(egress.Failure(err), problem.ProviderTimeout) || took != 15*time.Second {
			t.Errorf("slow body: %v after %v", err, took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://example.com/", nil)
		if _, err := e.Client(egress.Policy{}).Do(req); !errors.Is(egress.Failure(err), context.Canceled) { //nolint:bodyclose
			t.Errorf("a caller that left: %v", err)
		}
	})
}

func TestAHandshakeThatDoesNotEndIsATimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := egress.New(egress.Options{ConnectTimeout: 3 * time.Second, Sandbox: &egress.Redirect{
			Dial: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go func() { _, _ = io.Copy(io.Discard, theirs) }()
				return ours, nil
			},
			Hosts: func(host string) bool { return host == "example.com" },
		}})
		t.Cleanup(e.Close)
		began := time.Now()
		_, err := get(t, e.Client(egress.Policy{}), "https://example.com/")
		if took := time.Since(began); !problem.Is(err, problem.ProviderTimeout) || took != 3*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}
