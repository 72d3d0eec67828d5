package app

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/patchbay/patchbay/internal/store"
)

// gcPercent lets the heap grow to five times what is live before it is collected: answers are short-lived, and the
// collector otherwise takes more than a third of the processor (measured on nested reads). GOGC wins over it.
const gcPercent = 400

// tune applies the process-wide settings of a server.
func tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

type serveCommand struct {
	serverSettings `embed:""`
}

// Run serves until ctx ends. SQLite is migrated at start; PostgreSQL is not, since other replicas may still run the old
// version: there a schema that is behind is refused.
func (c serveCommand) Run(ctx context.Context, s streams) (err error) {
	tune()
	log := c.logger(s.Err)
	f, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer closing(f.store, &err)
	if f.store.Dialect() == store.SQLite {
		if _, err := f.store.Migrate(ctx); err != nil {
			return err
		}
	}
	if err := f.store.CheckSchema(ctx); err != nil {
		return err
	}
	ring, err := c.ring(ctx, f, s.Err, log)
	if err != nil {
		return err
	}
	return runServer(ctx, c.serverSettings, f, ring, log, func(a *App, addr string) error {
		fmt.Fprintf(s.Err, "Patchbay %s serves %s on %s\n", Version, f.store, addr)
		if a.sandbox != nil {
			fmt.Fprintf(s.Err, "Sandbox mode: no real provider is reached. The sandbox is at %s\n", a.sandbox.URL())
		}
		return nil
	})
}
