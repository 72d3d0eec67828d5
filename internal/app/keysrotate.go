package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/seal"
)

type keysRotate struct {
	databaseSettings `embed:""`
	keySettings      `embed:""`
}

// progressEvery is how many values go by before a line says so.
const progressEvery = 10_000

// Run seals everything again and proves that the counts agree. It fails when a value is left that no key opens, or that
// somebody has sealed with an older key meanwhile.
func (c keysRotate) Run(ctx context.Context, s streams) error {
	return c.withKeys(ctx, c.databaseSettings, func(ctx context.Context, k credential.Keys, _ *foundation) error {
		said := 0
		k.Progress = func(column credential.Column, moved int) {
			if moved/progressEvery != said && moved >= progressEvery {
				fmt.Fprintf(s.Err, "%s: %d values so far\n", column, moved)
			}
			said = moved / progressEvery
		}
		done, err := k.Rotate(ctx)
		if err := errors.Join(err, printRotation(s.Out, k.Ring, done)); err != nil {
			return err
		}
		return unfinished(k.Ring, done)
	})
}

// printRotation prints, for each column, how many values each key had sealed before and has now.
func printRotation(out io.Writer, ring *seal.Ring, done []credential.Rotation) error {
	if len(done) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "COLUMN\tKEY\tBEFORE\tAFTER\t")
	moved := 0
	for _, r := range done {
		moved += r.Moved
		for _, key := range keysOf(ring, []credential.Count{r.Before, r.After}) {
			if r.Before.ByKey[key]+r.After.ByKey[key] > 0 {
				fmt.Fprintf(w, "%s\t%s\t%d\t%d\t\n", r.Column, nameOf(key), r.Before.ByKey[key], r.After.ByKey[key])
			}
		}
		parity := "equal"
		if r.Before.Total != r.After.Total {
			parity = "rows came or went meanwhile"
		}
		fmt.Fprintf(w, "%s\tall\t%d\t%d\t%s\n", r.Column, r.Before.Total, r.After.Total, parity)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d values sealed again with key %d\n", moved, ring.Primary())
	return err
}

// unfinished says what a rotation could not do.
func unfinished(ring *seal.Ring, done []credential.Rotation) error {
	const shown = 10
	var rows []string
	left := 0
	for _, r := range done {
		for _, row := range r.Unreadable {
			rows = append(rows, r.Column.String()+" of "+row)
		}
		left += r.After.Total - r.After.ByKey[ring.Primary()] - len(r.Unreadable)
	}
	switch {
	case len(rows) > shown:
		return fmt.Errorf("%d values open with no key of this ring and were left as they are: %s and %d more",
			len(rows), strings.Join(rows[:shown], ", "), len(rows)-shown)
	case len(rows) > 0:
		return fmt.Errorf("%d values open with no key of this ring and were left as they are: %s",
			len(rows), strings.Join(rows, ", "))
	case left > 0:
		return fmt.Errorf("%d values were sealed with an older key meanwhile: when every replica has the promotion, run this again",
			left)
	}
	return nil
}

type keysDrop struct {
	databaseSettings `embed:""`
	keySettings      `embed:""`

	Key uint32 `arg:"" help:"The key's id, from keys list."`
}

// Run takes the key out of the ring, unless a value needs it or may still come to need it.
func (c keysDrop) Run(ctx context.Context, s streams) error {
	if err := c.changeable(); err != nil {
		return err
	}
	return c.withKeys(ctx, c.databaseSettings, func(ctx context.Context, k credential.Keys, f *foundation) error {
		err := c.change(func(r *seal.Ring) (*seal.Ring, error) {
			made, err := r.Without(c.Key)
			if err != nil {
				return nil, err
			}
			counts, err := k.Count(ctx)
			if err != nil {
				return nil, err
			}
			if n := credential.Uses(counts, c.Key); n > 0 {
				return nil, fmt.Errorf("%d values are sealed with key %d: run patchbay keys rotate first", n, c.Key)
			}
			return made, c.settled(time.Now())
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.Out, "Key %d is dropped: nothing used it. What it has sealed in old backups opens with a "+
			"copy of the old ring alone.\n", c.Key)
		return err
	})
}

// settled refuses while a value that was sealed before the last change of the ring may still be on its way.
func (c keysDrop) settled(now time.Time) error {
	info, err := os.Stat(c.KeyRingFile)
	if err != nil {
		return fmt.Errorf("look at the key ring: %w", err)
	}
	wait := info.ModTime().Add(credential.Settles).Sub(now)
	if wait <= 0 {
		return nil
	}
	return fmt.Errorf("the ring changed less than %d minutes ago, and a renewal that began before may still store a value "+
		"that this key has sealed: try again in %s", int(credential.Settles.Minutes()), cmp.Or(wait.Round(time.Second), time.Second))
}
