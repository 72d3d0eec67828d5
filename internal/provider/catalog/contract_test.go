package catalog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
)

// specs says where the vendor's description is, and which of its hosts stands for the one in the fixtures.
var specs = map[string]struct{ file, from, to string }{
	"google_calendar": {"google_calendar/calendar-v3.openapi.json", "", ""},
	"gmail":           {"gmail/gmail-v1.openapi.json", "", ""},
	"custom_webhook":  {"custom_webhook/webhook.openapi.json", "https://api.example.com/", "https://your-api.com/"},
}

func TestRequestsAndAnswersAreWhatTheVendorDescribes(t *testing.T) {
	t.Parallel()
	c, err := provider.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.All() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, p)
			fixtures, findings := provider.Fixtures(catalog.FS, p.Name)
			if len(findings) > 0 {
				t.Fatal(findings)
			}
			for _, f := range fixtures {
				t.Run(f.String(), func(t *testing.T) { v.check(t, f) })
			}
		})
	}
}

type vendor struct {
	provider *provider.Provider
	router   routers.Router
	from, to string
}

func newVendor(t *testing.T, p *provider.Provider) *vendor {
	t.Helper()
	spec, ok := specs[p.Name]
	if !ok {
		t.Fatalf("there is no description of %s", p.Name)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join("testdata", "specs", spec.file))
	if err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &vendor{provider: p, router: router, from: spec.from, to: spec.to}
}

// check renders what the fixture asks, by the real engine, and validates it and the answer.
func (v *vendor) check(t *testing.T, f provider.Fixture) {
	in := f.Input.Build()
	switch f.Shows {
	case provider.ShowsAccount:
		v.exchange(t, must(v.provider.Account.NewRequest(t.Context(), in)), f.Answer, nil)
	case provider.ShowsProbeGood, provider.ShowsProbeBad:
		v.exchange(t, must(v.provider.Probe.NewRequest(t.Context(), in)), f.Answer, nil)
	}
	for _, c := range v.provider.CapabilitiesFor(in.Config, nil) {
		if c.Name != f.Shows {
			continue
		}
		v.exchange(t, must(c.Request(t.Context(), in)), f.Answer, c)
		if c.Each == nil {
			continue
		}
		page := must(c.Map(t.Context(), in, provider.Response{Status: 200, Body: must(json.Marshal(f.Answer.Body))}))
		for i, item := range page.Items {
			in.Item = item
			v.exchange(t, must(c.Each.Request(t.Context(), in)), f.Each[i].Answer, c)
		}
	}
}

func (v *vendor) exchange(t *testing.T, r *provider.Request, a provider.Answer, c *provider.Capability) {
	t.Helper()
	if v.from != "" {
		r.URL = v.to + r.URL[len(v.from):]
	}
	req := must(r.HTTP(t.Context()))
	route, params, err := v.router.FindRoute(req)
	if err != nil {
		t.Fatalf("%s: %v", r.Summary(), err)
	}
	input := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			MultiError:         true,
			AuthenticationFunc: func(context.Context, *openapi3filter.AuthenticationInput) error { return nil },
		},
	}
	if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil {
		t.Errorf("%s %s: %v", r.Summary(), r.Body, err)
	}
	for name := range req.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil {
			t.Errorf("%s: the vendor knows no parameter %s", r.Summary(), name)
		}
	}
	v.scopes(t, route, c)
	if a.Body == nil || a.Status != 0 && a.Status != http.StatusOK {
		return
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(must(json.Marshal(a.Body)))), Options: input.Options,
	}
	if err := openapi3filter.ValidateResponse(t.Context(), answer); err != nil {
		t.Errorf("the answer to %s: %v", r.Summary(), err)
	}
}

// scopes checks that any scope that the manifest takes for enough is enough for the vendor.
func (v *vendor) scopes(t *testing.T, route *routers.Route, c *provider.Capability) {
	t.Helper()
	enough, ok := route.Operation.Extensions["x-scopes"].([]any)
	if !ok || c == nil || v.provider.Auth.OAuth2 == nil {
		return
	}
	for _, s := range v.provider.Auth.OAuth2.Scopes {
		if c.Granted([]string{s.Name}) && !slices.Contains(enough, any(s.Value)) {
			t.Errorf("%s does not let anybody call %s", s.Name, route.Path)
		}
	}
	if !slices.ContainsFunc(v.provider.Auth.OAuth2.Scopes, func(s oauth.Scope) bool { return s.Default }) {
		t.Error("no scope is asked for by default")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
