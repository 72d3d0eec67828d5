package app_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/patchbay/patchbay/internal/app"
	"github.com/patchbay/patchbay/internal/house/leak"
)

// checked is a test run that fails when it leaves a goroutine behind.
type checked struct{ *testing.M }

// Run runs the tests.
func (c checked) Run() int {
	code := c.M.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := leak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// TestMain lets the scripts run this test binary as patchbay.
func TestMain(m *testing.M) {
	testscript.Main(checked{m}, map[string]func(){"patchbay": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(app.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
	}})
}

// TestCommands runs the command line as an operator does; see testdata/script.
func TestCommands(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
