package access

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/apikey"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/viewer"
)

const (
	keyPrefix = "pb_"
	keyBytes  = 32
	// shown is how much of a key may be shown later, to tell keys apart: the prefix and 36 of its 256 bits.
	shown   = len(keyPrefix) + 6
	maxName = 200
)

var keyLen = len(keyPrefix) + base64.RawURLEncoding.EncodedLen(keyBytes)

// CreateKeyInput describes an API key. ExpiresAt is nil for a key that does not end by itself.
type CreateKeyInput struct {
	Name      string
	Scopes    []viewer.Scope
	ExpiresAt *time.Time
}

// Validate returns every fault of the input, joined.
func (in CreateKeyInput) Validate(now time.Time) error {
	var faults []error
	faults = append(faults, problem.CheckLength("The name", in.Name, 1, maxName, "input", "name"))
	if len(in.Scopes) == 0 {
		faults = append(faults, problem.New(problem.Invalid, "An API key needs at least one scope.").At("input", "scopes"))
	}
	for _, s := range in.Scopes {
		if !slices.Contains(viewer.Scopes, s) {
			faults = append(faults, problem.New(problem.Invalid, "There is no such scope.").At("input", "scopes"))
			break
		}
	}
	if in.ExpiresAt != nil && !in.ExpiresAt.After(now) {
		faults = append(faults, problem.New(problem.Invalid, "This time has passed.").At("input", "expiresAt"))
	}
	return errors.Join(faults...)
}

// CreateKey makes an API key of the viewer's company and returns its secret, which is kept nowhere.
func (s *Service) CreateKey(ctx context.Context, in CreateKeyInput) (*ent.APIKey, seal.Secret, error) {
	now := s.Now()
	if err := in.Validate(now); err != nil {
		return nil, seal.Secret{}, err
	}
	var random [keyBytes]byte
	_, _ = rand.Read(random[:]) // never fails since Go 1.24
	secret := keyPrefix + base64.RawURLEncoding.EncodeToString(random[:])

	scopes := make(column.Strings, 0, len(in.Scopes))
	for _, scope := range in.Scopes {
		if !slices.Contains(scopes, string(scope)) {
			scopes = append(scopes, string(scope))
		}
	}
	var row *ent.APIKey
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		var err error
		row, err = s.Store.Client(ctx).APIKey.Create().SetID(s.NewID(id.APIKey)).
			SetName(strings.TrimSpace(in.Name)).SetPrefix(secret[:shown]).SetHash(hashOf(secret)).
			SetScopes(scopes).SetCreatedAt(now).SetNillableExpiresAt(in.ExpiresAt).Save(ctx)
		if err != nil {
			return fmt.Errorf("create an API key: %w", err)
		}
		_, err = s.Audit.Append(ctx, audit.Event{
			Type: audit.APIKeyCreated, Details: column.Object{"apiKeyId": row.ID, "scopes": scopes},
		})
		return err
	})
	if err != nil {
		return nil, seal.Secret{}, err
	}
	return row, seal.NewSecret(secret), nil
}

// RevokeKey ends an API key at once, and what it has opened on every replica. Revoking one that is revoked already
// changes nothing.
func (s *Service) RevokeKey(ctx context.Context, keyID string) (*ent.APIKey, error) {
	if err := id.Check(id.APIKey, keyID, "input", "id"); err != nil {
		return nil, err
	}
	var row *ent.APIKey
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		client := s.Store.Client(ctx)
		n, err := client.APIKey.Update().Where(apikey.ID(keyID), apikey.RevokedAtIsNil()).SetRevokedAt(s.Now()).Save(ctx)
		if err != nil {
			return fmt.Errorf("revoke an API key: %w", err)
		}
		row, err = client.APIKey.Get(ctx, keyID)
		if ent.IsNotFound(err) {
			return problem.New(problem.NotFound, "This API key does not exist.").At("input", "id")
		}
		if err != nil || n == 0 {
			return err
		}
		_, err = s.Audit.Append(ctx, audit.Event{Type: audit.APIKeyRevoked, Details: column.Object{"apiKeyId": keyID}})
		if err != nil {
			return err
		}
		s.Store.AfterCommit(ctx, func() { s.opened.end(keyID) })
		return s.Store.Notify(ctx, channel, keyID)
	})
	return row, err
}

// Keys returns the company's API keys, the oldest first, revoked ones included.
func (s *Service) Keys(ctx context.Context) ([]*ent.APIKey, error) {
	return s.Store.Client(ctx).APIKey.Query().Order(apikey.ByID()).All(ctx)
}
