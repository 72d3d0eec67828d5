package oauth

import (
	"time"

	"github.com/patchbay/patchbay/internal/seal"
)

// Token is what the server granted. Absent parts are zero, so that the caller can keep what it had.
type Token struct {
	// Access is never zero.
	Access seal.Secret
	// Refresh is zero when the answer had none: the old refresh token stays good (RFC 6749 section 6).
	Refresh seal.Secret
	// Type is the token_type as sent, usually "Bearer" in any case; "" when absent.
	Type string
	// ExpiresIn is 0 when the answer did not say.
	ExpiresIn time.Duration
	// Scopes are the granted scopes by short name, by the vendor's spelling where we have no name. Nil means that the
	// answer named none, so they are those that were asked for (RFC 6749 section 5.1).
	Scopes []string
	// Extra is the rest of the answer, without anything whose key speaks of a token or a secret.
	Extra map[string]any
}
