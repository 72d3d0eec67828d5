package integration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/user"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

// Service connects and keeps integrations. Every method needs a viewer in its context, and sees what that viewer may
// see; the exceptions are those of the pages, which say so. Errors are problem.Error where somebody can act on them.
type Service struct {
	Store       *store.Store
	Catalog     *provider.Catalog
	Audit       *audit.Service
	Health      *health.Service
	Credentials *credential.Service
	Egress      *egress.Egress
	// Ring seals what an attempt keeps until its callback.
	Ring *seal.Ring
	// Client returns the OAuth client of a client group, and false when the operator has configured none.
	Client func(group string) (oauth.Client, bool)
	// Visit rewrites a consent page's address for the person's browser; nil leaves it. The sandbox needs it.
	Visit func(authorizationURL string) string
	// PublicURL is where browsers reach this server, without a slash at the end.
	PublicURL string
	// RedirectHosts are the only hosts, with or without a port, that a caller's redirect URL may have; empty allows any.
	RedirectHosts []string
	Log           *slog.Logger
	Now           func() time.Time
	NewID         func(id.Kind) string
}

// CallbackURL is the redirect URI to register at a provider.
func (s *Service) CallbackURL() string { return s.PublicURL + "/oauth/callback" }

// Get returns an integration that the viewer may see. One that does not exist, or belongs to somebody else, is NotFound
// at the field.
func (s *Service) Get(ctx context.Context, integrationID string, field ...string) (*ent.Integration, error) {
	if err := id.Check(id.Integration, integrationID, field...); err != nil {
		return nil, err
	}
	row, err := s.Store.Client(ctx).Integration.Get(ctx, integrationID)
	if ent.IsNotFound(err) {
		return nil, errNoIntegration.At(field...)
	}
	if err != nil {
		return nil, fmt.Errorf("read an integration: %w", err)
	}
	return row, nil
}

var errNoIntegration = problem.New(problem.NotFound, "There is no such integration.")

// owner returns the user that something new belongs to: the one named, who must exist, or else the viewer's own. Nil
// means the company.
func (s *Service) owner(ctx context.Context, named *string) (*string, error) {
	v, _ := viewer.From(ctx)
	if named == nil {
		if v.User != "" {
			return &v.User, nil
		}
		return nil, nil //nolint:nilnil // nobody in particular: the company
	}
	if err := id.Check(id.User, *named, "input", "userId"); err != nil {
		return nil, err
	}
	seen, err := s.Store.Client(ctx).User.Query().Where(user.ID(*named)).Exist(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for a user: %w", err)
	}
	if !seen {
		return nil, problem.New(problem.NotFound, "There is no such user.").At("input", "userId")
	}
	return named, nil
}

// providerNamed returns a provider of the catalog.
func (s *Service) providerNamed(name string) (*provider.Provider, error) {
	p, ok := s.Catalog.Get(name)
	if !ok {
		return nil, problem.New(problem.Invalid, "There is no provider named %q.", clip(name, 64)).At("input", "provider")
	}
	return p, nil
}

// providerOf returns the provider of an integration. It is missing when the operator has taken its manifest away.
func (s *Service) providerOf(row *ent.Integration) (*provider.Provider, error) {
	p, ok := s.Catalog.Get(row.Provider)
	if !ok {
		return nil, problem.New(problem.Disabled, "The provider of this integration is no longer offered here.")
	}
	return p, nil
}

// outside refuses to go on inside a transaction: what follows calls a provider, and no transaction waits for one.
func outside(ctx context.Context) error {
	if store.InTransaction(ctx) {
		return errInTransaction
	}
	return nil
}

var errInTransaction = errors.New("integration: a provider would be called inside a transaction")

// clip shortens text that is quoted back to whoever sent it.
func clip(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most]) + "…"
}

func equal(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
