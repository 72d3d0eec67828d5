package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/patchbay/patchbay/graph"
	"github.com/patchbay/patchbay/internal/access"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/jobs"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/personality"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/query"
	"github.com/patchbay/patchbay/internal/sandbox"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/server"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/user"
)

const (
	// drainLimit is how long a stop waits for what is running.
	drainLimit = 20 * time.Second
	// requestLimit lets the longest question, 30 s, be asked and written down.
	requestLimit = 40 * time.Second
	// headerLimit is how long a client may take to send its headers.
	headerLimit = 10 * time.Second
)

// App is a built Patchbay: every room, wired, not yet listening.
type App struct {
	*foundation
	settings     serverSettings
	log          *slog.Logger
	sandbox      *sandbox.Sandbox // nil outside sandbox mode
	egress       *egress.Egress
	health       *health.Service
	credentials  *credential.Service
	integrations *integration.Service
	queries      *query.Service
	users        *user.Service
	handler      *server.Server
}

// build wires a server over an open database whose schema is current. On an error nothing is left open but the
// foundation, which is the caller's. Close ends what build made.
func build(ctx context.Context, s serverSettings, f *foundation, ring *seal.Ring, log *slog.Logger) (_ *App, err error) {
	a := &App{foundation: f, settings: s, log: log}
	defer func() {
		if err != nil {
			_ = a.Close(ctx)
		}
	}()
	public, err := s.publicURL()
	if err != nil {
		return nil, err
	}
	catalog, err := s.load()
	if err != nil {
		return nil, err
	}
	for group := range s.OAuthClients {
		if !slices.ContainsFunc(catalog.All(), func(p *provider.Provider) bool {
			return p.Auth.OAuth2 != nil && p.ClientGroup() == group
		}) {
			log.Warn("no provider uses this OAuth client: see client_group in providers show", "group", group)
		}
	}
	client, err := a.openDoors(ctx, catalog)
	if err != nil {
		return nil, err
	}

	a.health = &health.Service{
		Store: f.store, Audit: f.audit, Every: probeInterval(catalog), Now: f.now, NewID: f.newID, Log: log,
	}
	a.credentials = credential.New(credential.Deps{
		Rows: credential.Stored{Store: f.store}, Health: a.health, Audit: f.audit, Ring: ring, Provider: catalog.Get,
		Client: client, HTTP: a.egress.Client, Now: f.now, NewID: f.newID, Log: log,
	})
	a.integrations = &integration.Service{
		Store: f.store, Catalog: catalog, Audit: f.audit, Health: a.health, Credentials: a.credentials, Egress: a.egress,
		Ring: ring, Client: client, PublicURL: public, Log: log, Now: f.now, NewID: f.newID,
	}
	if a.sandbox != nil {
		a.integrations.Visit = a.sandbox.AuthorizeURL
	}
	a.users = &user.Service{Store: f.store, Audit: f.audit, Integrations: a.integrations, Now: f.now, NewID: f.newID}
	a.queries = &query.Service{
		Store: f.store, Catalog: catalog, Audit: f.audit, Health: a.health, Credentials: a.credentials,
		Integrations: a.integrations, Log: log, Now: f.now, NewID: f.newID,
	}
	g := graph.New(graph.Deps{
		Store: f.store, Catalog: catalog, CallbackURL: a.integrations.CallbackURL(), Now: f.now,
		Available: func(p *provider.Provider) bool {
			if p.Auth.OAuth2 == nil {
				return true
			}
			_, ok := client(p.ClientGroup())
			return ok
		},
		Access: f.access, Audit: f.audit, Users: a.users, Integrations: a.integrations, Queries: a.queries, Health: a.health,
		Personalities: &personality.Service{Store: f.store, Audit: f.audit, Now: f.now, NewID: f.newID},
	})
	a.handler, err = server.New(server.Options{
		Schema: g.Schema(), Authenticate: a.authenticate, Presenter: graph.Present,
		AroundResponses: []graphql.ResponseMiddleware{g.AroundResponse},
		OAuth:           server.NewOAuthPages(server.OAuthOptions{Connector: connector{a.integrations}, PublicURL: public, Log: log}),
		Health:          f.store.Ping, PublicURL: public, Origins: s.Origins, Log: log, Now: f.now,
		Limits: server.Limits{RequestTime: requestLimit},
	})
	return a, err
}

// openDoors starts the sandbox if it is wanted and opens the way out. It returns the OAuth client of a group: the
// operator's, or in sandbox mode the sandbox's.
func (a *App) openDoors(ctx context.Context, c *provider.Catalog) (func(group string) (oauth.Client, bool), error) {
	s := a.settings
	prefixes, hosts, err := allowances(s.EgressAllow)
	if err != nil {
		return nil, err
	}
	options := egress.Options{AllowPrefixes: prefixes, AllowHosts: hosts}
	client := func(group string) (oauth.Client, bool) { c, ok := s.OAuthClients[group]; return c, ok }
	if s.Sandbox {
		a.sandbox, err = sandbox.New(sandbox.Options{
			Addr: s.SandboxListen, StateFile: s.SandboxState, Now: a.now, Log: a.log, Catalog: c, Fixtures: s.dirs(),
		})
		if err != nil {
			return nil, err
		}
		if err := a.sandbox.Start(ctx); err != nil {
			return nil, err
		}
		options.Sandbox = a.sandbox.Redirect()
		client = func(group string) (oauth.Client, bool) { return a.sandbox.Client(group), group != "" }
	}
	a.egress = egress.New(options)
	return client, nil
}

func (a *App) authenticate(ctx context.Context, header http.Header) (context.Context, error) {
	return a.access.Authenticate(ctx, access.FromHeader(header))
}

// Handler returns the whole of Patchbay's HTTP.
func (a *App) Handler() http.Handler { return a.handler }

// Run serves on l and runs the jobs until ctx ends, then lets what is running finish within the drain limit, and returns
// when no goroutine of its own is left. It closes l.
func (a *App) Run(ctx context.Context, l net.Listener) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	worked := make(chan struct{})
	go func() {
		defer close(worked)
		var all sync.WaitGroup
		all.Go(func() { jobs.Run(work, a.log, a.jobs()...) })
		all.Go(func() {
			if err := a.access.Watch(work); err != nil && work.Err() == nil {
				a.log.Error("revoked API keys are noticed late", "error", err)
			}
		})
		all.Wait()
	}()
	web := &http.Server{
		Handler: a.handler, ReadHeaderTimeout: headerLimit, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(l) }()

	var failed error
	select {
	case failed = <-served:
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	stop()
	late := errors.Join(a.handler.Shutdown(drain), web.Shutdown(drain))
	if late != nil {
		_ = web.Close()
	}
	<-worked
	if failed != nil && !errors.Is(failed, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", failed)
	}
	if late != nil {
		a.log.Warn("what was running was cut off", "error", late)
	}
	return nil
}

// Close lets renewals under way land, then closes the doors. Call it after Run, before closing the store.
func (a *App) Close(ctx context.Context) error {
	var errs []error
	if a.credentials != nil {
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
		defer cancel()
		errs = append(errs, a.credentials.Close(limit))
	}
	if a.egress != nil {
		a.egress.Close()
	}
	if a.sandbox != nil {
		errs = append(errs, a.sandbox.Close())
	}
	return errors.Join(errs...)
}

// listen opens the address, with one clear line when it is taken.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w (is another Patchbay running? choose another with --listen)", addr, err)
	}
	return l, nil
}

// closing joins the error of closing something with the one that came before.
func closing(c io.Closer, err *error) { *err = errors.Join(*err, c.Close()) }

var _ io.Closer = (*store.Store)(nil)
