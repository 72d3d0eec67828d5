package server

import (
	"context"
	"log/slog"
	"net/http"
)

// record is what the log says of a request; the transports fill it in.
type record struct {
	status    int
	bytes     int64
	operation string // the operation's name in the document
	kind      string // query, mutation, subscription, socket
	code      string // of the first error
}

type recordKey struct{}

// recordOf returns the record of ctx's request, nil outside of one.
func recordOf(ctx context.Context) *record {
	rec, _ := ctx.Value(recordKey{}).(*record)
	return rec
}

// logged writes one line a request. It names the route rather than the path, which can hold one-time tokens.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &record{}
		started := s.opts.Now()
		ctx := context.WithValue(r.Context(), recordKey{}, rec)
		r = r.WithContext(ctx)
		defer func() {
			level := slog.LevelInfo
			if rec.status >= http.StatusInternalServerError {
				level = slog.LevelError
			}
			attrs := []slog.Attr{
				slog.String("method", method(r)), slog.String("route", r.Pattern), slog.Int("status", rec.status),
				slog.Duration("duration", s.opts.Now().Sub(started)), slog.Int64("bytes", rec.bytes),
			}
			for _, a := range [][2]string{{"kind", rec.kind}, {"operation", rec.operation}, {"code", rec.code}} {
				if a[1] != "" {
					attrs = append(attrs, slog.String(a[0], a[1]))
				}
			}
			s.opts.Log.LogAttrs(ctx, level, "request", attrs...)
		}()
		next.ServeHTTP(&recorder{w, rec}, r)
	})
}

// method keeps invented methods out of the log.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions:
		return r.Method
	}
	return "OTHER"
}

// recorder notes what is sent. Unwrap lets http.ResponseController reach flushing, deadlines and hijacking.
type recorder struct {
	http.ResponseWriter
	rec *record
}

// Unwrap returns the writer beneath.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader notes the status.
func (w *recorder) WriteHeader(status int) {
	if w.rec.status == 0 {
		w.rec.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write notes the size.
func (w *recorder) Write(b []byte) (int, error) {
	if w.rec.status == 0 {
		w.rec.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.rec.bytes += int64(n)
	return n, err
}
