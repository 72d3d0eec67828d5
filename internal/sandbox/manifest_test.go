package sandbox_test

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
	"github.com/patchbay/patchbay/internal/sandbox"
)

// TestTheShippedManifestsWorkInTheSandbox goes each manifest's whole way: consent, probe, account, every reading
// capability.
func TestTheShippedManifestsWorkInTheSandbox(t *testing.T) {
	t.Parallel()
	c, err := provider.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, sandbox.Options{Catalog: c, Fixtures: []fs.FS{catalog.FS}})
	for _, p := range c.All() {
		if p.ClientGroup() != "google" {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			server := p.Auth.OAuth2
			v := oauth.NewVerifier()
			var scopes []string
			for _, s := range server.Scopes {
				scopes = append(scopes, s.Name) // the consent page knows every scope that a manifest names
			}
			u, err := server.AuthorizeURL(w.Client(p.ClientGroup()), oauth.AuthorizeRequest{
				State: "state-1234567890", Verifier: v, RedirectURL: redirectURL, Scopes: scopes})
			if err != nil {
				t.Fatal(err)
			}
			res, _ := get(t, w.AuthorizeURL(u)+"&sandbox_consent=allow")
			wire := &oauth.Wire{Server: server, Client: w.Client(p.ClientGroup()), HTTP: w.http, Now: w.clock.Now}
			tok, err := wire.Exchange(t.Context(), back(t, res).Get("code"), v, redirectURL)
			if err != nil {
				t.Fatal(err)
			}
			ask := func(r *provider.Request, err error) provider.Response {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				req, err := r.HTTP(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Authorization", "Bearer "+tok.Access.Reveal())
				return answer(t, w.http, req)
			}
			end := sunday.AddDate(0, 0, 7)
			in := provider.Input{Query: "?", Now: sunday, TimeZone: "Europe/Berlin", Limit: 10,
				Config: map[string]any{}, Window: &provider.Window{Start: &sunday, End: &end}}
			if p.Name == "gmail" {
				start := sunday.AddDate(0, 0, -14)
				in.Window = &provider.Window{Start: &start, End: &sunday}
				in.People = []provider.Person{{Name: "Sarah", Role: "from"}}
				in.Text, in.States = "budget", []string{"unread"}
			}
			for _, capability := range p.CapabilitiesFor(nil, tok.Scopes) {
				if capability.Effect != provider.Read {
					continue
				}
				in.Lookup, err = capability.LookUp(t.Context(), in,
					func(_ context.Context, r *provider.Request) (provider.Response, error) { return ask(r, nil), nil })
				if err != nil {
					t.Fatalf("%s: %v", capability.Name, err)
				}
				got := ask(capability.Request(t.Context(), in))
				if verdict := p.Classify(got); verdict.Kind != provider.OK {
					t.Fatalf("%s: %+v", capability.Name, verdict)
				}
				page, err := capability.Map(t.Context(), in, got)
				if err != nil || len(page.Results)+len(page.Items) == 0 {
					t.Errorf("%s found nothing: %v", capability.Name, err)
				}
				for _, item := range page.Items {
					one := in
					one.Item = item
					single, err := capability.Each.Map(t.Context(), one, ask(capability.Each.Request(t.Context(), one)))
					if err != nil || len(single.Results) != 1 || !strings.Contains(single.Results[0].Title, "udget") ||
						!strings.Contains(single.Results[0].Content, "Sarah") {
						t.Errorf("%s: %+v %v", capability.Name, single, err)
					}
				}
			}
		})
	}
}

func answer(t *testing.T, c *http.Client, req *http.Request) provider.Response {
	t.Helper()
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return provider.Response{Status: res.StatusCode, Header: res.Header, Body: body}
}
