package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// mark is in every secret that the marked vendor issues and that the test gives.
const mark = "MARKED7f3a9c"

// answered is in what the marked vendor answers to a write: the caller sees it, and nobody keeps it.
const answered = "ANSWERED4c1d"

// vendor is a provider whose secrets are marked and who repeats them where a careless vendor would: in error texts.
type vendor struct {
	*httptest.Server

	mu      sync.Mutex
	issued  int
	revoked bool
	written int             // events that were made
	heard   strings.Builder // every request as it came in
}

func newVendor(t *testing.T) *vendor {
	t.Helper()
	v := &vendor{}
	v.Server = httptest.NewServer(http.HandlerFunc(v.serve))
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) serve(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	fmt.Fprintf(&v.heard, "%s %s %v %s\n", r.Method, r.URL, r.Header, body)
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/token" && v.revoked:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"invalid_grant","error_description":"refresh token %s-refresh was revoked; %s"}`, mark, body)
	case r.URL.Path == "/token":
		v.issued++
		fmt.Fprintf(w, `{"access_token":"%[1]s-access-%[2]d","refresh_token":"%[1]s-refresh","token_type":"Bearer","expires_in":3600}`,
			mark, v.issued)
	case r.URL.Path == "/revoke":
		fmt.Fprintln(w, `{}`)
	case v.revoked:
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":{"message":"%s is not valid"}}`, r.Header.Get("Authorization"))
	case strings.HasSuffix(r.URL.Path, "/calendarList/primary"):
		fmt.Fprintln(w, `{"kind":"calendar#calendarListEntry","id":"ada@example.com","summary":"Ada"}`)
	case strings.HasSuffix(r.URL.Path, "/calendarList"):
		fmt.Fprintln(w, `{"kind":"calendar#calendarList"}`)
	case strings.HasSuffix(r.URL.Path, "/events") && r.Method == http.MethodPost:
		v.written++
		fmt.Fprintf(w, `{"kind":"calendar#event","id":"new-%d","summary":"%s","start":{"dateTime":"2026-01-21T09:00:00Z"}}`,
			v.written, answered)
	case strings.HasSuffix(r.URL.Path, "/events"):
		fmt.Fprintln(w, `{"kind":"calendar#events","items":[{"id":"1","summary":"Planning","start":{"dateTime":"2026-01-21T09:00:00Z"},"end":{"dateTime":"2026-01-21T10:00:00Z"}}]}`)
	case r.URL.Path == "/hook":
		fmt.Fprintln(w, `{"results":[{"content":"shipped","structured_data":{"status":"shipped"}}]}`)
	case r.URL.Path == "/angry":
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":"no: %s %s"}`, r.Header.Get("Authorization"), body)
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, `{"error":"no %s"}`, r.URL.Path)
	}
}

// revoke makes the vendor refuse everything it has issued.
func (v *vendor) revoke() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.revoked = true
}

// requests returns what the vendor was sent.
func (v *vendor) requests() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.heard.String()
}

// manifests writes an operator's directory in which the built-in calendar is replaced by one whose addresses are base's,
// and returns it. More are pairs of what is replaced besides, and by what.
func manifests(t *testing.T, base string, more ...string) string {
	t.Helper()
	text, err := os.ReadFile("../provider/catalog/google_calendar.yaml")
	if err != nil {
		t.Fatal(err)
	}
	manifest := strings.NewReplacer(append(more,
		"https://accounts.google.com/o/oauth2/v2/auth", base+"/authorize",
		"https://oauth2.googleapis.com/token", base+"/token",
		"https://oauth2.googleapis.com/revoke", base+"/revoke",
		"https://www.googleapis.com/calendar/v3", base+"/calendar/v3",
		"hosts: [www.googleapis.com]", `hosts: ["127.0.0.1"]`,
	)...).Replace(string(text))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "google_calendar.yaml"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
