package app

import (
	"os"

	"github.com/alecthomas/kong"
)

// environment sets flags from their PATCHBAY_… variables. The parser reads these too, but lets the settings file win over
// them, and quotes a value that it cannot read, which may be a secret.
type environment struct{}

// Validate accepts every command line: variables that no flag has are not looked at.
func (environment) Validate(*kong.Application) error { return nil }

// Resolve returns the value of a flag's variable, or nil when it is absent or empty.
func (environment) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if value := variable(flag); value != "" {
		return value, nil
	}
	return nil, nil //nolint:nilnil // not set
}

// variable returns the value of the variable that sets a flag; empty when none does.
func variable(flag *kong.Flag) string {
	for _, name := range flag.Envs {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// emptyIsAbsent keeps the parser from reading variables that are empty: what a composed environment leaves blank has its
// default, and is no address that means every interface.
func emptyIsAbsent(k *kong.Kong) error {
	return kong.Visit(k.Model.Node, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok && variable(flag) == "" {
			set := false
			for _, name := range flag.Envs {
				_, found := os.LookupEnv(name)
				set = set || found
			}
			if set {
				flag.Tag.Envs = nil
			}
		}
		return next(nil)
	})
}
