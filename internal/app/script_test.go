package app_test

import (
	"context"
	"os"
	"os/signal"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/patchbay/patchbay/internal/app"
)

// TestMain lets the scripts run this test binary as patchbay.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"patchbay": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		os.Exit(app.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
	}})
}

// TestCommands runs the command line as an operator does; see testdata/script.
func TestCommands(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
