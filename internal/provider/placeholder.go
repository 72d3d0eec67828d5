package provider

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/internal/problem"
)

const (
	// maxPlaceholders is how many placeholders a config may hold.
	maxPlaceholders = 32
	// maxFilled is the longest value after filling, in bytes.
	maxFilled = 8 << 10
)

var (
	placeholder      = regexp.MustCompile(`\{\{([A-Z][A-Z0-9_]{0,63})\}\}`)
	wholePlaceholder = regexp.MustCompile(`^\{\{[A-Z][A-Z0-9_]{0,63}\}\}$`)
	placeholderName  = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)
)

// PlaceholderNames returns the names of the secrets that a config asks for with {{NAME}}, sorted.
func (p *Provider) PlaceholderNames(config map[string]any) []string {
	names := map[string]bool{}
	for _, property := range p.Placeholders {
		eachText(config[property], []string{property}, func(_ []string, s string) {
			for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
				names[m[1]] = true
			}
		})
	}
	return slices.Sorted(maps.Keys(names))
}

// ValidateSecrets checks that the secrets are those that the config's placeholders name, no more and no fewer. It
// returns every fault at once, joined: problems of code Invalid whose Field begins with "secrets". None repeats a
// value.
func (p *Provider) ValidateSecrets(config map[string]any, secrets map[string]string) error {
	var faults []error
	fault := func(name, format string, args ...any) {
		faults = append(faults, problem.New(problem.Invalid, format, args...).At("secrets", shortened(name)))
	}
	wanted := p.PlaceholderNames(config)
	for _, name := range wanted {
		if secrets[name] == "" {
			fault(name, "The config asks for this secret.")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		switch {
		case !placeholderName.MatchString(name):
			fault(name, "A secret's name has capital letters, digits and underscores, and begins with a letter.")
		case !slices.Contains(wanted, name):
			fault(name, "No placeholder in the config asks for this secret.")
		case len(secrets[name]) > maxFilled:
			fault(name, "It is longer than %d bytes.", maxFilled)
		}
	}
	return errors.Join(faults...)
}

// checkPlaceholders refuses too many placeholders, braces that are none, and placeholders where none is filled.
func checkPlaceholders(properties []string, config map[string]any) error {
	var faults []error
	total := 0
	for _, property := range slices.Sorted(maps.Keys(config)) {
		filled := slices.Contains(properties, property)
		eachText(config[property], []string{"config", property}, func(at []string, s string) {
			count := len(placeholder.FindAllString(s, -1))
			total += count
			switch {
			case !filled && count > 0 && len(properties) > 0:
				faults = append(faults, problem.New(problem.Invalid, "Placeholders are filled only in %s.",
					strings.Join(properties, ", ")).At(at...))
			case filled && strings.Contains(placeholder.ReplaceAllString(s, ""), "{{"):
				faults = append(faults, problem.New(problem.Invalid,
					"A placeholder is written {{NAME}}, with capital letters, digits and underscores.").At(at...))
			}
		})
	}
	if total > maxPlaceholders {
		faults = append(faults, problem.New(problem.Invalid, "It has more than %d placeholders.", maxPlaceholders).
			At("config"))
	}
	return errors.Join(faults...)
}

// fillPlaceholders puts secrets in place of {{NAME}} in every text below the properties. What comes out of a secret is
// not looked at again.
func fillPlaceholders(config map[string]any, properties []string, secret func(name string) (string, bool)) error {
	for _, property := range properties {
		if v, ok := config[property]; ok {
			filled, err := filledIn(v, []string{"config", property}, secret)
			if err != nil {
				return err
			}
			config[property] = filled
		}
	}
	return nil
}

func filledIn(v any, at []string, secret func(string) (string, bool)) (any, error) {
	m, ok := v.(map[string]any)
	if ok {
		for name, one := range m {
			filled, err := filledIn(one, append(slices.Clone(at), name), secret)
			if err != nil {
				return nil, err
			}
			m[name] = filled
		}
		return m, nil
	}
	s, ok := v.(string)
	if !ok {
		return v, nil
	}
	var missing string
	out := placeholder.ReplaceAllStringFunc(s, func(mark string) string {
		value, ok := secret(mark[2 : len(mark)-2])
		if !ok {
			missing = mark
		}
		return value
	})
	switch {
	case missing != "":
		return nil, problem.New(problem.Invalid, "There is no secret for the placeholder %s.", missing).At(at...)
	case len(out) > maxFilled:
		return nil, problem.New(problem.Invalid, "With its secrets it is longer than %d bytes.", maxFilled).At(at...)
	}
	return out, nil
}

func eachText(v any, at []string, visit func(at []string, s string)) {
	switch v := v.(type) {
	case string:
		visit(at, v)
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			eachText(v[name], append(slices.Clone(at), name), visit)
		}
	case []any:
		for _, one := range v {
			eachText(one, at, visit)
		}
	}
}
