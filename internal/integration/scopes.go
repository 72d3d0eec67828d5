package integration

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// askFor returns the scopes to ask for by short name: those named, or else the defaults, and in any case those that the
// provider cannot do without and what was granted before: to agree to more is not to give up the rest, and without it the
// provider may not even say whose account it is.
func askFor(p *provider.Provider, named []string, before *ent.Integration) ([]string, error) {
	known := map[string]oauth.Scope{}
	var always, defaults []string
	for _, scope := range p.Auth.OAuth2.Scopes {
		known[scope.Name] = scope
		if scope.Required {
			always = append(always, scope.Name)
		}
		if scope.Default {
			defaults = append(defaults, scope.Name)
		}
	}
	var faults []error
	for i, name := range named {
		if _, ok := known[name]; !ok {
			faults = append(faults, problem.New(problem.Invalid, "%s has no scope %q; it has %s.", p.Title, clip(name, 64),
				strings.Join(scopeNames(p), ", ")).At("input", "scopes", fmt.Sprint(i)))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	wanted := slices.Concat(always, named)
	if len(named) == 0 {
		wanted = append(wanted, defaults...)
	}
	if before != nil {
		wanted = append(wanted, slices.DeleteFunc(slices.Clone(before.Scopes), func(name string) bool {
			_, ok := known[name]
			return !ok
		})...)
	}
	return once(wanted), nil
}

func scopeNames(p *provider.Provider) []string {
	names := make([]string, len(p.Auth.OAuth2.Scopes))
	for i, scope := range p.Auth.OAuth2.Scopes {
		names[i] = scope.Name
	}
	return names
}

// once returns the values in order, each once.
func once(values []string) column.Strings {
	out := make(column.Strings, 0, len(values))
	for _, v := range values {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
