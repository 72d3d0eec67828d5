package catalog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
)

// openAPI is a vendor who describes an API in OpenAPI, in one file or more.
type openAPI struct {
	provider *provider.Provider
	routers  []routers.Router
}

func openOpenAPI(t *testing.T, c *contract, p *provider.Provider) *openAPI {
	t.Helper()
	o := &openAPI{provider: p}
	for _, file := range c.OpenAPI {
		doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(c.dir, file))
		if err != nil {
			t.Fatal(err)
		}
		router, err := gorillamux.NewRouter(doc)
		if err != nil {
			t.Fatal(err)
		}
		o.routers = append(o.routers, router)
	}
	return o
}

func (o *openAPI) exchange(t *testing.T, r *provider.Request, a provider.Answer, c *provider.Capability) []error {
	req := must(r.HTTP(t.Context()))
	route, params, err := o.route(req)
	if err != nil {
		return []error{err}
	}
	input := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			MultiError:         true,
			AuthenticationFunc: func(context.Context, *openapi3filter.AuthenticationInput) error { return nil },
		},
	}
	faults := apart(openapi3filter.ValidateRequest(t.Context(), input))
	for name := range req.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil &&
			route.PathItem.Parameters.GetByInAndName("query", name) == nil {
			faults = append(faults, fmt.Errorf("the vendor knows no parameter %s", name))
		}
	}
	faults = append(faults, o.scopes(route, c)...)
	if a.Body == nil || !succeeded(a) {
		return faults
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: max(a.Status, http.StatusOK),
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(bytes.NewReader(must(json.Marshal(a.Body)))), Options: input.Options,
	}
	for _, fault := range apart(openapi3filter.ValidateResponse(t.Context(), answer)) {
		faults = append(faults, fmt.Errorf("the answer: %w", fault))
	}
	return faults
}

func (o *openAPI) route(req *http.Request) (*routers.Route, map[string]string, error) {
	var last error
	for _, router := range o.routers {
		route, params, err := router.FindRoute(req)
		if err == nil {
			return route, params, nil
		}
		last = err
	}
	return nil, nil, last
}

// apart takes the errors of a validation apart, so that a known one does not hide the others.
func apart(err error) []error {
	if err == nil {
		return nil
	}
	if many, ok := err.(openapi3.MultiError); ok { //nolint:errorlint // an error around many is looked into below
		var out []error
		for _, one := range many {
			out = append(out, apart(one)...)
		}
		return out
	}
	var many openapi3.MultiError
	if inner := errors.Unwrap(err); inner != nil && errors.As(inner, &many) && len(many) > 1 {
		return apart(many)
	}
	return []error{err}
}

// scopes checks that any scope that the manifest takes for enough is enough for the vendor, where the description says
// which are.
func (o *openAPI) scopes(route *routers.Route, c *provider.Capability) (faults []error) {
	enough, ok := route.Operation.Extensions["x-scopes"].([]any)
	if !ok || c == nil || o.provider.Auth.OAuth2 == nil {
		return nil
	}
	for _, s := range o.provider.Auth.OAuth2.Scopes {
		if c.Granted([]string{s.Name}) && !slices.Contains(enough, any(s.Value)) {
			faults = append(faults, fmt.Errorf("%s does not let anybody call %s", s.Name, route.Path))
		}
	}
	if !slices.ContainsFunc(o.provider.Auth.OAuth2.Scopes, func(s oauth.Scope) bool { return s.Default }) {
		faults = append(faults, errors.New("no scope is asked for by default"))
	}
	return faults
}
