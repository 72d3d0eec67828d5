// Package leak proves for tests that every goroutine ends with what started it.
package leak

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long goroutines that are ending may take. A busy machine lets them wait; only a leak takes it whole.
const patience = 30 * time.Second

// Main runs a package's tests and ends the process: with their code, or with 1 when they leave a goroutine behind.
func Main(m *testing.M) {
	code := m.Run()
	if err := Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// Find returns an error with the goroutines that are still there when patience is over, nil as soon as there are none.
func Find() error {
	for limit := time.Now().Add(patience); ; {
		err := goleak.Find() // waits for half a second by itself
		if err == nil || time.Now().After(limit) {
			return err
		}
	}
}
