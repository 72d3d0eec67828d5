package app

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
)

// settingsFile reads a settings file in YAML, of which JSON is a part. A key is a flag's name, with hyphens or
// underscores. A key that no flag has is refused: a mistyped setting must not be silently without effect.
func settingsFile(r io.Reader) (kong.Resolver, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read the settings file: %w", err)
	}
	values := map[string]any{}
	if err := yaml.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("the settings file is not YAML: %s", yaml.FormatError(err, false, false))
	}
	byFlag := make(map[string]any, len(values))
	for key, value := range values {
		byFlag[strings.ReplaceAll(key, "_", "-")] = value
	}
	return fileResolver(byFlag), nil
}

type fileResolver map[string]any

// isSetting reports whether a flag may be set elsewhere than on the command line: the tag env:"-" says no.
func isSetting(flag *kong.Flag) bool { return flag.Tag.Get("env") != "-" && flag.Name != "help" }

// Validate refuses keys that are no flag of any command.
func (f fileResolver) Validate(app *kong.Application) error {
	known := map[string]bool{}
	var walk func(*kong.Node)
	walk = func(n *kong.Node) {
		for _, flag := range n.Flags {
			known[flag.Name] = known[flag.Name] || isSetting(flag)
		}
		for _, child := range n.Children {
			walk(child)
		}
	}
	walk(app.Node)
	var unknown []string
	for key := range f {
		if !known[key] {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return fmt.Errorf("the settings file has settings that do not exist: %s", strings.Join(unknown, ", "))
	}
	return nil
}

// Resolve returns a flag's value, or nil when the file does not set it. What is neither text nor a switch, nor a list for
// a flag that takes several, is handed on as JSON, as it would stand on the command line: the flag's own reading then
// refuses it in words, where the parser would quote the value, and a value may be a secret.
func (f fileResolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if !isSetting(flag) || variable(flag) != "" { // the environment goes before the file
		return nil, nil //nolint:nilnil // not set
	}
	switch value := f[flag.Name].(type) {
	case nil, string, bool:
		return value, nil
	case []any:
		if flag.IsSlice() {
			return value, nil
		}
	}
	text, err := json.Marshal(f[flag.Name])
	if err != nil {
		return nil, fmt.Errorf("the setting %s cannot be read", flag.Name)
	}
	return string(text), nil
}
