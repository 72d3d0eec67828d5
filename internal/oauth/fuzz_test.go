package oauth_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/seal"
)

type said struct {
	status int
	header http.Header
	body   string
}

func (s said) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: s.status, Header: s.header, Body: io.NopCloser(strings.NewReader(s.body)), ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// FuzzAnAnswerIsATokenOrAnErrorThatKeepsSecrets also holds that nothing but a final code, from a server that is not
// ill, is a rejection.
func FuzzAnAnswerIsATokenOrAnErrorThatKeepsSecrets(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"a","refresh_token":"r","expires_in":3599,"scope":"mail","x":{"y_token":[1]}}`,
		`{"error":"invalid_grant"}`, `{"error":{"code":1}}`, `{"ok":false,"error":"token_revoked"}`, `<html>`, ``, `[]`,
		`{"access_token":"a","expires_in":"1e400","scope":["mail",1]}`, `{"error":"` + mark + `-refresh"}`,
	} {
		f.Add(200, "1", body)
		f.Add(400, "x", body)
		f.Add(503, "-1", body)
	}
	f.Fuzz(func(t *testing.T, status int, retry, body string) {
		if status < 200 || status > 599 {
			status = 200
		}
		w := &oauth.Wire{
			Server: server("https://login.example"), Client: oauth.Client{ID: "c", Secret: seal.NewSecret(mark + "-client")},
			HTTP: &http.Client{Transport: said{status, http.Header{"Retry-After": {retry}}, body}},
			Now:  func() time.Time { return noon },
		}
		tok, err := w.Refresh(t.Context(), seal.NewSecret(mark+"-refresh"))
		if err == nil {
			if tok.Access.IsZero() || tok.ExpiresIn < 0 || status > 299 {
				t.Errorf("%d %q gave %+v", status, body, tok)
			}
			return
		}
		e, ok := errors.AsType[*oauth.Error](err)
		if !ok || tok != nil || e.RetryAfter < 0 || e.RetryAfter > oauth.MaxRetryAfter {
			t.Errorf("%d %q gave %v", status, body, err)
		}
		final := e.Code == "invalid_grant" || e.Code == "token_revoked"
		if e.Kind == oauth.Rejected && (!final || status >= 500 || status == http.StatusTooManyRequests) {
			t.Errorf("%d %q is a rejection", status, body)
		}
		if strings.Contains(err.Error(), mark+"-refresh") || strings.Contains(err.Error(), mark+"-client") {
			t.Errorf("%d %q: the error holds a secret: %v", status, body, err)
		}
	})
}
