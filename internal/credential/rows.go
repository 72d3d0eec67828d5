package credential

import (
	"context"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
)

// States of a credential.
const (
	Active  = "active"
	Expired = "expired" // needs the person
	Ending  = "ending"  // kept for its revocation alone
)

// Tokens are what one grant or renewal writes. Its sealed values belong to the row.
type Tokens struct {
	Access, Refresh seal.Sealed
	Type            string
	// Scopes are the granted scopes; nil leaves them as they are.
	Scopes []string
	// ExpiresAt is nil when the access token does not end.
	ExpiresAt *time.Time
	Lifetime  time.Duration
	// RefreshAt is when to renew ahead of expiry; nil when nothing can be renewed.
	RefreshAt *time.Time
	// At is when they were received.
	At time.Time
}

// Rows is where credentials are kept, as the protocol needs it. Each method is one short statement or transaction, and
// joins the one of ctx. Whatever compares a lease does it on the database's clock. A row that does not exist is a
// problem of code NotFound.
type Rows interface {
	// InTx runs fn in a transaction.
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// Outside returns ctx without its transaction.
	Outside(ctx context.Context) context.Context
	// Of returns an integration's credential.
	Of(ctx context.Context, integrationID string) (*ent.Credential, error)
	// Get returns a credential by its own id.
	Get(ctx context.Context, id string) (*ent.Credential, error)
	// Insert writes a new row.
	Insert(ctx context.Context, row *ent.Credential) error
	// Replace writes the row's state, client, secrets and tokens over what is stored, whatever that is, with the next
	// generation. It leaves the lease alone.
	Replace(ctx context.Context, row *ent.Credential) error

	// SetSecrets writes the named secrets of a credential that is not ending, and nothing else: a renewal under way stores
	// its tokens beside them.
	SetSecrets(ctx context.Context, id string, secrets seal.Sealed, at time.Time) error
	// SetConfig writes the settings of a credential that is not ending, and nothing else.
	SetConfig(ctx context.Context, id string, config map[string]any, at time.Time) error

	// Lease gives owner the row for d if it is still as seen (generation, state, lease) and its lease is free or over.
	Lease(ctx context.Context, seen *ent.Credential, owner string, d time.Duration) (bool, error)
	// Extend makes a lease that is still owner's last for d from now, even if it was over and nobody has taken it. It
	// reports false when the lease is another's.
	Extend(ctx context.Context, id, owner string, d time.Duration) (bool, error)
	// Release ends a lease that is still owner's; after a failure of the generation that is there it also records how
	// many there were in a row and when the next attempt may be. Nobody else changes the row until the transaction ends.
	Release(ctx context.Context, id, owner string, after *Setback) error
	// Renew stores tokens over generation g, if it is active, as generation g+1, and ends owner's lease. It reports false
	// when the row has moved on.
	Renew(ctx context.Context, id, owner string, g int64, t Tokens) (bool, error)
	// Revive is Renew for a generation g that is expired: it makes it active again.
	Revive(ctx context.Context, id, owner string, g int64, t Tokens) (bool, error)
	// Expire makes generation g, if it is active, expired, and ends owner's lease. It reports false when the row has
	// moved on.
	Expire(ctx context.Context, id, owner string, g int64) (bool, error)

	// MarkEnding stops all use of a credential, with the next generation, and returns it. It changes nothing when the
	// credential is ending already. The background may revoke it from next on.
	MarkEnding(ctx context.Context, id string, how Stopping, at, next time.Time) (*ent.Credential, error)
	// Spare drops the tokens of every ending row of an account at one of these providers, of whichever company.
	Spare(ctx context.Context, providers []string, account string) error
	// HandOver puts tokens that came too late, and when they end, into an ending row that owner holds, so that its
	// revocation sends them. It reports false when the row's tokens were dropped.
	HandOver(ctx context.Context, id, owner string, t Tokens) (bool, error)
	// Destroy deletes an ending row that owner holds.
	Destroy(ctx context.Context, id, owner string) (bool, error)
	// ClaimEnding leases, for d, ending rows of all companies whose next attempt is due and whose lease is free or over:
	// oldest due first, within the share.
	ClaimEnding(ctx context.Context, owner string, d time.Duration, share store.Share) ([]*ent.Credential, error)
	// ClaimDue leases, for d, active rows of all companies whose renewal ahead, or whose end without one, is due and whose
	// lease is free or, where the access has ended, over: oldest due first, within the share. It returns them as they were
	// before.
	ClaimDue(ctx context.Context, owner string, d time.Duration, share store.Share) ([]*ent.Credential, error)
}

// Stopping is how a credential is stopped.
type Stopping struct {
	// Drop destroys the tokens at once, unrevoked.
	Drop bool
	// Detach gives up the integration's id, which another row may then take.
	Detach bool
	// Account is the provider's id of the account, nil when it is not known.
	Account *string
}

// Setback is a failure that ends nothing.
type Setback struct {
	// Generation is what failed: another that is there by now does not rest for it.
	Generation int64
	Failures   int
	Next       time.Time
	// Ahead is when the renewal ahead is tried again; zero leaves that as it is.
	Ahead time.Time
}
