package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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

// Ring holds the keys: one primary, which seals, and any number of older ones, which still open. It is safe for
// concurrent use and prints nothing of itself.
type Ring struct {
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
	return &Ring{handle: h, aead: a}, nil
}

// ReadRingFile reads a ring from a file that only its owner may read.
func ReadRingFile(path string) (*Ring, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the key ring: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key ring %s can be read by others (mode %04o): run chmod 600 on it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key ring: %w", err)
	}
	r, err := ParseRing(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// WriteRingFile writes r to a new file with mode 0600. It refuses to replace a file that exists, since losing a ring
// loses every secret sealed with it. The file is complete or absent, whenever the process ends.
func WriteRingFile(path string, r *Ring) error {
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(r.handle, keyset.NewJSONWriter(&buf)); err != nil {
		return errors.New("write the key ring: it cannot be encoded")
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".keyring-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the key ring: %w", err)
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(buf.Bytes()); err != nil {
		tmp.Close()
		return fmt.Errorf("write the key ring: %w", err)
	}
	if err := tmp.Sync(); err != nil {
		tmp.Close()
		return fmt.Errorf("write the key ring: %w", err)
	}
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("write the key ring: %w", err)
	}
	if err := os.Link(tmp.Name(), path); err != nil { // unlike a rename, a link never replaces
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("write the key ring: %s exists already", path)
		}
		return fmt.Errorf("write the key ring: %w", err)
	}
	return nil
}

// Seal encrypts s for one place. An empty secret seals to an empty value.
func (r *Ring) Seal(s Secret, p Place) (Sealed, error) {
	if s.IsZero() {
		return nil, nil
	}
	c, err := r.aead.Encrypt([]byte(s.value), p.bind())
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
	plain, err := r.aead.Decrypt(s, p.bind())
	if err == nil {
		return Secret{string(plain)}, nil
	}
	if key, ok := s.KeyID(); ok && !r.holds(key) {
		return Secret{}, ErrUnknownKey
	}
	return Secret{}, ErrUnreadable
}

// KeyID returns the id of the key the value was sealed with, and false when the value is too short to name one. The
// bytes are Tink's prefix: one version byte, then the key id.
func (s Sealed) KeyID() (uint32, bool) {
	if len(s) < 5 {
		return 0, false
	}
	return binary.BigEndian.Uint32(s[1:5]), true
}

func (r *Ring) holds(key uint32) bool {
	for _, k := range r.handle.KeysetInfo().GetKeyInfo() {
		if k.GetKeyId() == key {
			return true
		}
	}
	return false
}
