// Package personality keeps the AI personas that talk with users.
package personality

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
)

// Lengths that a personality may have, in characters.
const (
	maxName        = 200
	maxDescription = 10_000
)

// Service creates personalities.
type Service struct {
	Store *store.Store
	Audit *audit.Service
	Now   func() time.Time
	NewID func(id.Kind) string
}

// CreateInput describes a personality.
type CreateInput struct {
	Name        string
	Description string
}

// Validate returns every fault of the input, joined.
func (in CreateInput) Validate() error {
	return errors.Join(
		problem.CheckLength("The name", in.Name, 1, maxName, "input", "name"),
		problem.CheckLength("The description", in.Description, 0, maxDescription, "input", "description"),
	)
}

// Create adds a personality to the viewer's company.
func (s *Service) Create(ctx context.Context, in CreateInput) (*ent.Personality, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	var row *ent.Personality
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		var err error
		now := s.Now()
		row, err = s.Store.Client(ctx).Personality.Create().SetID(s.NewID(id.Personality)).
			SetName(strings.TrimSpace(in.Name)).SetDescription(in.Description).
			SetCreatedAt(now).SetUpdatedAt(now).Save(ctx)
		if err != nil {
			return fmt.Errorf("create a personality: %w", err)
		}
		_, err = s.Audit.Append(ctx, audit.Event{
			Type: audit.Created, PersonalityID: &row.ID, Details: column.Object{"kind": "personality"},
		})
		return err
	})
	return row, err
}
