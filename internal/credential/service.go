package credential

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/audit"
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

// Health records findings about integrations, in the transaction of its context. *health.Service is one.
type Health interface {
	Report(ctx context.Context, integrationID string, f health.Finding) (bool, error)
	Proved(ctx context.Context, integrationID string, revision int64) (bool, error)
}

// Audit appends to the trail, in the transaction of its context. *audit.Service is one.
type Audit interface {
	Append(ctx context.Context, e audit.Event) (string, error)
}

// Deps is what a Service works with. All fields are required.
type Deps struct {
	Rows   Rows
	Health Health
	Audit  Audit
	Ring   *seal.Ring
	// Provider returns a provider by name.
	Provider func(name string) (*provider.Provider, bool)
	// Client returns the OAuth client of a client group, and false when the operator has configured none.
	Client func(group string) (oauth.Client, bool)
	// HTTP is the door out.
	HTTP  func(egress.Policy) *http.Client
	Now   func() time.Time
	NewID func(id.Kind) string
	Log   *slog.Logger
}

// Service lends credentials to requests and keeps them fresh. It is safe for concurrent use. The caller of its methods
// has checked that the viewer may use the integration; here the viewer only says which company it is.
type Service struct {
	Deps

	flights flights
	// outage is when the background last found the store out of order; nil for never.
	outage atomic.Pointer[time.Time]
}

// New returns a Service. Close it before its store.
func New(d Deps) *Service {
	now := d.Now
	d.Now = func() time.Time { return now().UTC().Truncate(time.Microsecond) } // as finely as databases keep it
	return &Service{Deps: d}
}

// Close lets no new renewal begin and waits for those under way, so that what a one-time token was spent for is stored.
// It returns ctx's error when they do not land in time.
func (s *Service) Close(ctx context.Context) error { return s.flights.stop(ctx) }

// Wire returns the way to a provider's authorization server, as it is for an integration with this config, as the
// operator's client. Its requests reach the hosts that tokens are asked from and given back to, and no others. It fails
// with ProviderFailed when the provider has no OAuth or the operator has configured no client for it, and with Invalid
// when the config lacks what the server's addresses are made from.
func (s *Service) Wire(p *provider.Provider, config map[string]any) (*oauth.Wire, error) {
	if p.Auth.OAuth2 == nil {
		return nil, &problem.Error{
			Code: problem.ProviderFailed, Provider: p.Name, Message: p.Title + " is not connected by authorization.",
		}
	}
	client, ok := s.Client(p.ClientGroup())
	if !ok {
		return nil, &problem.Error{
			Code: problem.ProviderFailed, Provider: p.Name,
			Message: "There is no OAuth client for " + p.Title + " here. The operator has to configure one.",
		}
	}
	server, err := p.OAuthFor(config)
	if err != nil {
		return nil, err
	}
	var hosts []string
	for _, raw := range []string{server.Token.URL, server.Revoke.URL} {
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			hosts = append(hosts, u.Host)
		}
	}
	return &oauth.Wire{
		Server: server, Client: client, Now: s.Now,
		HTTP: s.HTTP(egress.Policy{Hosts: hosts, MaxBytes: 2 << 20, Timeout: callLimit}),
	}, nil
}

var errOtherClient = errors.New("the tokens were issued to another OAuth client than the one that is configured")

// wire is Wire for one credential: its tokens work only for the client that they were issued to.
func (s *Service) wire(row *ent.Credential) (*oauth.Wire, error) {
	p, ok := s.Provider(row.Provider)
	if !ok {
		return nil, &oauth.Error{Kind: oauth.Misconfigured, Err: errors.New("there is no provider of this name any more")}
	}
	w, err := s.Wire(p, row.Config)
	if err != nil {
		return nil, &oauth.Error{Kind: oauth.Misconfigured, Err: err}
	}
	if row.ClientID != nil && *row.ClientID != w.Client.ID {
		return nil, &oauth.Error{Kind: oauth.Misconfigured, Err: errOtherClient}
	}
	return w, nil
}

// inside returns ctx as the system's within the viewer's company, keeping the actor. The integration's rules have been
// checked by then, and a user may use what belongs to the company without seeing its row.
func inside(ctx context.Context) context.Context {
	v, _ := viewer.From(ctx)
	if v.Company == "" {
		return ctx // the system across companies, or nobody: the policies decide
	}
	return viewer.With(ctx, viewer.Viewer{Company: v.Company, Actor: v.Actor, System: true})
}

// errInTransaction guards against a provider's slowness holding the database up, and SQLite's one writer for ever.
var errInTransaction = errors.New("credential: a provider is called inside a transaction")

func outside(ctx context.Context) error {
	if store.InTransaction(ctx) {
		return errInTransaction
	}
	return nil
}

// within runs fn with a context that ends after d, whatever became of the caller's.
func within(ctx context.Context, d time.Duration, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d)
	defer cancel()
	return fn(ctx)
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
