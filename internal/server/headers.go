package server

import (
	"net/http"
	"strings"
)

// secured sets the headers that keep browsers from reading, framing or guessing what they get, and answers origins
// that the operator has named. No credential is ever ambient here, so CORS never allows cookies.
func (s *Server) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		if strings.HasPrefix(s.own, "https:") {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if r.URL.Path == "/graphql" && len(s.opts.Origins) > 0 {
			h.Add("Vary", "Origin")
			if origin := r.Header.Get("Origin"); s.namedOrigin(origin) {
				h.Set("Access-Control-Allow-Origin", origin)
				h.Set("Access-Control-Expose-Headers", "X-Request-Id, Retry-After")
				if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
					h.Set("Access-Control-Allow-Methods", "POST")
					h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Api-Key, X-Request-Id")
					h.Set("Access-Control-Max-Age", "600")
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}
