package app

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/patchbay/patchbay/internal/seal"
)

// devCommand runs the main job on one machine with nothing to prepare. Everything it makes lies in one directory.
type devCommand struct {
	catalogSettings `embed:""`

	Dir           string   `help:"Directory for the database, the keys and the sandbox's state." default:".patchbay" type:"path"`
	Listen        string   `help:"Address to listen on." default:"127.0.0.1:8080"`
	EgressAllow   []string `help:"What may be called besides public addresses, for example a webhook of your own: networks and host:port pairs." placeholder:"NETWORK|HOST:PORT"`
	SandboxListen string   `help:"Address of the sandbox's consent page; loopback only." default:"127.0.0.1:0"`
	LogLevel      logLevel `help:"debug, info, warn or error." default:"warn"`
	LogFormat     string   `help:"text or json." enum:"text,json" default:"text"`
}

// Run serves until ctx ends.
func (c devCommand) Run(ctx context.Context, s streams) (err error) {
	tune()
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("make the directory for what dev keeps: %w", err)
	}
	settings := serverSettings{
		databaseSettings: databaseSettings{Database: seal.NewSecret("sqlite:" + filepath.Join(c.Dir, "patchbay.db"))},
		keySettings:      keySettings{KeyRingFile: filepath.Join(c.Dir, "keyring.json")},
		catalogSettings:  c.catalogSettings,
		logSettings:      logSettings{LogLevel: c.LogLevel, LogFormat: c.LogFormat},
		Listen:           c.Listen,
		EgressAllow:      c.EgressAllow,
		Sandbox:          true, SandboxListen: c.SandboxListen, SandboxState: filepath.Join(c.Dir, "sandbox.json"),
	}
	log := settings.logger(s.Err)
	f, err := settings.open(ctx, log)
	if err != nil {
		return err
	}
	defer closing(f.store, &err)
	if _, err := f.store.Migrate(ctx); err != nil {
		return err
	}
	ring, err := settings.ring(ctx, f, s.Err, log)
	if err != nil {
		return err
	}
	return runServer(ctx, settings, f, ring, log, func(a *App, addr string) error {
		e, err := a.example(ctx, filepath.Join(c.Dir, "api-key"))
		if err != nil {
			return err
		}
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return fmt.Errorf("read the address that is listened on: %w", err)
		}
		return e.print(s.Out, "http://localhost:"+port+"/graphql", a.sandbox.URL())
	})
}
