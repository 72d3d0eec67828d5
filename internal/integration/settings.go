package integration

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
)

const (
	maxSecret  = 8 << 10 // bytes
	maxSecrets = 50
)

var secretName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)

// settings are an integration's config and secrets after a change, checked and kept apart.
type settings struct {
	// public is the config without secrets.
	public column.Object
	// secrets are those that the change brings, removed the names of those that it takes away.
	secrets map[string]seal.Secret
	removed []string
	// names are those of all secrets there are then.
	names column.Strings
	// pasted is what was given in place of a consent; zero for nothing. It is no secret of the settings.
	pasted seal.Secret
	// missing are the placeholders that no secret fills.
	missing []string
}

// settingsFor applies a change of config and secrets to what an integration has; before is nil for a new one. Both are
// merged by name, and null removes. Every fault comes back at once; none repeats the value of a secret.
//
// The values of secrets that are kept cannot be looked at here, so a fault that would lie in one of them is not one.
func (s *Service) settingsFor(
	p *provider.Provider, kind string, before *ent.Integration, config, secrets map[string]any,
) (settings, error) {
	merged, kept := map[string]any{}, []string{}
	if before != nil {
		maps.Copy(merged, before.Config)
		kept = slices.Clone(before.SecretNames)
	}
	for key, value := range config {
		name := key
		if real, ok := p.Aliases[key]; ok {
			name = real
			delete(merged, real)
		}
		if merged[key] = value; value == nil {
			delete(merged, key)
		}
		kept = slices.DeleteFunc(kept, func(secret string) bool {
			return secret == name || strings.HasPrefix(secret, name+".")
		})
	}
	faults := []error{s.checkConfig(p, kind, merged, kept)}
	given, err := checkSecrets(secrets)
	faults = append(faults, err)
	if err := errors.Join(faults...); err != nil {
		return settings{}, err
	}
	out := settings{secrets: map[string]seal.Secret{}, pasted: pasted(p, kind, merged)}
	public, inside := p.SplitSecrets(merged)
	out.public = public
	for name, value := range inside {
		out.secrets[name] = seal.NewSecret(value)
	}
	for name, value := range given {
		if value != nil {
			out.secrets[name] = *value
		} else {
			kept = slices.DeleteFunc(kept, func(one string) bool { return one == name })
		}
	}
	out.names = once(slices.Sorted(slices.Values(slices.Concat(kept, slices.Collect(maps.Keys(out.secrets))))))
	if before != nil {
		out.removed = slices.DeleteFunc(slices.Clone(before.SecretNames), func(name string) bool {
			return slices.Contains(out.names, name)
		})
	}
	out.missing = slices.DeleteFunc(p.PlaceholderNames(merged), func(name string) bool {
		return slices.Contains(out.names, name)
	})
	return out, nil
}

// checkConfig checks a config whose kept secrets stand elsewhere, and the addresses in it.
func (s *Service) checkConfig(p *provider.Provider, kind string, config map[string]any, kept []string) error {
	stand := make(map[string]string, len(kept))
	for _, name := range kept {
		stand[name] = "kept elsewhere"
	}
	whole := config
	if len(stand) > 0 {
		whole = p.JoinSecrets(config, stand)
	}
	var faults []error
	for _, fault := range problem.All(p.ValidateConfig(kind, whole)) {
		path := strings.Join(fault.Field[min(1, len(fault.Field)):], ".")
		if !slices.Contains(kept, path) {
			faults = append(faults, problem.Below(fault, "input"))
		}
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	properties, _ := p.ConfigSchema(kind)["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(config)) {
		property, _ := properties[name].(map[string]any)
		address, isText := config[name].(string)
		if property["format"] != "uri" || !isText {
			continue
		}
		if err := s.Egress.CheckURL(address); err != nil {
			for _, fault := range problem.All(err) {
				faults = append(faults, fault.At("input", "config", name))
			}
		}
	}
	return errors.Join(faults...)
}

// checkSecrets reads the values for placeholders; nil stands for one to remove.
func checkSecrets(secrets map[string]any) (map[string]*seal.Secret, error) {
	if len(secrets) > maxSecrets {
		return nil, problem.New(problem.Invalid, "These are %d secrets; at most %d are taken.", len(secrets), maxSecrets).
			At("input", "secrets")
	}
	out := make(map[string]*seal.Secret, len(secrets))
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		fault := func(format string, args ...any) {
			faults = append(faults, problem.New(problem.Invalid, format, args...).At("input", "secrets", clip(name, 64)))
		}
		text, isText := secrets[name].(string)
		switch {
		case !secretName.MatchString(name):
			fault("The name of a secret begins with a capital letter and goes on with capital letters, digits and underscores.")
		case secrets[name] == nil:
			out[name] = nil
		case !isText || text == "":
			fault("The value of a secret is text that is not empty.")
		case len(text) > maxSecret:
			fault("The value of a secret has at most %d bytes.", maxSecret)
		default:
			secret := seal.NewSecret(text)
			out[name] = &secret
		}
	}
	return out, errors.Join(faults...)
}

// changes is what credential.SaveSecrets takes: a zero value removes.
func (c settings) changes() map[string]seal.Secret {
	out := make(map[string]seal.Secret, len(c.secrets)+len(c.removed))
	for _, name := range c.removed {
		out[name] = seal.Secret{}
	}
	maps.Copy(out, c.secrets)
	return out
}

// missingSecrets says which placeholders nobody fills.
func missingSecrets(names []string) error {
	var faults []error
	for _, name := range names {
		faults = append(faults, problem.New(problem.Invalid,
			"The config asks for this secret with {{%s}}, and it is not given.", name).At("input", "secrets", name))
	}
	return errors.Join(faults...)
}

// clipBytes shortens text to what a column keeps, without cutting a character in two.
func clipBytes(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-len("…")], "") + "…"
}
