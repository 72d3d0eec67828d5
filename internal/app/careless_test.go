package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// careless answers like a vendor whose day is bad: what comes back is the last part of the path, or of the code.
func careless(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		w.Header().Set("Content-Type", "application/json")
		switch path := r.URL.Path; {
		case path == "/token" && strings.Contains(string(body), "code=refused"):
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"error":"invalid_grant","error_description":"%s"}`, body)
		case path == "/token":
			fmt.Fprintf(w, `{"access_token":"%[1]s-access","refresh_token":"%[1]s-refresh",`+
				`"token_type":"Bearer","expires_in":3600}`, mark)
		case path == "/revoke":
			fmt.Fprintln(w, `{}`)
		case strings.HasSuffix(path, "/calendarList/primary"):
			fmt.Fprintln(w, `{"kind":"calendar#calendarListEntry","id":"ada@example.com","summary":"Ada"}`)
		case strings.HasSuffix(path, "/calendarList"):
			fmt.Fprintln(w, `{"kind":"calendar#calendarList"}`)
		case strings.Contains(path, "html"):
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<html>%s %s</html>`, mark, r.Header.Get("Authorization"))
		case strings.Contains(path, "empty"):
		case strings.Contains(path, "huge"):
			fmt.Fprintf(w, `{"results":[],"items":[],"rest":"%s`, mark)
			piece := strings.Repeat("x", 1<<20)
			for range 9 {
				if _, err := io.WriteString(w, piece); err != nil {
					return
				}
			}
			fmt.Fprintln(w, `"}`)
		case strings.Contains(path, "truncated"):
			fmt.Fprintf(w, `{"results":[{"content":"%[1]s"}],"items":[{"summary":"%[1]s`, mark)
		case strings.Contains(path, "shape"):
			fmt.Fprintf(w, `{"results":"%[1]s","items":"%[1]s"}`, mark)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(s.Close)
	return s
}
