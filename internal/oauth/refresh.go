package oauth

import (
	"errors"
	"math"
	"time"
)

// Grace is a duration, or GraceAlways.
type Grace time.Duration

// GraceAlways says that a refresh token goes on working when it has been replaced.
const GraceAlways Grace = math.MaxInt64

// UnmarshalText reads a duration such as 2m, or "always".
func (g *Grace) UnmarshalText(text []byte) error {
	if string(text) == "always" {
		*g = GraceAlways
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return errors.New("grace is a duration such as 2m, or always")
	}
	*g = Grace(d)
	return nil
}

// MarshalText returns the grace as UnmarshalText reads it.
func (g Grace) MarshalText() ([]byte, error) {
	if g == GraceAlways {
		return []byte("always"), nil
	}
	return []byte(time.Duration(g).String()), nil
}

// Early says what becomes of a renewal before the token's end.
type Early string

// EarlyRefused means that the server refuses it: tokens are renewed when they have ended, and not sooner.
const EarlyRefused Early = "refused"

// Mint is how a new token comes without a refresh token.
type Mint string

// MintClientCredentials asks with the client's own proof.
const MintClientCredentials Mint = "client_credentials"

// Lost reports whether a refresh token that may have been spent since that time can be lost: it works once, and its grace
// is over.
func (r Refresh) Lost(since, now time.Time) bool {
	return r.Rotates && (r.Grace != GraceAlways && now.Sub(since) >= time.Duration(r.Grace))
}
