package egress

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrTooLarge is what reading a body beyond its policy's MaxBytes gives. Nothing of the body may be used then.
var ErrTooLarge = errors.New("egress: the answer is larger than allowed")

// body cuts an answer off, after decompression, so that a small answer cannot unfold into a huge one.
type body struct {
	io.ReadCloser

	left int64
	// call is the call's context where only the server says when the body is complete (RFC 9112 section 7.1), else nil.
	// A server that sees us leave at the limit may end its half of an answer in good form; that end is not believed.
	call context.Context //nolint:containedctx
}

func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, ErrTooLarge
	}
	if err == io.EOF && b.call != nil {
		if why := over(b.call); why != nil {
			return n, why
		}
	}
	return n, err
}

// over returns why a call has no more time, or nil. A client's timer can fire before its context's.
func over(call context.Context) error {
	if limit, ok := call.Deadline(); ok && !time.Now().Before(limit) {
		return context.DeadlineExceeded
	}
	return call.Err()
}
