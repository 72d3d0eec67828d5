package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/seal"
)

// keysCommand groups what an operator does with the keys that seal secrets; docs/keys.md tells the order.
type keysCommand struct {
	Create  keysCreate  `cmd:"" help:"Make a key ring file. Every replica needs the same; a file that exists is never replaced."`
	List    keysList    `cmd:"" help:"Show the keys and how many stored values each has sealed."`
	Add     keysAdd     `cmd:"" help:"Put a new key into the ring file. It opens but does not seal yet: give the file to every replica before you promote the key."`
	Promote keysPromote `cmd:"" help:"Make a key the one that seals. Every replica must have it by then."`
	Rotate  keysRotate  `cmd:"" help:"Seal every stored value again with the primary key, while servers run. Can be stopped and started again."`
	Drop    keysDrop    `cmd:"" help:"Take a key out of the ring file, once nothing uses it."`
}

type keysCreate struct {
	KeyRingFile string `help:"File to make (mode 0600)." type:"path" placeholder:"FILE" required:""`
}

// Run makes the file.
func (c keysCreate) Run(s streams) error { return makeRing(c.KeyRingFile, s.Err) }

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

// changeable refuses a ring that no command can change, and says what to do instead.
func (s keySettings) changeable() error {
	switch {
	case !s.KeyRing.IsZero():
		return errors.New("the key ring is given as a value (key-ring), which no command can change: write the value to a " +
			"file with mode 0600, leave key-ring out, run this with --key-ring-file on that file, put the file's content " +
			"where the value comes from, and restart the replicas one after another")
	case s.KeyRingFile == "":
		return errors.New("set key-ring-file: the file whose keys are to be changed")
	}
	return nil
}

// change replaces the ring in the file.
func (s keySettings) change(change func(*seal.Ring) (*seal.Ring, error)) error {
	if err := s.changeable(); err != nil {
		return err
	}
	return seal.ChangeRingFile(s.KeyRingFile, change)
}

type keysAdd struct {
	keySettings `embed:""`
}

// Run adds a key and prints its id alone on stdout.
func (c keysAdd) Run(s streams) error {
	var key uint32
	err := c.change(func(r *seal.Ring) (made *seal.Ring, err error) {
		made, key, err = r.With()
		return made, err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Err, "Added a key to %s. It opens, and does not seal yet. A server that reads this file knows it from\n"+
		"now on; where replicas have copies of the file, replace them all. Then: patchbay keys promote %d\n",
		c.KeyRingFile, key)
	_, err = fmt.Fprintln(s.Out, key)
	return err
}

type keysPromote struct {
	keySettings `embed:""`

	Key uint32 `arg:"" help:"The key's id, from keys list."`
}

// Run makes the key the primary.
func (c keysPromote) Run(s streams) error {
	err := c.change(func(r *seal.Ring) (*seal.Ring, error) { return r.Promote(c.Key) })
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "Key %d seals from now on. Where replicas have copies of the file, replace them all. "+
		"Then: patchbay keys rotate\n", c.Key)
	return err
}

type keysList struct {
	databaseSettings `embed:""`
	keySettings      `embed:""`
}

// Run prints one line a key, those included that stored values need and the ring lacks.
func (c keysList) Run(ctx context.Context, s streams) error {
	return c.withKeys(ctx, c.databaseSettings, func(ctx context.Context, k credential.Keys, _ *foundation) error {
		counts, err := k.Count(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
		fmt.Fprint(w, "KEY\tSTATE\tVALUES")
		for _, c := range counts {
			fmt.Fprint(w, "\t", strings.ToUpper(c.Column.String()))
		}
		fmt.Fprintln(w)
		for _, key := range keysOf(k.Ring, counts) {
			fmt.Fprintf(w, "%s\t%s\t%d", nameOf(key), stateOf(k.Ring, key), credential.Uses(counts, key))
			for _, c := range counts {
				fmt.Fprintf(w, "\t%d", c.ByKey[key])
			}
			fmt.Fprintln(w)
		}
		return w.Flush()
	})
}

// withKeys runs fn over a database whose schema is current.
func (s keySettings) withKeys(ctx context.Context, db databaseSettings,
	fn func(context.Context, credential.Keys, *foundation) error,
) error {
	ring, err := s.present(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return db.with(ctx, func(ctx context.Context, f *foundation) error {
		return fn(ctx, credential.Keys{Store: f.store, Ring: ring}, f)
	})
}

// keysOf returns the ring's keys, then those that values need and the ring lacks.
func keysOf(ring *seal.Ring, counts ...[]credential.Count) []uint32 {
	var held []uint32
	for _, key := range ring.Keys() {
		held = append(held, key.ID)
	}
	lacking := map[uint32]bool{}
	for _, c := range slices.Concat(counts...) {
		for key := range c.ByKey {
			lacking[key] = !slices.Contains(held, key)
		}
	}
	maps.DeleteFunc(lacking, func(_ uint32, lacks bool) bool { return !lacks })
	return append(held, slices.Sorted(maps.Keys(lacking))...)
}

func nameOf(key uint32) string {
	if key == 0 {
		return "none"
	}
	return fmt.Sprint(key)
}

func stateOf(ring *seal.Ring, key uint32) string {
	switch {
	case key == 0:
		return "damaged"
	case ring.Primary() == key:
		return "seals"
	case ring.Holds(key):
		return "opens"
	}
	return "missing"
}
