package egress_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/problem"
)

// lingering is a connection whose close is seen by the server before it takes effect here, as with TLS, whose close
// notice goes ahead of it: what the server still says then arrives.
type lingering struct {
	*end

	closing, ending sync.Once
	ended           chan struct{} // is closed when the end of the body has arrived
}

func (l *lingering) Read(p []byte) (int, error) {
	n, err := l.end.Read(p)
	if err != nil || bytes.HasSuffix(p[:n], []byte("\r\n0\r\n\r\n")) || bytes.Equal(p[:n], []byte("0\r\n\r\n")) {
		l.ending.Do(func() { close(l.ended) })
	}
	return n, err
}

func (l *lingering) Close() error {
	var err error
	l.closing.Do(func() {
		_ = l.CloseWrite()
		<-l.ended
		err = l.end.Close()
	})
	return err
}

func TestABodyThatEndsOnlyBecauseWeLeaveIsATimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := inMemory(t, egress.Options{}, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"items":[]}`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, func(c *end) net.Conn { return &lingering{end: c, ended: make(chan struct{})} })
		res, err := get(t, e.Client(egress.Policy{Timeout: time.Second}), "http://example.com/")
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(res.Body); !problem.Is(egress.Failure(err), problem.ProviderTimeout) {
			t.Errorf("%s, %v", b, err)
		}
	})
}
