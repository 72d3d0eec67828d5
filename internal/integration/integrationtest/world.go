// Package integrationtest builds a company with users, a vendor and the services that connect the two, for tests of the
// rooms that need integrations. Only tests import it.
//
//	w := integrationtest.New(t, s)       inside storetest.Run
//	row := w.Connect(t, w.User)          through the vendor's consent page
package integrationtest

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/auditevent"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

//go:embed manifests
var manifests embed.FS

// shared are the manifests of every world: to compile them takes longer than most tests.
var shared = sync.OnceValues(load)

func load() (*provider.Catalog, error) {
	own, err := fs.Sub(manifests, "manifests")
	if err != nil {
		return nil, err
	}
	return provider.Load(catalog.FS, own)
}

// NewCatalog returns manifests that no other world uses, so that a test may change them.
func NewCatalog(t *testing.T) *provider.Catalog {
	t.Helper()
	own, err := load()
	must(t, err)
	return own
}

// Provider is the name of the vendor's manifest, and RedirectURL where the tests' own application is.
const (
	Provider    = "acme_agenda"
	RedirectURL = "https://app.example.org/connected"
)

// World is a company and all it takes to connect something.
type World struct {
	*integration.Service
	Vendor *Vendor
	// Ctx is that of the company's API key, Foreign that of another company's.
	Ctx, Foreign context.Context
	User, Other  *ent.User
	Personality  *ent.Personality

	mu  sync.Mutex
	now time.Time
}

// Start is when every world begins: a Sunday.
var Start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// New builds a world in a store, around a vendor of its own.
func New(t *testing.T, s *store.Store) *World {
	t.Helper()
	vendor := NewVendor(t)
	w := Around(t, s, vendor.Redirect(), func(group string) (oauth.Client, bool) {
		return oauth.Client{ID: "client-1", Secret: seal.NewSecret("client-secret")}, group == "acme"
	})
	w.Vendor = vendor
	return w
}

// Around builds a world whose providers are behind redirect and know these OAuth clients. It has no Vendor.
func Around(t *testing.T, s *store.Store, redirect *egress.Redirect, client func(string) (oauth.Client, bool)) *World {
	t.Helper()
	w := &World{now: Start}
	providers, err := shared()
	must(t, err)
	ring, err := seal.NewRing()
	must(t, err)
	door := egress.New(egress.Options{Sandbox: redirect, ConnectTimeout: time.Minute})
	t.Cleanup(door.Close)
	newID := id.NewSource(w.Now).New
	log := slog.New(slog.DiscardHandler)
	trail := &audit.Service{Store: s, Now: w.Now, NewID: newID}
	every := func(name string) time.Duration {
		if p, ok := providers.Get(name); ok && p.Probe.Possible() {
			return p.Probe.Every
		}
		return 0
	}
	state := &health.Service{Store: s, Audit: trail, Every: every, Now: w.Now, NewID: newID}
	credentials := credential.New(credential.Deps{
		Rows: credential.Stored{Store: s}, Health: state, Audit: trail, Ring: ring, Client: client,
		Provider: func(name string) (*provider.Provider, bool) { return w.Catalog.Get(name) },
		HTTP:     door.Client, Now: w.Now, NewID: newID, Log: log,
	})
	t.Cleanup(func() { _ = credentials.Close(context.Background()) })
	w.Service = &integration.Service{
		Store: s, Catalog: providers, Audit: trail, Health: state, Credentials: credentials, Egress: door, Ring: ring,
		Client: client, PublicURL: "https://patchbay.example.net", Log: log, Now: w.Now, NewID: newID,
	}
	w.Ctx, w.Foreign = w.company(t, "Acme"), w.company(t, "Rival")
	w.User, w.Other = w.NewUser(t, "ada"), w.NewUser(t, "bob")
	w.Personality, err = s.Client(w.Ctx).Personality.Create().SetID(newID(id.Personality)).SetName("Helper").
		SetCreatedAt(w.Now()).SetUpdatedAt(w.Now()).Save(w.Ctx)
	must(t, err)
	return w
}

// Now is the world's clock; it stands still until Wait.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Wait lets time pass.
func (w *World) Wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *World) company(t *testing.T, name string) context.Context {
	t.Helper()
	system := viewer.System(t.Context())
	db := w.Store.Client(system)
	row, err := db.Company.Create().SetID(w.NewID(id.Company)).SetName(name).SetCreatedAt(w.Now()).Save(system)
	must(t, err)
	must(t, db.CompanySequence.Create().SetID(row.ID).Exec(system))
	return viewer.With(t.Context(), viewer.Viewer{
		Company: row.ID, Actor: "key_test", Scopes: []viewer.Scope{viewer.Admin},
	})
}

// NewUser adds a user to the company.
func (w *World) NewUser(t *testing.T, externalID string) *ent.User {
	t.Helper()
	row, err := w.Store.Client(w.Ctx).User.Create().SetID(w.NewID(id.User)).SetExternalID(externalID).
		SetCreatedAt(w.Now()).SetUpdatedAt(w.Now()).Save(w.Ctx)
	must(t, err)
	return row
}

// ConnectInput is a request to connect the vendor for a user, by the application's own redirect URL.
func (w *World) ConnectInput(user *ent.User, scopes ...string) integration.ConnectInput {
	redirect := RedirectURL
	return integration.ConnectInput{UserID: &user.ID, Provider: Provider, Scopes: scopes, RedirectURL: &redirect}
}

// CallbackInput is what comes back from an attempt with a code.
func (w *World) CallbackInput(user *ent.User, attempt *integration.Attempt) integration.CallbackInput {
	code := "code-1"
	return integration.CallbackInput{UserID: &user.ID, Provider: Provider, Code: &code, State: attempt.State.Reveal()}
}

// Connect connects the vendor for a user.
func (w *World) Connect(t *testing.T, user *ent.User, scopes ...string) *ent.Integration {
	t.Helper()
	attempt, err := w.Service.Connect(w.Ctx, w.ConnectInput(user, scopes...))
	must(t, err)
	row, err := w.Callback(w.Ctx, w.CallbackInput(user, attempt))
	must(t, err)
	return row
}

// Webhook creates a webhook of the company at hook.example.com, with a bearer token {{TOKEN}}.
func (w *World) Webhook(t *testing.T) *integration.Created {
	t.Helper()
	created, err := w.Create(w.Ctx, WebhookInput())
	must(t, err)
	return created
}

// WebhookInput describes the webhook of Webhook.
func WebhookInput() integration.CreateInput {
	return integration.CreateInput{
		Provider: "custom_webhook", Name: "Orders", Enabled: true, Visibility: integration.Private,
		Config: map[string]any{
			"url":            "https://hook.example.com/ask",
			"authentication": map[string]any{"type": "bearer", "token": "{{TOKEN}}"},
			"capabilities": []any{
				map[string]any{"name": "orders", "trigger_phrases": []any{"order"}},
				map[string]any{"name": "order_status", "trigger_phrases": []any{"order status"}},
			},
		},
		Secrets: map[string]any{"TOKEN": "hook-token"},
	}
}

// Events returns the company's audit events of a type, oldest first.
func (w *World) Events(t *testing.T, kind audit.Type) []*ent.AuditEvent {
	t.Helper()
	rows, err := w.Store.Client(w.Ctx).AuditEvent.Query().Where(auditevent.EventType(string(kind))).
		Order(auditevent.ByID()).All(w.Ctx)
	must(t, err)
	return rows
}

// Reload reads an integration as it is now.
func (w *World) Reload(t *testing.T, row *ent.Integration) *ent.Integration {
	t.Helper()
	row, err := w.Get(w.Ctx, row.ID)
	must(t, err)
	return row
}

// QueryOf returns the parameters of an address.
func QueryOf(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	return u.Query()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
