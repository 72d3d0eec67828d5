package server

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/coder/websocket"
)

// upgrade makes the connection a socket and serves it until it ends. The caller shows a credential in the headers of
// this request or in connection_init; nothing runs before.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	if origin := r.Header.Get("Origin"); origin != "" && !s.mayConnect(origin, r.Host) {
		refuse(w, http.StatusForbidden, originRefused)
		return
	}
	if !s.work.begin() {
		refuse(w, http.StatusServiceUnavailable, errShutdown)
		return
	}
	defer s.work.end()
	if s.sockets.count() >= s.opts.Limits.Sockets {
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusServiceUnavailable, errUnavailable)
		return
	}
	if rec := recordOf(r.Context()); rec != nil {
		rec.kind = "socket"
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       []string{protocol},
		InsecureSkipVerify: true, // the origin was checked above, against exact origins
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		return // Accept has answered
	}
	conn.SetReadLimit(s.opts.Limits.Message)
	socket := newSocket(s, conn, r)
	defer s.sockets.add(socket)()
	socket.serve()
}

// mayConnect reports whether a page of this origin may open a socket: the server's own pages and the configured ones.
func (s *Server) mayConnect(origin, host string) bool {
	own := strings.EqualFold(origin, "http://"+host) || strings.EqualFold(origin, "https://"+host)
	return own || (s.own != "" && strings.EqualFold(origin, s.own)) || s.namedOrigin(origin)
}

// namedOrigin reports whether the operator has named this origin.
func (s *Server) namedOrigin(origin string) bool {
	return origin != "" && slices.Contains(s.opts.Origins, strings.ToLower(origin))
}

// sockets are those that are open, so that a shutdown reaches them.
type sockets struct {
	mu       sync.Mutex
	draining bool
	open     map[*socket]struct{}
}

// add keeps the socket until the returned function is called. One added during a shutdown is told to drain at once.
func (s *sockets) add(one *socket) (remove func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[*socket]struct{}{}
	}
	s.open[one] = struct{}{}
	if s.draining {
		one.drain()
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, one)
	}
}

func (s *sockets) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// drain closes each socket as soon as its queries and mutations are done.
func (s *sockets) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for one := range s.open {
		one.drain()
	}
}

// cut ends every socket without asking its client.
func (s *sockets) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.open {
		one.cut()
	}
}
