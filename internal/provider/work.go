package provider

import (
	"context"
	"time"
)

const (
	// expressionSteps is how many instructions one expression may run: half a second's work, and many times what a full
	// page of a provider takes. Unlike a time it is the same on a machine that is busy with something else.
	expressionSteps = 1 << 23
	// expressionTime bounds instructions that are long themselves. The clock on the wall counts while a busy machine does
	// other things, so this is far more than the work should take.
	expressionTime = 10 * time.Second
)

// work is a context that also ends after a number of looks at it. The engine looks before each instruction, and one
// goroutine runs an expression.
type work struct {
	context.Context //nolint:containedctx // this is one

	left int
}

// Done returns a channel that is closed when the work is over, and counts the look.
func (w *work) Done() <-chan struct{} {
	if w.left--; w.left < 0 {
		return over
	}
	return w.Context.Done()
}

// Err returns errTooMuch after the last step, else what the context says.
func (w *work) Err() error {
	if w.left < 0 {
		return errTooMuch
	}
	return w.Context.Err()
}

// over is closed.
var over = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()
