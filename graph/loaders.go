package graph

import (
	"context"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/patchbay/patchbay/graph/loader"
	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/graph/page"
	"github.com/patchbay/patchbay/graph/read"
	"github.com/patchbay/patchbay/internal/id"
)

// loaders belong to one query, one field of a mutation, or one event of a stream.
type loaders struct {
	read *read.Reader
	now  func() time.Time

	users         loader.Loader[loader.None, *model.User]
	integrations  loader.Loader[loader.None, *model.Integration]
	personalities loader.Loader[loader.None, *model.Personality]
	usages        loader.Loader[loader.None, read.Usage]
	access        loader.Loader[loader.None, []*model.PersonalityAccess]

	userIntegrations  nested[model.Integration, *model.Integration]
	userEvents        nested[model.AuditEvent, *model.AuditEvent]
	integrationEvents nested[model.AuditEvent, *model.AuditEvent]
	healthHistory     nested[model.IntegrationHealthChange, *model.IntegrationHealthChange]
}

// The orders in which lists run.
var (
	oldestUsers   = page.Order{Kind: id.User}
	newestUsers   = page.Order{Kind: id.User, Descending: true}
	integrations  = page.Order{Kind: id.Integration}
	personalities = page.Order{Kind: id.Personality}
	events        = page.Order{Kind: id.AuditEvent, Descending: true}
	changes       = page.Order{Kind: id.HealthChange, Descending: true}
)

func newLoaders(r *read.Reader, now func() time.Time) *loaders {
	l := &loaders{read: r, now: now}
	l.userIntegrations.list = func(filter string) (*read.List[model.Integration], error) {
		return r.UserIntegrations(decoded[model.IntegrationFilter](filter)), nil
	}
	l.userEvents.list = func(filter string) (*read.List[model.AuditEvent], error) {
		return r.UserEvents(decoded[model.AuditEventFilter](filter))
	}
	l.integrationEvents.list = func(filter string) (*read.List[model.AuditEvent], error) {
		return r.IntegrationEvents(decoded[model.AuditEventFilter](filter))
	}
	l.healthHistory.list = func(string) (*read.List[model.IntegrationHealthChange], error) {
		return r.HealthChanges(), nil
	}
	return l
}

// response holds the loaders of one response. Each field of a mutation has its own, since what one has written the
// next must read.
type response struct {
	make   func() *loaders
	shared *loaders // nil for a mutation

	mu     sync.Mutex
	fields map[*graphql.RootFieldContext]*loaders
}

type responseKey struct{}

// AroundResponse gives each response loaders of its own. A stream's events are responses too; nil ends the stream.
func (g *Graph) AroundResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	r := &response{make: func() *loaders { return newLoaders(g.read, g.Now) }}
	if !isMutation(ctx) {
		r.shared = r.make()
	}
	return next(context.WithValue(ctx, responseKey{}, r))
}

// isMutation reports whether a mutation is answered; an answer to a document that was refused has no operation.
func isMutation(ctx context.Context) bool {
	if !graphql.HasOperationContext(ctx) {
		return false
	}
	operation := graphql.GetOperationContext(ctx).Operation
	return operation != nil && operation.Operation == ast.Mutation
}

// loading returns the loaders for the field that is being resolved.
func loading(ctx context.Context) *loaders {
	r := ctx.Value(responseKey{}).(*response) //nolint:forcetypeassert // AroundResponse has put it there
	if r.shared != nil {
		return r.shared
	}
	field := graphql.GetRootFieldContext(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.fields[field]
	if !ok {
		l = r.make()
		if r.fields == nil {
			r.fields = map[*graphql.RootFieldContext]*loaders{}
		}
		r.fields[field] = l
	}
	return l
}

// user returns a user, or nil when there is none that the viewer may see.
func (l *loaders) user(ctx context.Context, id string) (*model.User, error) {
	return l.users.Load(ctx, id, loader.None{}, l.readUsers)
}

func (l *loaders) readUsers(ctx context.Context, _ loader.None, ids []string) ([]*model.User, error) {
	rows, err := l.read.UsersByID(ctx, ids, nil)
	return inOrder(ids, rows), err
}

// integration returns an integration, or nil when there is none that the viewer may see.
func (l *loaders) integration(ctx context.Context, id string) (*model.Integration, error) {
	return l.integrations.Load(ctx, id, loader.None{}, l.readIntegrations)
}

func (l *loaders) readIntegrations(ctx context.Context, _ loader.None, ids []string) ([]*model.Integration, error) {
	rows, err := l.read.IntegrationsByID(ctx, ids, nil)
	return inOrder(ids, rows), err
}

// personality returns a personality, or nil when there is none that the viewer may see.
func (l *loaders) personality(ctx context.Context, id string) (*model.Personality, error) {
	return l.personalities.Load(ctx, id, loader.None{}, l.readPersonalities)
}

func (l *loaders) readPersonalities(ctx context.Context, _ loader.None, ids []string) ([]*model.Personality, error) {
	rows, err := l.read.PersonalitiesByID(ctx, ids, nil)
	return inOrder(ids, rows), err
}

// usage returns how often an integration was asked.
func (l *loaders) usage(ctx context.Context, integrationID string) (read.Usage, error) {
	return l.usages.Load(ctx, integrationID, loader.None{}, l.readUsage)
}

func (l *loaders) readUsage(ctx context.Context, _ loader.None, ids []string) ([]read.Usage, error) {
	return l.read.Usage(ctx, ids, l.now())
}

// rules returns the explicit rules of an integration.
func (l *loaders) rules(ctx context.Context, integrationID string) ([]*model.PersonalityAccess, error) {
	return l.access.Load(ctx, integrationID, loader.None{}, l.readRules)
}

func (l *loaders) readRules(ctx context.Context, _ loader.None, ids []string) ([][]*model.PersonalityAccess, error) {
	return l.read.AccessRules(ctx, ids)
}

// inOrder returns the row of each id, nil where there is none.
func inOrder[T page.Listed](ids []string, rows []T) []T {
	byID := make(map[string]T, len(rows))
	for _, row := range rows {
		byID[row.Key()] = row
	}
	out := make([]T, len(ids))
	for i, id := range ids {
		out[i] = byID[id]
	}
	return out
}
