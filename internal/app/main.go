package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/patchbay/patchbay/internal/problem"
)

// Version is set at build time by -ldflags "-X github.com/patchbay/patchbay/internal/app.Version=…".
var Version = "devel"

// commands is the whole command line.
type commands struct {
	Config kong.ConfigFlag `help:"Settings file, YAML or JSON; keys are the flags' names." placeholder:"FILE" env:"PATCHBAY_CONFIG"`

	Dev       devCommand       `cmd:"" help:"Run everything on this machine, with a sandbox of providers and an example to try."`
	Serve     serveCommand     `cmd:"" help:"Run the server."`
	Migrate   migrateCommand   `cmd:"" help:"Bring the database up to this version; safe to run from several replicas at once."`
	APIKey    apiKeyCommand    `cmd:"" name:"apikey" help:"Make, list and revoke API keys."`
	Keys      keysCommand      `cmd:"" help:"Make, replace and list the keys that seal secrets."`
	Revoke    revokeCommand    `cmd:"" help:"The kill switch: stop, revoke and destroy every credential that matches, after an incident."`
	Providers providersCommand `cmd:"" help:"List, check and show provider manifests."`
	Schema    schemaCommand    `cmd:"" help:"Print the GraphQL schema."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

// streams are where a command writes: answers to Out, what people read meanwhile to Err.
type streams struct{ Out, Err io.Writer }

// Main runs one command line until it is done or ctx ends, and returns the exit code: 0 for success, 1 for a failure, 2
// for a command line that makes no sense. A failure is one line on stderr.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	code := -1
	var cmd commands
	parser, err := kong.New(&cmd,
		kong.Name("patchbay"),
		kong.Description("Patchbay connects the services people use to the users and agents of an AI product, over GraphQL."),
		kong.Configuration(settingsFile),
		kong.DefaultEnvars("PATCHBAY"),
		kong.PostBuild(emptyIsAbsent),
		kong.Resolvers(environment{}),
		kong.Vars{"scopes": allScopes()},
		kong.UsageOnError(),
		kong.Writers(stdout, stderr),
		kong.Exit(func(c int) { code = c }),
	)
	if err != nil {
		return fail(stderr, err, 1)
	}
	parsed, err := parser.Parse(args)
	if code >= 0 { // --help
		return code
	}
	if err != nil {
		if p, ok := errors.AsType[*kong.ParseError](err); ok && p.Context.Selected() == nil {
			err = fmt.Errorf("%w (patchbay --help lists the commands)", err)
		}
		return fail(stderr, err, 2)
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(streams{stdout, stderr}); err != nil && !errors.Is(err, context.Canceled) {
		return fail(stderr, err, 1)
	}
	return 0
}

// fail prints an error as one line. A problem's message is written for people; its cause is added, because on a command
// line the operator is the one who must act.
func fail(w io.Writer, err error, code int) int {
	text := err.Error()
	if p, ok := errors.AsType[*problem.Error](err); ok {
		text = p.Message
		if p.Err != nil {
			text += " (" + p.Err.Error() + ")"
		}
	}
	fmt.Fprintln(w, "patchbay:", strings.Join(strings.Fields(text), " "))
	return code
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(s streams) error {
	_, err := fmt.Fprintln(s.Out, "patchbay", Version)
	return err
}
