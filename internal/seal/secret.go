package seal

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what a Secret and a Sealed value show of themselves, always.
const redacted = "[sealed]"

// Secret is a token, key or password in plain text. Every way to print, log or encode it yields "[sealed]"; Reveal is
// the one way to its value, so that a search for Reveal finds every place where a secret leaves Patchbay's hands.
type Secret struct{ value string }

// NewSecret wraps a plain value.
func NewSecret(plain string) Secret { return Secret{plain} }

// Reveal returns the plain value, to be sent to its provider and nowhere else.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == "" }

// String returns "[sealed]".
func (Secret) String() string { return redacted }

// GoString returns "[sealed]".
func (Secret) GoString() string { return redacted }

// Format writes "[sealed]" whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[sealed]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON encodes "[sealed]".
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalText encodes "[sealed]", which covers YAML and map keys as well.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText takes a plain value, as from a settings file, a flag or the environment.
func (s *Secret) UnmarshalText(b []byte) error {
	s.value = string(b)
	return nil
}

// Value refuses to write a plain secret to a database.
func (Secret) Value() (driver.Value, error) {
	return nil, errors.New("seal: a plain secret cannot be stored; seal it first")
}

// Sealed is a secret that only the right Ring opens, and only in its own place. It may be stored; it is never shown.
type Sealed []byte

// String returns "[sealed]".
func (Sealed) String() string { return redacted }

// GoString returns "[sealed]".
func (Sealed) GoString() string { return redacted }

// Format writes "[sealed]" whatever the verb.
func (Sealed) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[sealed]".
func (Sealed) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON encodes "[sealed]".
func (Sealed) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalText encodes "[sealed]".
func (Sealed) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Value stores the ciphertext as bytes; an empty value is NULL.
func (s Sealed) Value() (driver.Value, error) {
	if len(s) == 0 {
		return nil, nil //nolint:nilnil // NULL in a database
	}
	return []byte(s), nil
}

// Scan reads the ciphertext from bytes or NULL.
func (s *Sealed) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = nil
	case []byte:
		*s = append(Sealed(nil), v...)
	default:
		return fmt.Errorf("seal: cannot read a sealed value from %T", src)
	}
	return nil
}
