package server

import (
	"context"
	"net/http"
	"time"
)

// readyTime bounds one question to the database, so that a probe is answered before its asker gives up.
const readyTime = 2 * time.Second

// live answers 200 as long as the process serves at all.
func (s *Server) live(w http.ResponseWriter, _ *http.Request) { writeStatus(w, http.StatusOK, "ok") }

// ready answers 200 when a request would be served, 503 during a shutdown and when Health reports an error. The error
// is for the log; the answer shows nothing of it.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if s.work.draining() {
		writeStatus(w, http.StatusServiceUnavailable, "shutting down")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	if err := s.opts.Health(ctx); err != nil {
		s.opts.Log.WarnContext(ctx, "not ready", "error", err)
		writeStatus(w, http.StatusServiceUnavailable, "unavailable")
		return
	}
	writeStatus(w, http.StatusOK, "ok")
}

func writeStatus(w http.ResponseWriter, status int, word string) {
	w.Header().Set("Content-Type", mediaJSON)
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"status":"` + word + `"}` + "\n"))
}
