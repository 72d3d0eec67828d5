package egress

import (
	"errors"
	"io"
)

// ErrTooLarge is what reading a body beyond its policy's MaxBytes gives. Nothing of the body may be used then.
var ErrTooLarge = errors.New("egress: the answer is larger than allowed")

// body cuts an answer off, after decompression, so that a small answer cannot unfold into a huge one.
type body struct {
	io.ReadCloser

	left int64
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
	return n, err
}
