package sandbox

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxRequest is the most of a request's body that the sandbox reads.
const maxRequest = 1 << 20

// hugeBytes is the size of a Huge answer that names none.
const hugeBytes = 64 << 20

// counter counts requests.
type counter struct {
	mu   sync.Mutex
	seen map[[2]string]int // by host and path
}

func (c *counter) add(host, path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[[2]string]int{}
	}
	c.seen[[2]string{host, path}]++
}

func (c *counter) count(host, path string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, v := range c.seen {
		if k[0] == host && (path == "" || matchPath(path, k[1])) {
			n += v
		}
	}
	return n
}

// secure answers for the vendors' hosts over TLS.
func (s *Sandbox) secure(w http.ResponseWriter, r *http.Request) {
	name := r.Host
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	s.answer(w, r, name)
}

// plainHandler answers on the loopback address: the control paths, and the pages that a browser visits under the
// vendor's host name as the first element of the path.
func (s *Sandbox) plainHandler() http.Handler {
	control := s.control()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !localHost(r.Host) {
			http.Error(w, "The sandbox answers on loopback names only.", http.StatusMisdirectedRequest)
			return
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
		if h, ok := s.host(name); !ok || !h.browser {
			control.ServeHTTP(w, r)
			return
		}
		http.StripPrefix("/"+name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Host = name
			s.answer(w, r, name)
		})).ServeHTTP(w, r)
	})
}

// localHost keeps foreign pages away that point their own name at 127.0.0.1.
func localHost(hostport string) bool {
	h := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		h = name
	}
	ip, err := netip.ParseAddr(strings.Trim(h, "[]"))
	return h == "localhost" || err == nil && ip.IsLoopback()
}

// answer counts a request and lets a fault or the vendor's handler answer it.
func (s *Sandbox) answer(w http.ResponseWriter, r *http.Request, name string) {
	h, ok := s.host(name)
	if !ok {
		http.Error(w, "The sandbox does not play this host.", http.StatusMisdirectedRequest)
		return
	}
	s.counter.add(name, r.URL.Path)
	// The whole request is read first: a server learns that its client has gone only after the body's end.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "The request is too large.", http.StatusRequestEntityTooLarge)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	grant, _ := s.ledger.bearer(bearerToken(r))
	if h.holder != nil {
		grant = h.holder(r)
	}
	if f := s.faults.take(answerKinds, name, r.URL.Path, grant); f != nil {
		s.fail(w, r, h, f)
		return
	}
	h.handler.ServeHTTP(w, r)
}

// bearerToken returns the access token of a request, "" when it has none (RFC 6750 section 2.1).
func bearerToken(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// fail answers as the fault says.
func (s *Sandbox) fail(w http.ResponseWriter, r *http.Request, h host, f *armedFault) {
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter.Round(time.Second)/time.Second)))
	}
	switch f.Kind {
	case Answer:
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Body)
	case HTML:
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><title>Sorry</title><p>We will be back in a moment.</p></html>\n")
	case WrongShape:
		writeJSON(w, http.StatusOK, map[string]any{
			"items": "none", "messages": map[string]any{"id": 7}, "id": []any{true}, "payload": 1.5, "emailAddress": false,
			"calendars": []any{"primary"}, "access_token": map[string]any{}, "expires_in": "soon", "kind": nil,
		})
	case Empty:
		w.WriteHeader(http.StatusOK)
	case Huge:
		writeHuge(w, f.Bytes)
	case Drop:
		drop(w)
	case SlowHeaders:
		f.hold(r)
		h.handler.ServeHTTP(w, r)
	case Truncated, SlowBody, DropBody:
		s.failHalfway(w, r, h, f)
	default:
		h.fail(w, r, f.Fault)
	}
}

// recorder keeps an answer back; headers go to the true writer at once.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// failHalfway has the vendor's handler answer and goes wrong in the middle of that.
func (s *Sandbox) failHalfway(w http.ResponseWriter, r *http.Request, h host, f *armedFault) {
	rec := &recorder{ResponseWriter: w, status: http.StatusOK}
	h.handler.ServeHTTP(rec, r)
	whole := rec.body.Bytes()
	half := whole[:len(whole)/2]
	if f.Kind == Truncated {
		w.Header().Set("Content-Length", strconv.Itoa(len(half)))
	} else {
		w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
	}
	w.WriteHeader(rec.status)
	_, _ = w.Write(half)
	if f.Kind == Truncated {
		return
	}
	_ = http.NewResponseController(w).Flush()
	if f.Kind == DropBody {
		panic(http.ErrAbortHandler)
	}
	f.hold(r)
	_, _ = w.Write(whole[len(half):])
}

// hold waits until the fault's delay is over or the fault is removed; it ends the request when its client has gone or
// the sandbox closes.
func (f *armedFault) hold(r *http.Request) {
	var over <-chan time.Time
	if f.Delay > 0 {
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-over:
	case <-f.removed:
	case <-f.cleared:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

// drop ends the connection inside the status line. Had nothing been sent, an HTTP client would try again by itself.
func drop(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 2")
	_ = conn.Close()
}

// writeHuge writes one valid JSON document of about n bytes.
func writeHuge(w http.ResponseWriter, n int64) {
	if n == 0 {
		n = hugeBytes
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	chunk := bytes.Repeat([]byte(`{"summary":"`+strings.Repeat("x", 1010)+`"},`), 32)
	_, err := io.WriteString(w, `{"items":[`)
	for written := int64(0); written < n && err == nil; written += int64(len(chunk)) {
		_, err = w.Write(chunk)
	}
	_, _ = io.WriteString(w, `{}]}`)
}
