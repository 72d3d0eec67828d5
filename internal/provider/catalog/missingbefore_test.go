package catalog_test

import (
	"context"
	"slices"
	"testing"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
)

// everyFixture calls f with every fixture of the catalog.
func everyFixture(t *testing.T, f func(*provider.Provider, provider.Fixture)) {
	t.Helper()
	for _, p := range known(t).All() {
		fixtures, findings := provider.Fixtures(catalog.FS, p.Name)
		if len(findings) > 0 {
			t.Fatal(findings)
		}
		for _, one := range fixtures {
			f(p, one)
		}
	}
}

// spoiled calls f with every answer that lacks one field of body, and with every one in which it is null.
func spoiled(body any, f func(path string, body any)) {
	var paths []string
	spoil(body, "", func(at string, v any) (any, bool) {
		paths = append(paths, at)
		return v, true
	})
	for _, path := range paths {
		for _, there := range []bool{true, false} {
			f(path, spoil(body, "", func(at string, v any) (any, bool) {
				if at != path {
					return v, true
				}
				return nil, there
			}))
		}
	}
}

func TestALookupWhoseAnswerLacksAFieldFindsNothingOrWhatIsThere(t *testing.T) {
	t.Parallel()
	everyFixture(t, func(p *provider.Provider, f provider.Fixture) {
		for _, c := range p.CapabilitiesFor(f.Input.Config, nil) {
			if c.Name != f.Shows {
				continue
			}
			for i, exchange := range f.Lookup {
				spoiled(plain(t, exchange.Answer.Body), func(path string, body any) {
					sent := 0
					_, err := c.LookUp(t.Context(), f.Input.Build(), func(context.Context, *provider.Request) (provider.Response, error) {
						defer func() { sent++ }()
						switch {
						case sent == i:
							return answered(body), nil
						case sent >= len(f.Lookup) || !succeeded(f.Lookup[sent].Answer):
							return provider.Response{}, provider.ErrNotThere
						}
						return answered(f.Lookup[sent].Answer.Body), nil
					})
					if err != nil && !problem.Is(err, problem.NotFound) {
						t.Errorf("%s: %s: lookup[%d] without %s: %v", p.Name, f, i, path, err)
					}
				})
			}
		}
	})
}

// fallbacks are fields without which the vendor still tells an account, though in another way: Intercom may leave the app
// out and names the admin, and Odoo may not tell the user of a key, so that the database stands in.
var fallbacks = []string{"intercom .app", "intercom .app.id_code", "odoo .uid"}

func TestAnAccountThatLacksAFieldIsTheSameOrNone(t *testing.T) {
	t.Parallel()
	everyFixture(t, func(p *provider.Provider, f provider.Fixture) {
		if f.Shows != provider.ShowsAccount {
			return
		}
		spoiled(plain(t, f.Answer.Body), func(path string, body any) {
			who, err := p.Account.Read(t.Context(), f.Input.Build(), answered(body))
			switch {
			case err == nil && who.ID != f.Identity.ID && !slices.Contains(fallbacks, p.Name+" "+path):
				t.Errorf("%s: %s without %s: the account is %q", p.Name, f, path, who.ID)
			case err != nil && !problem.Is(err, problem.ProviderFailed):
				t.Errorf("%s: %s without %s: %v", p.Name, f, path, err)
			}
		})
	})
}
