// Command bench compares Patchbay with servers written by hand for one request each, side by side on this machine, and
// prints what a request costs: processor time of the server and of PostgreSQL apart, statements, and the ratio.
//
//	bench ──▶ a throw-away PostgreSQL with 10,000 users
//	      ──▶ patchbay serve        (a process of its own)  ┐
//	      ──▶ the server by hand    (a process of its own)  ┴─▶ rounds in turn, median of each
//
// Times on a shared machine vary; ratios between servers that were measured in turn vary less. Nothing is asserted.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/patchbay/patchbay/internal/app"
	"github.com/patchbay/patchbay/internal/store/pgtemp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch {
	case len(os.Args) > 1 && os.Args[1] == "patchbay":
		os.Exit(app.Main(ctx, os.Args[2:], os.Stdout, os.Stderr))
	case len(os.Args) > 2 && os.Args[1] == "rows":
		err = serveRows(ctx, os.Args[2])
	case len(os.Args) > 2 && os.Args[1] == "proxy":
		err = serveProxy(ctx, os.Args[2])
	default:
		err = run(ctx)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	pg, err := pgtemp.Start(ctx)
	if err != nil {
		return err
	}
	defer pg.Stop()
	w, err := prepare(ctx, pg.URL("postgres"))
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.nestedRead(ctx); err != nil {
		return fmt.Errorf("nested read: %w", err)
	}
	if err := w.question(ctx); err != nil {
		return fmt.Errorf("question: %w", err)
	}
	return nil
}
