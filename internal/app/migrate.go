package app

import (
	"context"
	"fmt"
	"log/slog"
)

type migrateCommand struct {
	databaseSettings `embed:""`
}

// Run applies the steps that the database lacks. Replicas that start it at once wait for each other.
func (c migrateCommand) Run(ctx context.Context, s streams) error {
	f, err := c.open(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer f.store.Close()
	steps, err := f.store.Migrate(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "%s: %d migrations applied, the schema is current\n", f.store, steps)
	return err
}
