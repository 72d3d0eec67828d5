package integration

import (
	"context"
	"time"

	credential "github.com/patchbay/patchbay/internal/integration/seam"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
)

// Vault keeps credentials and lends them to requests; *credential.Service is one. Save, SaveSecrets and Stop join the
// caller's transaction, the others must not be called inside one.
type Vault interface {
	Wire(p *provider.Provider) (*oauth.Wire, error)
	Save(ctx context.Context, g credential.Grant) (expires *time.Time, err error)
	SaveSecrets(ctx context.Context, integrationID string, changes map[string]seal.Secret) error
	Do(ctx context.Context, u credential.Use, r *provider.Request) (provider.Response, provider.Verdict, error)
	Send(ctx context.Context, p *provider.Provider, c provider.Credential, u credential.Use, r *provider.Request) (
		provider.Response, provider.Verdict, error)
	Refresh(ctx context.Context, integrationID string) error
	Stop(ctx context.Context, integrationID string, shared bool) (credential.Ended, error)
	Revoke(ctx context.Context, e credential.Ended) (credential.Revocation, error)
}
