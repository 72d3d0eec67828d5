package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/graph"
	"github.com/patchbay/patchbay/internal/access"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/house/leak"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/personality"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
	"github.com/patchbay/patchbay/internal/query"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/server"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/user"
	"github.com/patchbay/patchbay/internal/viewer"
)

func TestMain(m *testing.M) { leak.Main(m) }

// shared are the manifests of every env: to compile them takes longer than most tests.
var shared = sync.OnceValues(func() (*provider.Catalog, error) { return provider.Load(catalog.FS, kindsManifest()) })

// both runs a test on each database.
func both(t *testing.T, fn func(t *testing.T, e *env)) {
	t.Helper()
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		fn(t, newEnv(t, s))
	})
}

// bothAtLeisure is both for what is gathered within a millisecond: its clock goes on only when nothing else can happen,
// so that a busy machine tears nothing apart.
func bothAtLeisure(t *testing.T, fn func(t *testing.T, e *env)) {
	t.Helper()
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			fn(t, newEnv(t, storetest.Open(t, store.Options{URL: url})))
		})
	})
}

// env is the application as it serves, with one company, behind its real handler.
type env struct {
	t       *testing.T
	store   *store.Store
	graph   *graph.Graph
	server  *server.Server
	catalog *provider.Catalog
	access  *access.Service
	health  *health.Service
	newID   func(id.Kind) string
	now     func() time.Time
	log     *syncBuffer

	mu      sync.Mutex
	viewers map[string]viewer.Viewer
	company string
}

func newEnv(t *testing.T, s *store.Store) *env {
	t.Helper()
	now := func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
	newID := id.NewSource(now).New
	manifests, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := seal.NewRing()
	if err != nil {
		t.Fatal(err)
	}
	e := &env{t: t, store: s, catalog: manifests, newID: newID, now: now, log: &syncBuffer{}, viewers: map[string]viewer.Viewer{}}
	log := slog.New(slog.NewJSONHandler(e.log, nil))
	client := func(group string) (oauth.Client, bool) {
		return oauth.Client{ID: "client-of-" + group, Secret: seal.NewSecret("not-a-real-one")}, group == "google"
	}
	door := egress.New(egress.Options{
		AllowPrefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AllowHTTP: true, ConnectTimeout: time.Minute,
	})
	t.Cleanup(door.Close)
	trail := &audit.Service{Store: s, Now: now, NewID: newID}
	e.health = &health.Service{Store: s, Audit: trail, Now: now, NewID: newID}
	e.access = &access.Service{Store: s, Audit: trail, Now: now, NewID: newID}
	credentials := credential.New(credential.Deps{
		Rows: &credential.Stored{Store: s}, Health: e.health, Audit: trail, Ring: ring, Provider: manifests.Get, Client: client,
		HTTP: door.Client, Now: now, NewID: newID, Log: log,
	})
	integrations := &integration.Service{
		Store: s, Catalog: manifests, Audit: trail, Health: e.health, Credentials: credentials, Egress: door, Ring: ring,
		Client: client, PublicURL: "https://patchbay.test", Log: log, Now: now, NewID: newID,
	}
	e.graph = graph.New(graph.Deps{
		Store: s, Catalog: manifests, Now: now, CallbackURL: integrations.CallbackURL(), Health: e.health, Access: e.access, Audit: trail,
		Available: func(p *provider.Provider) bool {
			if p.Auth.OAuth2 == nil {
				return true
			}
			_, ok := client(p.ClientGroup())
			return ok
		},
		Users:         &user.Service{Store: s, Audit: trail, Integrations: integrations, Now: now, NewID: newID},
		Personalities: &personality.Service{Store: s, Audit: trail, Now: now, NewID: newID},
		Integrations:  integrations,
		Queries: &query.Service{
			Store: s, Catalog: manifests, Integrations: integrations, Credentials: credentials, Audit: trail, Health: e.health,
			Log: log, Now: now, NewID: newID,
		},
	})
	e.server, err = server.New(server.Options{
		Schema: e.graph.Schema(), Presenter: graph.Present, Authenticate: e.authenticate, Log: log,
		AroundResponses: []graphql.ResponseMiddleware{e.graph.AroundResponse},
	})
	if err != nil {
		t.Fatal(err)
	}
	e.company = e.newCompany("Acme")
	e.viewers["acme"] = viewer.Viewer{Company: e.company, Actor: "key_acme", Scopes: viewer.Scopes}
	return e
}

func (e *env) authenticate(ctx context.Context, h http.Header) (context.Context, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	v, ok := e.viewers[strings.TrimPrefix(h.Get("Authorization"), "Bearer ")]
	if !ok {
		return nil, problem.New(problem.Unauthenticated, "no such credential")
	}
	return viewer.With(ctx, v), nil
}

// as makes a credential with this name, for env.do.
func (e *env) as(name string, v viewer.Viewer) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.viewers[name] = v
	return name
}

func (e *env) ctx() context.Context {
	return viewer.With(e.t.Context(), viewer.Viewer{Company: e.company, Actor: "key_acme", Scopes: viewer.Scopes})
}

func (e *env) ctxOf(company string) context.Context {
	return viewer.With(e.t.Context(), viewer.Viewer{Company: company, Actor: "key_other", Scopes: viewer.Scopes})
}

func (e *env) newCompany(name string) string {
	e.t.Helper()
	row, err := e.access.CreateCompany(e.t.Context(), name)
	if err != nil {
		e.t.Fatal(err)
	}
	return row.ID
}

func (e *env) newUser(ctx context.Context, externalID string, metadata column.Object) *ent.User {
	e.t.Helper()
	create := e.store.Client(ctx).User.Create().SetID(e.newID(id.User)).SetCreatedAt(e.now()).SetUpdatedAt(e.now())
	if externalID != "" {
		create.SetExternalID(externalID)
	}
	if metadata != nil {
		create.SetMetadata(metadata)
	}
	row, err := create.Save(ctx)
	if err != nil {
		e.t.Fatal(err)
	}
	return row
}

func (e *env) newIntegration(ctx context.Context, userID *string, providerName string) *ent.Integration {
	e.t.Helper()
	row, err := e.store.Client(ctx).Integration.Create().SetID(e.newID(id.Integration)).SetNillableUserID(userID).
		SetProvider(providerName).SetAuthKind(provider.OAuth2).SetName(providerName).
		SetScopes(column.Strings{"calendar.readonly"}).SetAccountID("acc").SetAccountName("ada@example.com").
		SetCreatedAt(e.now()).SetUpdatedAt(e.now()).SetConnectedAt(e.now()).
		SetHealthStatus(string(health.Healthy)).SetHealthReason(string(health.OK)).SetHealthAction(string(health.None)).
		Save(ctx)
	if err != nil {
		e.t.Fatal(err)
	}
	return row
}

func (e *env) newEvent(ctx context.Context, i *ent.Integration, kind audit.Type) *ent.AuditEvent {
	e.t.Helper()
	row, err := e.store.Client(ctx).AuditEvent.Create().SetID(e.newID(id.AuditEvent)).SetEventType(string(kind)).
		SetTimestamp(e.now()).SetActor("key_acme").SetNillableUserID(i.UserID).SetIntegrationID(i.ID).SetSucceeded(true).
		SetDetails(column.Object{"n": 1}).Save(ctx)
	if err != nil {
		e.t.Fatal(err)
	}
	return row
}

// reply is one answer over HTTP, with the statements that it cost.
type reply struct {
	t    *testing.T
	Data map[string]any `json:"data"`
	Errs []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`

	status     int
	body       string
	statements []string
}

// do sends a document as the credential with this name.
func (e *env) do(as, document string, variables map[string]any) *reply {
	e.t.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		e.t.Fatal(err)
	}
	ctx, counter := store.CountStatements(e.t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+as)
	w := httptest.NewRecorder()
	e.server.ServeHTTP(w, r)
	out := &reply{t: e.t, status: w.Code, body: w.Body.String(), statements: counter.Queries()}
	if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
		e.t.Fatalf("%v: %s", err, out.body)
	}
	return out
}

// must is do for what has to succeed without errors.
func (e *env) must(as, document string, variables map[string]any) *reply {
	e.t.Helper()
	r := e.do(as, document, variables)
	if len(r.Errs) > 0 {
		e.t.Fatalf("%s\n%.2000s\n%.2000s", document, r.body, e.log.String())
	}
	return r
}

// at returns what lies at a path of keys and list indexes, and fails the test when there is no such place.
func (r *reply) at(path ...any) any {
	r.t.Helper()
	var v any = r.Data
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				r.t.Fatalf("no %v of %v in %s", step, path, r.body)
			}
			v = m[step]
		case int:
			l, ok := v.([]any)
			if !ok || step >= len(l) {
				r.t.Fatalf("no %v of %v in %s", step, path, r.body)
			}
			v = l[step]
		}
	}
	return v
}

// texts returns the strings under key of the objects in the list at a path.
func (r *reply) texts(key string, path ...any) []string {
	r.t.Helper()
	list, ok := r.at(path...).([]any)
	if !ok {
		r.t.Fatalf("no list at %v in %s", path, r.body)
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprint(v.(map[string]any)[key])
	}
	return out
}

// code returns the code of the only error.
func (r *reply) code() string {
	r.t.Helper()
	if len(r.Errs) != 1 {
		r.t.Fatalf("want one error: %s", r.body)
	}
	return fmt.Sprint(r.Errs[0].Extensions["code"])
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
