package store_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
)

// cancelRequest is the code that marks a connection which cancels another's statement.
const cancelRequest = 80877102

// loseCancellations forwards connections to a server on a Unix socket, all but those that cancel.
func loseCancellations(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(u.Query().Get("host"), ".s.PGSQL.5432")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	forward := func(client net.Conn) {
		defer client.Close()
		head := make([]byte, 8)
		if _, err := io.ReadFull(client, head); err != nil || binary.BigEndian.Uint32(head[4:]) == cancelRequest {
			return
		}
		server, err := net.Dial("unix", socket)
		if err != nil {
			return
		}
		defer server.Close()
		_, _ = server.Write(head)
		go func() {
			_, _ = io.Copy(server, client)
			_ = server.Close()
		}()
		_, _ = io.Copy(client, server)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go forward(c)
		}
	}()
	u.Host = l.Addr().String()
	u.RawQuery = "sslmode=disable"
	return u.String()
}

func TestAStatementEndsThoughItsCancellationIsLost(t *testing.T) {
	t.Parallel()
	direct := storetest.Postgres(t)
	through := loseCancellations(t, direct)
	for name, o := range map[string]store.Options{
		"by default":      {URL: through},
		"behind a pooler": {URL: through + "&pooler=transaction", ListenURL: direct},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, o)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			began := time.Now()
			_, err := s.SQL(ctx).ExecContext(ctx, "select pg_sleep($1)", 180)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > time.Minute {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			if n := number(t, t.Context(), s, "select length($1)", "four"); n != 4 {
				t.Errorf("afterwards got %d", n)
			}
		})
	}
}
