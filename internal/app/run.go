package app

import (
	"context"
	"log/slog"

	"github.com/patchbay/patchbay/internal/seal"
)

// runServer builds and runs a server, and closes what it built. Ready is called when it listens.
func runServer(ctx context.Context, s serverSettings, f *foundation, ring *seal.Ring, log *slog.Logger,
	ready func(a *App, addr string) error,
) (err error) {
	l, err := listen(ctx, s.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	s.Listen = l.Addr().String() // port 0 is any free one
	a, err := build(ctx, s, f, ring, log)
	if err != nil {
		return err
	}
	defer func() {
		if late := a.Close(ctx); late != nil && err == nil {
			err = late
		}
	}()
	if err := ready(a, l.Addr().String()); err != nil {
		return err
	}
	return a.Run(ctx, l)
}
