package seal

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Errors that Open distinguishes.
var (
	// ErrUnknownKey means that the value was sealed with a key this ring does not hold.
	ErrUnknownKey = errors.New("seal: the key ring does not hold the key of this value")
	// ErrUnreadable means that the value is damaged or was sealed for another place.
	ErrUnreadable = errors.New("seal: the value does not open here: it is damaged or belongs to another place")
)

// Place is where a sealed value lives. It opens nowhere else.
type Place struct{ Company, Table, Row, Column string }

func (p Place) bind() []byte {
	return []byte(p.Company + "/" + p.Table + "/" + p.Row + "/" + p.Column)
}

// Ring holds the keys: one primary, which seals, and any number of others, which only open. It is safe for concurrent
// use and prints nothing of itself. A ring that FollowRingFile returned changes with its file; any other never changes.
type Ring struct {
	held atomic.Pointer[held]
	file *followed // nil for a ring that follows no file
}

// held is what a ring holds at one moment.
type held struct {
	handle *keyset.Handle
	aead   tink.AEAD
}

// String returns "[sealed]".
func (*Ring) String() string { return redacted }

// NewRing returns a ring with one fresh AES-256-GCM key.
func NewRing() (*Ring, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return ringOf(h)
}

// ParseRing reads a ring from Tink's JSON form, or from base64 of it, which fits into an environment variable. Errors
// never quote the input.
func ParseRing(text string) (*Ring, error) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") {
		plain, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, errors.New("the key ring is neither JSON nor base64 of it")
		}
		text = string(plain)
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(strings.NewReader(text)))
	if err != nil {
		return nil, errors.New("the key ring is damaged: it is not a Tink keyset in JSON")
	}
	return ringOf(h)
}

func ringOf(h *keyset.Handle) (*Ring, error) {
	a, err := aead.New(h)
	if err != nil {
		return nil, errors.New("the key ring holds no usable encryption key")
	}
	r := &Ring{}
	r.held.Store(&held{h, a})
	return r, nil
}

// Seal encrypts s for one place. An empty secret seals to an empty value.
func (r *Ring) Seal(s Secret, p Place) (Sealed, error) {
	if s.IsZero() {
		return nil, nil
	}
	r.follow()
	c, err := r.held.Load().aead.Encrypt([]byte(s.value), p.bind())
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return c, nil
}

// Open decrypts a value in its place. An empty value opens to an empty secret. The error is ErrUnknownKey or
// ErrUnreadable.
func (r *Ring) Open(s Sealed, p Place) (Secret, error) {
	if len(s) == 0 {
		return Secret{}, nil
	}
	for again := true; ; again = false {
		keys := r.held.Load()
		plain, err := keys.aead.Decrypt(s, p.bind())
		if err == nil {
			return Secret{string(plain)}, nil
		}
		if key, ok := s.KeyID(); !ok || keys.holds(key) {
			return Secret{}, ErrUnreadable
		}
		if !again || !r.follow() && r.held.Load() == keys { // another caller may have read the file meanwhile
			return Secret{}, ErrUnknownKey
		}
	}
}

// KeyID returns the id of the key the value was sealed with, and false when the value is too short to name one. The
// bytes are Tink's prefix: one version byte, then the key id.
func (s Sealed) KeyID() (uint32, bool) {
	if len(s) < 5 {
		return 0, false
	}
	return binary.BigEndian.Uint32(s[1:5]), true
}

func (h *held) holds(key uint32) bool {
	for _, k := range h.handle.KeysetInfo().GetKeyInfo() {
		if k.GetKeyId() == key {
			return true
		}
	}
	return false
}
