package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/seal"
)

// maxSigned is the largest body that is signed, in bytes.
const maxSigned = 1 << 20

// Signature names the headers that carry the proof that a request comes from Patchbay: the time in seconds since 1970,
// and "v0=" with the hexadecimal HMAC-SHA256 of "v0:<time>:<body>" under the integration's signing key.
type Signature struct {
	Timestamp string `yaml:"timestamp"`
	Signature string `yaml:"signature"`
}

func (s *Signature) sign(req *http.Request, key seal.Secret, now time.Time) error {
	if key.IsZero() || now.IsZero() {
		return problem.New(problem.Internal, "The request cannot be signed: its signing key is missing.")
	}
	var body []byte
	if req.GetBody != nil {
		r, err := req.GetBody()
		if err != nil {
			return problem.New(problem.Internal, "The request cannot be signed.").Because(err)
		}
		defer r.Close()
		if body, err = io.ReadAll(io.LimitReader(r, maxSigned+1)); err != nil || len(body) > maxSigned {
			return problem.New(problem.Internal, "The request is too large to be signed.")
		}
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	req.Header.Set(s.Timestamp, stamp)
	req.Header.Set(s.Signature, Sign(key, stamp, body))
	return nil
}

// Sign returns "v0=" and the hexadecimal HMAC-SHA256 of "v0:<timestamp>:<body>", as docs/webhooks.md describes it.
func Sign(key seal.Secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte("v0:" + timestamp + ":"))
	mac.Write(body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}
