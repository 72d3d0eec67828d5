package egress_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/problem"
)

// lingering is a connection whose close is seen by the server before it takes effect here, as with TLS, whose close
// notice goes ahead of it: what the server still says then arrives.
type lingering struct {
	net.Conn

	closing, ending sync.Once
	ended           chan struct{} // is closed when the end of the body has arrived
}

func (l *lingering) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if err != nil || bytes.HasSuffix(p[:n], []byte("\r\n0\r\n\r\n")) || bytes.Equal(p[:n], []byte("0\r\n\r\n")) {
		l.ending.Do(func() { close(l.ended) })
	}
	return n, err
}

func (l *lingering) Close() error {
	var err error
	l.closing.Do(func() {
		_ = l.Conn.(*net.TCPConn).CloseWrite()
		<-l.ended
		err = l.Conn.Close()
	})
	return err
}

func TestABodyThatEndsOnlyBecauseWeLeaveIsATimeout(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"items":[]}`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	e := egress.New(egress.Options{Sandbox: &egress.Redirect{
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, s.Listener.Addr().String())
			if err != nil {
				return nil, err
			}
			return &lingering{Conn: c, ended: make(chan struct{})}, nil
		},
		Hosts: func(host string) bool { return host == "example.com" },
	}})
	t.Cleanup(e.Close)
	res, err := get(t, e.Client(egress.Policy{Timeout: 500 * time.Millisecond}), "http://example.com/")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(res.Body); !problem.Is(egress.Failure(err), problem.ProviderTimeout) {
		t.Errorf("%s, %v", b, err)
	}
}
