package access

import (
	"context"
	"fmt"
	"strings"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/company"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/viewer"
)

// CreateCompany adds a tenant. Only an operator does so, from the command line.
func (s *Service) CreateCompany(ctx context.Context, name string) (*ent.Company, error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > maxName {
		return nil, problem.New(problem.Invalid, "A company needs a name of at most %d bytes.", maxName)
	}
	ctx = viewer.System(ctx)
	var row *ent.Company
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		var err error
		client := s.Store.Client(ctx)
		row, err = client.Company.Create().SetID(s.NewID(id.Company)).SetName(name).SetCreatedAt(s.Now()).Save(ctx)
		if err != nil {
			return fmt.Errorf("create a company: %w", err)
		}
		if err := client.CompanySequence.Create().SetID(row.ID).Exec(ctx); err != nil {
			return fmt.Errorf("create a company's sequence: %w", err)
		}
		return nil
	})
	return row, err
}

// Company returns the tenant with this name or id; the error is NOT_FOUND when there is none and AMBIGUOUS when several
// share the name.
func (s *Service) Company(ctx context.Context, nameOrID string) (*ent.Company, error) {
	ctx = viewer.System(ctx)
	row, err := s.Store.Client(ctx).Company.Query().
		Where(company.Or(company.ID(nameOrID), company.Name(nameOrID))).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil, problem.New(problem.NotFound, "There is no company %q.", nameOrID)
	case ent.IsNotSingular(err):
		return nil, problem.New(problem.Ambiguous, "Several companies are named %q: give the id.", nameOrID)
	}
	return row, err
}
