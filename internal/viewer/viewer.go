// Package viewer says on whose behalf something is done. The viewer travels in the context; the storage policies read
// it and refuse everything when there is none.
package viewer

import (
	"context"
	"slices"
	"time"
)

// Scope is one permission of a credential, spelled as in the GraphQL enum of the same name.
type Scope string

// The permissions a credential can carry.
const (
	UsersRead         Scope = "USERS_READ"
	UsersWrite        Scope = "USERS_WRITE"
	IntegrationsRead  Scope = "INTEGRATIONS_READ"
	IntegrationsWrite Scope = "INTEGRATIONS_WRITE"
	IntegrationsQuery Scope = "INTEGRATIONS_QUERY"
	AuditRead         Scope = "AUDIT_READ"
	Admin             Scope = "ADMIN"
)

// Scopes lists every Scope, in the order of the contract.
var Scopes = []Scope{UsersRead, UsersWrite, IntegrationsRead, IntegrationsWrite, IntegrationsQuery, AuditRead, Admin}

// Viewer is who asks: a company's credential, one user of it, or Patchbay itself.
type Viewer struct {
	// Company is the tenant whose rows may be seen; empty only for a System viewer that works across tenants.
	Company string
	// User narrows the viewer to one user's graph; empty for the whole company.
	User string
	// Actor is what the audit trail names: an API key's id, a user's id, or "system".
	Actor string
	// Scopes are what the credential may do. Admin includes every other.
	Scopes []Scope
	// ExpiresAt is when the credential ends; nil when it does not end by itself.
	ExpiresAt *time.Time
	// System is true for work that runs by itself. With an empty Company it passes every tenant's policy.
	System bool
}

// May reports whether the viewer carries s.
func (v Viewer) May(s Scope) bool {
	return v.System || slices.Contains(v.Scopes, s) || slices.Contains(v.Scopes, Admin)
}

type key struct{}

// With returns a context that carries v.
func With(ctx context.Context, v Viewer) context.Context { return context.WithValue(ctx, key{}, v) }

// From returns the viewer of ctx, and false when there is none.
func From(ctx context.Context) (Viewer, bool) {
	v, ok := ctx.Value(key{}).(Viewer)
	return v, ok
}

// System returns a context for work that runs by itself across all companies: looking up a credential before its
// company is known, claiming due rows, migrations. Nothing that serves a request may keep it longer than that step.
func System(ctx context.Context) context.Context {
	return With(ctx, Viewer{System: true, Actor: "system"})
}

// SystemFor returns a context for work that runs by itself inside one company.
func SystemFor(ctx context.Context, company string) context.Context {
	return With(ctx, Viewer{System: true, Company: company, Actor: "system"})
}
