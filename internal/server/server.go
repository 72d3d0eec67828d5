package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql/executor"
)

// Server is the HTTP handler of a Patchbay process. It starts no goroutine that outlives a request or a socket.
type Server struct {
	opts    Options
	exec    *executor.Executor
	handler http.Handler
	own     string // origin of PublicURL, "" without one
	work    work
	streams streams
	sockets sockets
}

// New returns a Server, or an error that names the option at fault.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{opts: o}
	if o.PublicURL != "" {
		s.own, _ = originOf(o.PublicURL)
	}
	s.exec = s.newExecutor()

	mux := http.NewServeMux()
	mux.Handle("/graphql", http.HandlerFunc(s.graphql))
	mux.Handle("/oauth/", o.OAuth)
	mux.HandleFunc("GET /healthz", s.live)
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("/", notFound)
	s.handler = s.identified(s.logged(s.recovered(s.secured(mux))))
	return s, nil
}

// ServeHTTP serves one request. It sets the connection's deadlines itself; http.Server needs ReadHeaderTimeout and
// IdleTimeout only.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l := s.opts.Limits
	control := http.NewResponseController(w)
	// Streams move this deadline with each event. Writers without deadlines are those of tests.
	_ = control.SetWriteDeadline(time.Now().Add(l.BodyTime + l.RequestTime + l.WriteTime))
	if r.ContentLength != 0 {
		// What is refused before its body was read is read by http.Server, which waits for a slow client for ever.
		_ = control.SetReadDeadline(time.Now().Add(l.BodyTime))
	}
	s.handler.ServeHTTP(w, r)
}

// Shutdown refuses new work with 503, ends streams so that their clients reconnect elsewhere, closes sockets with 1001
// once their queries and mutations are done, and waits for what is running. When ctx ends first, sockets that are still
// open are cut and its error is returned; requests that still run end with their connections, by http.Server's Close.
// Call it before http.Server's Shutdown, which does not know about sockets.
func (s *Server) Shutdown(ctx context.Context) error {
	s.work.close()
	s.streams.close()
	s.sockets.drain()
	err := s.work.wait(ctx)
	if err != nil {
		s.sockets.cut()
		// A cut socket needs no client and no network to end, so this is short.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = s.work.wait(last)
	}
	return err
}

// graphql routes the one endpoint by method. Queries over GET are off: a GET can be sent by any page on the web.
func (s *Server) graphql(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost:
		s.post(w, r)
	case r.Method == http.MethodGet && isUpgrade(r):
		s.upgrade(w, r)
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", "POST, OPTIONS")
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "POST, OPTIONS")
		refuse(w, http.StatusMethodNotAllowed, methodRefused)
	}
}

func isUpgrade(r *http.Request) bool {
	for _, v := range strings.Split(r.Header.Get("Upgrade"), ",") {
		if strings.EqualFold(strings.TrimSpace(v), "websocket") {
			return true
		}
	}
	return false
}
