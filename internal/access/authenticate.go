package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/apikey"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

// usedEvery is how precise an API key's lastUsedAt is: within it, further uses are not written.
const usedEvery = time.Minute

// Service makes companies and API keys, and authenticates.
type Service struct {
	Store *store.Store
	Audit *audit.Service
	Now   func() time.Time
	NewID func(id.Kind) string

	opened opened
}

// refused is one answer for every credential that does not open: unknown, revoked and expired look the same.
var refused = problem.New(problem.Unauthenticated,
	"This needs a valid API key, as Authorization: Bearer pb_… or as x-api-key.")

// expired is the cause with which the context of a key that has ended ends.
var expired = problem.New(problem.Unauthenticated, "The API key has expired.")

// Authenticate returns a context that carries the viewer of an API key. The context ends when the key expires, and soon
// after it is revoked (see Watch); its cause says which. The error is UNAUTHENTICATED for anything that is not a live
// key.
func (s *Service) Authenticate(ctx context.Context, secret string) (context.Context, error) {
	if !strings.HasPrefix(secret, keyPrefix) || len(secret) != keyLen {
		return nil, refused
	}
	system := viewer.System(ctx)
	key, err := s.Store.Client(system).APIKey.Query().Where(apikey.Hash(hashOf(secret))).Only(system)
	if ent.IsNotFound(err) {
		return nil, refused
	}
	if err != nil {
		return nil, fmt.Errorf("look up an API key: %w", err)
	}
	now := s.Now()
	if key.RevokedAt != nil || (key.ExpiresAt != nil && !now.Before(*key.ExpiresAt)) {
		return nil, refused
	}
	if key.LastUsedAt == nil || now.Sub(*key.LastUsedAt) >= usedEvery {
		err := s.Store.Client(system).APIKey.UpdateOneID(key.ID).SetLastUsedAt(now).Exec(system)
		if err != nil && !store.Full(err) { // a full disk must not end reading
			return nil, fmt.Errorf("record the use of an API key: %w", err)
		}
	}
	scopes := make([]viewer.Scope, len(key.Scopes))
	for i, scope := range key.Scopes {
		scopes[i] = viewer.Scope(scope)
	}
	ctx = viewer.With(ctx, viewer.Viewer{Company: key.CompanyID, Actor: key.ID, Scopes: scopes, ExpiresAt: key.ExpiresAt})
	ctx, end := context.WithCancelCause(ctx)
	if !s.opened.add(ctx, key.ID, end) {
		end(revoked)
		return nil, refused
	}
	if key.ExpiresAt == nil {
		return ctx, nil
	}
	ending, release := context.WithTimeoutCause(ctx, key.ExpiresAt.Sub(now), expired)
	context.AfterFunc(ctx, release)
	return ending, nil
}

// FromHeader returns the credential that a request carries: Authorization: Bearer, else x-api-key, else "".
func FromHeader(h http.Header) string {
	if scheme, token, ok := strings.Cut(h.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return h.Get("x-api-key")
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
