// Package seam stands in for the room of credentials until it is there.
package seam

import (
	"time"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/seal"
)

// Grant is what a person or an administrator has given for an integration.
type Grant struct {
	IntegrationID string
	UserID        *string
	Provider      string
	AuthKind      string
	Token         *oauth.Token
	ClientID      string
	Scopes        []string
	Secrets       map[string]seal.Secret
	SigningKey    seal.Secret
	OtherAccount  bool
}

// Use is what a request is sent for.
type Use struct {
	IntegrationID string
	Config        map[string]any
	MaxBytes      int64
	Timeout       time.Duration
}

// Outcome is what became of a credential at its provider.
type Outcome string

// The outcomes of a revocation.
const (
	Revoked     Outcome = "REVOKED"
	Unsupported Outcome = "UNSUPPORTED"
	Retrying    Outcome = "RETRYING"
	NotNeeded   Outcome = "NOT_NEEDED"
)

// Revocation is one credential's end.
type Revocation struct {
	IntegrationID string
	Outcome       Outcome
	Message       string
}

// Ended is a credential that has been stopped and waits for its revocation.
type Ended struct{ IntegrationID string }
