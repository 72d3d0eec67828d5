package user

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/patchbay/patchbay/ent"
	entuser "github.com/patchbay/patchbay/ent/user"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
)

// Limits of what is kept about a user.
const (
	maxExternalID    = 255
	maxMetadataBytes = 16 << 10
	maxMetadataKeys  = 100
	// maxMetadataDepth is far below what the databases' own readers of JSON take: SQLite's gives up at 1,000.
	maxMetadataDepth = 32
)

// metadataKey is the form of a metadata key. Keys are bound when they are searched for, never put into SQL text; the form
// keeps them readable in dashboards and free of the characters that paths give a meaning to.
var metadataKey = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)

// Service creates, changes and deletes users.
type Service struct {
	Store *store.Store
	Audit *audit.Service
	// Integrations ends a user's connections before the user goes.
	Integrations *integration.Service
	Now          func() time.Time
	NewID        func(id.Kind) string
}

// CreateInput describes a user. ExternalID is nil when the person has no id elsewhere.
type CreateInput struct {
	ExternalID *string
	Metadata   map[string]any
}

// UpdateInput changes a user. ExternalID is left alone unless SetExternalID; nil then clears it. Metadata is merged key
// by key, and a nil value removes its key.
type UpdateInput struct {
	ID            string
	SetExternalID bool
	ExternalID    *string
	Metadata      map[string]any
}

// Create adds a user to the viewer's company. A second user with the same external id is TAKEN.
func (s *Service) Create(ctx context.Context, in CreateInput) (*ent.User, error) {
	metadata := merge(nil, in.Metadata)
	if err := errors.Join(checkExternalID(in.ExternalID), checkMetadata(metadata)); err != nil {
		return nil, err
	}
	var row *ent.User
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		var err error
		row, err = s.Store.Client(ctx).User.Create().SetID(s.NewID(id.User)).SetNillableExternalID(in.ExternalID).
			SetMetadata(metadata).SetCreatedAt(now).SetUpdatedAt(now).Save(ctx)
		if err != nil {
			return taken(err, "create a user")
		}
		return s.record(ctx, audit.Created, row.ID)
	})
	return row, err
}

// Update changes a user.
func (s *Service) Update(ctx context.Context, in UpdateInput) (*ent.User, error) {
	if err := id.Check(id.User, in.ID, "input", "id"); err != nil {
		return nil, err
	}
	if err := checkExternalID(in.ExternalID); err != nil {
		return nil, err
	}
	var row *ent.User
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		before, err := s.get(ctx, in.ID, true)
		if err != nil {
			return err
		}
		metadata := merge(before.Metadata, in.Metadata)
		if err := checkMetadata(metadata); err != nil {
			return err
		}
		update := s.Store.Client(ctx).User.UpdateOneID(in.ID).SetMetadata(metadata).SetUpdatedAt(s.Now())
		if in.SetExternalID && in.ExternalID == nil {
			update.ClearExternalID()
		} else if in.SetExternalID {
			update.SetExternalID(*in.ExternalID)
		}
		if row, err = update.Save(ctx); err != nil {
			return taken(err, "update a user")
		}
		return s.record(ctx, audit.Updated, row.ID)
	})
	return row, err
}

// Delete removes a user with everything that is theirs, and returns what became of each credential at its provider. The
// use of all of them has ended when the user is gone, in one transaction; then they are revoked, which calls out.
func (s *Service) Delete(ctx context.Context, userID string) ([]credential.Revocation, error) {
	if err := id.Check(id.User, userID, "input", "id"); err != nil {
		return nil, err
	}
	if _, err := s.get(ctx, userID, false); err != nil {
		return nil, err
	}
	return s.Integrations.DisconnectAll(ctx, userID, func(ctx context.Context) error {
		n, err := s.Store.Client(ctx).User.Delete().Where(entuser.ID(userID)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("delete a user: %w", err)
		}
		if n == 0 {
			return missing()
		}
		if err := s.Integrations.Health.UserGone(ctx, userID); err != nil {
			return fmt.Errorf("end the streams of a user: %w", err)
		}
		return s.record(ctx, audit.Deleted, userID)
	})
}

// get returns the user; with lock, its row stays locked until the transaction ends, so that a merge loses nothing.
func (s *Service) get(ctx context.Context, userID string, lock bool) (*ent.User, error) {
	query := s.Store.Client(ctx).User.Query().Where(entuser.ID(userID))
	if lock && s.Store.Locks() {
		query.ForUpdate()
	}
	row, err := query.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, missing()
	}
	return row, err
}

func missing() error {
	return problem.New(problem.NotFound, "This user does not exist.").At("input", "id")
}

func (s *Service) record(ctx context.Context, t audit.Type, userID string) error {
	_, err := s.Audit.Append(ctx, audit.Event{Type: t, UserID: &userID, Details: column.Object{"kind": "user"}})
	return err
}

func taken(err error, doing string) error {
	if ent.IsConstraintError(err) {
		return problem.New(problem.Taken, "Another user of your company has this external id.").
			At("input", "externalId").Because(err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func checkExternalID(s *string) error {
	if s == nil {
		return nil
	}
	return problem.CheckLength("The external id", *s, 1, maxExternalID, "input", "externalId")
}

func merge(before column.Object, change map[string]any) column.Object {
	out := column.Object{}
	for k, v := range before {
		out[k] = v
	}
	for k, v := range change {
		if v == nil {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	return out
}

func checkMetadata(o column.Object) error {
	refuse := func(format string, args ...any) error {
		return problem.New(problem.Invalid, format, args...).At("input", "metadata")
	}
	if len(o) > maxMetadataKeys {
		return refuse("The metadata has %d keys; at most %d are allowed.", len(o), maxMetadataKeys)
	}
	for k := range o {
		if !metadataKey.MatchString(k) {
			return refuse("A metadata key has 1 to 64 letters, digits, dots, hyphens and underscores, and begins with a letter, digit or underscore.")
		}
	}
	if fault := checkValue(map[string]any(o), maxMetadataDepth); fault != "" {
		return refuse("%s", fault)
	}
	b, err := json.Marshal(o)
	switch {
	case err != nil:
		return refuse("The metadata is not JSON.")
	case len(b) > maxMetadataBytes:
		return refuse("The metadata has %d bytes as JSON; at most %d are allowed.", len(b), maxMetadataBytes)
	case strings.Contains(string(b), `\u0000`):
		return refuse("The metadata holds a NUL character, which cannot be stored.")
	}
	return nil
}

// checkValue says what keeps a value from being stored and read by either database; "" for nothing.
func checkValue(v any, depth int) (fault string) {
	if depth < 0 {
		return fmt.Sprintf("The metadata is nested more than %d levels deep.", maxMetadataDepth)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, one := range v {
			if fault = checkValue(one, depth-1); fault != "" {
				return fault
			}
		}
	case []any:
		for _, one := range v {
			if fault = checkValue(one, depth-1); fault != "" {
				return fault
			}
		}
	case json.Number:
		if _, err := v.Float64(); err != nil {
			return "The metadata holds a number that is too large."
		}
	}
	return ""
}
