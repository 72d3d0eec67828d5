package app

import (
	"fmt"
	"io"

	"github.com/patchbay/patchbay/internal/seal"
)

// keysCommand groups what an operator does with the keys that seal secrets.
type keysCommand struct {
	Create keysCreate `cmd:"" help:"Make a key ring file. Every replica needs the same; a file that exists is never replaced."`
}

type keysCreate struct {
	KeyRingFile string `help:"File to make (mode 0600)." type:"path" placeholder:"FILE" required:""`
}

// Run makes the file.
func (c keysCreate) Run(s streams) error {
	return makeRing(c.KeyRingFile, s.Err)
}

// makeRing writes a new key ring to a file that must not exist, and said says so.
func makeRing(file string, said io.Writer) error {
	ring, err := seal.NewRing()
	if err != nil {
		return err
	}
	if err := seal.WriteRingFile(file, ring); err != nil {
		return err
	}
	_, err = fmt.Fprintf(said, "Made a key ring: %s. Keep it: without it no stored credential can be opened.\n", file)
	return err
}
