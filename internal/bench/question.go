package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/patchbay/patchbay/internal/provider/catalog"
)

// eventsPath is the request that Patchbay makes of the question, below the provider's base URL.
const eventsPath = "/calendars/primary/events"

// question compares the whole way of a question (plan, open the token, call, map, audit) with a bare reverse proxy that
// adds a header.
func (w *world) question(ctx context.Context) error {
	vendor := httptest.NewServer(http.HandlerFunc(vendorAnswers))
	defer vendor.Close()
	host := strings.TrimPrefix(vendor.URL, "http://")
	manifests, err := w.manifests(vendor.URL)
	if err != nil {
		return err
	}
	ours, err := w.patchbay(ctx, "--manifests", manifests, "--egress-allow", host,
		"--oauth-clients", fmt.Sprintf(`{%q:{"client_id":"bench","client_secret":"bench"}}`, w.calendar.ClientGroup()))
	if err != nil {
		return err
	}
	defer ours.stop()
	hand, err := launch(ctx, "proxy", vendor.URL)
	if err != nil {
		return err
	}
	defer hand.stop()
	link, err := w.connect(ctx, ours)
	if err != nil {
		return err
	}
	at, err := url.Parse(w.calendar.BaseURL)
	if err != nil {
		return err
	}
	body, err := graphql(`mutation($i: IntegrationQueryInput!) { integrationQuery(input: $i) { result { results { title
		... on CalendarEvent { start end attendees } } } userErrors { message } } }`,
		map[string]any{"i": map[string]any{"integrationId": link, "query": "What meetings do I have tomorrow?"}})
	if err != nil {
		return err
	}
	targets := []target{
		{name: "patchbay", server: ours, path: "/graphql", body: body, header: http.Header{"Authorization": {"Bearer " + w.key}}},
		{name: "proxy", server: hand, path: at.Path + eventsPath, body: nil, header: http.Header{}},
	}
	costs, err := compare(ctx, w.postgres, targets...)
	if err != nil {
		return err
	}
	report("Question: plan, open the token, call, map, audit; beside a bare reverse proxy", targets, costs, nil)
	return nil
}

// serveProxy is httputil.ReverseProxy with one header.
func serveProxy(ctx context.Context, upstream string) error {
	to, err := url.Parse(upstream)
	if err != nil {
		return err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: connections}
	return serve(ctx, "proxy", &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Method = http.MethodGet
		r.Out.Header.Set("Authorization", "Bearer bench")
	}})
}

// vendorAnswers plays as much of a provider as the question needs, with an answer of about 1.5 KB.
func vendorAnswers(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/token":
		_, _ = io.WriteString(w, `{"access_token":"bench","refresh_token":"bench","token_type":"Bearer","expires_in":86400}`)
	case strings.HasSuffix(r.URL.Path, eventsPath):
		event := `{"id":"%d","status":"confirmed","summary":"Planning %d","location":"Room 2","start":{"dateTime":"2026-01-21T09:00:00Z"},` +
			`"end":{"dateTime":"2026-01-21T10:00:00Z"},"attendees":[{"email":"ada@example.com"},{"email":"grace@example.com"}]}`
		var items []string
		for i := range 6 {
			items = append(items, fmt.Sprintf(event, i, i))
		}
		fmt.Fprintf(w, `{"kind":"calendar#events","items":[%s]}`, strings.Join(items, ","))
	default:
		_, _ = io.WriteString(w, `{"kind":"calendar#calendarListEntry","id":"ada@example.com","summary":"Ada"}`)
	}
}

// manifests replaces the addresses in the calendar's manifest by those of what plays it.
func (w *world) manifests(base string) (string, error) {
	name := w.calendar.Name + ".yaml"
	text, err := catalog.FS.ReadFile(name)
	if err != nil {
		return "", err
	}
	at, err := url.Parse(w.calendar.BaseURL)
	if err != nil {
		return "", err
	}
	auth := w.calendar.Auth.OAuth2
	manifest := strings.NewReplacer(
		auth.Authorize.URL, base+"/authorize", auth.Token.URL, base+"/token", auth.Revoke.URL, base+"/revoke",
		w.calendar.BaseURL, base+at.Path, "hosts: ["+at.Host+"]", `hosts: ["127.0.0.1"]`,
	).Replace(string(text))
	dir := filepath.Join(w.dir, "manifests")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, name), []byte(manifest), 0o600)
}

// connect makes a user and connects the vendor's calendar; it returns the integration's id.
func (w *world) connect(ctx context.Context, p *process) (string, error) {
	var user struct {
		UserCreate struct{ User struct{ ID string } }
	}
	if err := w.ask(ctx, p, `mutation { userCreate(input: {externalId: "bench"}) { user { id } } }`, nil, &user); err != nil {
		return "", err
	}
	var started struct{ IntegrationConnect struct{ State string } }
	if err := w.ask(ctx, p, `mutation($u: ID!, $p: String!) { integrationConnect(input: {userId: $u, provider: $p,
		redirectUrl: "http://127.0.0.1/done"}) { state } }`,
		map[string]any{"u": user.UserCreate.User.ID, "p": w.calendar.Name}, &started); err != nil {
		return "", err
	}
	var done struct {
		IntegrationCallback struct {
			Integration *struct{ ID string }
			UserErrors  []struct{ Message string }
		}
	}
	err := w.ask(ctx, p, `mutation($u: ID!, $p: String!, $s: String!) { integrationCallback(input: {userId: $u, provider: $p,
		code: "bench", state: $s}) { integration { id } userErrors { message } } }`,
		map[string]any{"u": user.UserCreate.User.ID, "p": w.calendar.Name, "s": started.IntegrationConnect.State}, &done)
	if err != nil {
		return "", err
	}
	if done.IntegrationCallback.Integration == nil {
		return "", fmt.Errorf("connect: %v", done.IntegrationCallback.UserErrors)
	}
	return done.IntegrationCallback.Integration.ID, nil
}

func (w *world) ask(ctx context.Context, p *process, query string, variables map[string]any, into any) error {
	body, err := graphql(query, variables)
	if err != nil {
		return err
	}
	t := target{name: "patchbay", server: p, path: "/graphql", body: body, header: http.Header{"Authorization": {"Bearer " + w.key}}}
	text, err := t.once(ctx, http.DefaultClient)
	if err != nil {
		return err
	}
	answer := struct{ Data any }{into}
	if err := json.Unmarshal(text, &answer); err != nil {
		return errors.Join(err, fmt.Errorf("%.300s", text))
	}
	return nil
}

func graphql(query string, variables map[string]any) ([]byte, error) {
	return json.Marshal(map[string]any{"query": query, "variables": variables})
}
