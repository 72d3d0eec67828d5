package graph

import (
	"maps"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/patchbay/patchbay/graph/generated"
	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/graph/read"
	"github.com/patchbay/patchbay/internal/access"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/personality"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/query"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/user"
)

// Deps are what the schema is answered with. All are required.
type Deps struct {
	Store   *store.Store
	Catalog *provider.Catalog
	// Available reports whether what OAuth needs has been configured for a provider.
	Available func(*provider.Provider) bool
	// CallbackURL is what to register as redirect URI at a provider.
	CallbackURL string
	Now         func() time.Time

	Access        *access.Service
	Users         *user.Service
	Personalities *personality.Service
	Integrations  *integration.Service
	Queries       *query.Service
	Health        *health.Service
	Audit         *audit.Service
}

// Graph answers the schema. It is safe for concurrent use and holds nothing of a request.
type Graph struct {
	Deps

	read      *read.Reader
	providers model.Providers
	sorted    []*model.Provider
}

// New returns a Graph. Providers are fixed from then on.
func New(d Deps) *Graph {
	g := &Graph{Deps: d, providers: model.Providers{}}
	for _, manifest := range d.Catalog.All() {
		shown := model.NewProvider(manifest, d.Available(manifest))
		g.providers[shown.Name] = shown
		g.sorted = append(g.sorted, shown)
	}
	g.read = &read.Reader{Store: d.Store, Providers: g.providers}
	return g
}

// Schema returns what gqlgen's executor runs. It needs AroundResponse around every response, and errors need Present.
func (g *Graph) Schema() graphql.ExecutableSchema {
	return generated.NewExecutableSchema(generated.Config{
		Schema: served(), Resolvers: g, Directives: generated.DirectiveRoot{Auth: auth}, Complexity: complexity(),
	})
}

// served returns the contract without @defer, which gqlparser adds to every schema: it is a draft that changes, so a
// document that uses it is refused like one with any other unknown directive.
func served() *ast.Schema {
	schema := *generated.NewExecutableSchema(generated.Config{}).Schema()
	schema.Directives = maps.Clone(schema.Directives)
	delete(schema.Directives, "defer")
	return &schema
}

// The resolvers of each type.
type (
	queryResolver          struct{ *Graph }
	mutationResolver       struct{ *Graph }
	subscriptionResolver   struct{ *Graph }
	userResolver           struct{ *Graph }
	integrationResolver    struct{ *Graph }
	auditEventResolver     struct{ *Graph }
	connectAttemptResolver struct{ *Graph }
	healthEventResolver    struct{ *Graph }
	expiringResolver       struct{ *Graph }
)

// Query implements generated.ResolverRoot, as do the methods below.
func (g *Graph) Query() generated.QueryResolver { return queryResolver{g} }

// Mutation returns the resolvers of what changes something.
func (g *Graph) Mutation() generated.MutationResolver { return mutationResolver{g} }

// Subscription returns the resolvers of streams.
func (g *Graph) Subscription() generated.SubscriptionResolver { return subscriptionResolver{g} }

// User returns the resolvers of a user's fields.
func (g *Graph) User() generated.UserResolver { return userResolver{g} }

// Integration returns the resolvers of an integration's fields.
func (g *Graph) Integration() generated.IntegrationResolver { return integrationResolver{g} }

// AuditEvent returns the resolvers of an audit event's fields.
func (g *Graph) AuditEvent() generated.AuditEventResolver { return auditEventResolver{g} }

// ConnectAttempt returns the resolvers of a connection attempt's fields.
func (g *Graph) ConnectAttempt() generated.ConnectAttemptResolver { return connectAttemptResolver{g} }

// ExpiringCredential returns the resolvers of a credential that ends.
func (g *Graph) ExpiringCredential() generated.ExpiringCredentialResolver { return expiringResolver{g} }

// IntegrationHealthEvent returns the resolvers of a stream's event.
func (g *Graph) IntegrationHealthEvent() generated.IntegrationHealthEventResolver {
	return healthEventResolver{g}
}
