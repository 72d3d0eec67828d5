package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/personality"
	"github.com/patchbay/patchbay/ent/personalityaccess"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
)

// Rule is what decided, spelled as in the GraphQL enum AccessRule.
type Rule string

// What can decide.
const (
	ByDefault       Rule = "DEFAULT"
	Explicit        Rule = "EXPLICIT"
	ReservedForElse Rule = "RESERVED_FOR_OTHER_PERSONALITY"
	NotEnabled      Rule = "INTEGRATION_DISABLED"
)

// Decision is whether a personality may use an integration now, and why.
type Decision struct {
	Allowed bool
	Rule    Rule
}

// maxAccess is how many rules one call may set.
const maxAccess = 100

// PersonalityAccess is one rule to set; a nil Allowed removes it.
type PersonalityAccess struct {
	PersonalityID string
	Allowed       *bool
}

// SetPersonalityAccessInput says which personalities may use an integration. One that is not named keeps what it had.
type SetPersonalityAccessInput struct {
	IntegrationID string
	Access        []PersonalityAccess
}

// Validate returns every fault that the input shows by itself, joined.
func (in SetPersonalityAccessInput) Validate() error {
	faults := []error{id.Check(id.Integration, in.IntegrationID, "input", "integrationId")}
	if len(in.Access) > maxAccess {
		faults = append(faults,
			problem.New(problem.Invalid, "At most %d rules can be set at once.", maxAccess).At("input", "access"))
	}
	seen := map[string]bool{}
	for i, rule := range in.Access {
		field := []string{"input", "access", strconv.Itoa(i), "personalityId"}
		faults = append(faults, id.Check(id.Personality, rule.PersonalityID, field...))
		if seen[rule.PersonalityID] {
			faults = append(faults, problem.New(problem.Invalid, "This personality is named twice.").At(field...))
		}
		seen[rule.PersonalityID] = true
	}
	return errors.Join(faults...)
}

// SetPersonalityAccess sets and removes rules.
func (s *Service) SetPersonalityAccess(ctx context.Context, in SetPersonalityAccessInput) (*ent.Integration, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	named := make([]string, len(in.Access))
	for i, rule := range in.Access {
		named[i] = rule.PersonalityID
	}
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		row, err := s.locked(ctx, in.IntegrationID, "input", "integrationId")
		if err != nil || len(in.Access) == 0 {
			return err
		}
		if err := s.allExist(ctx, named); err != nil {
			return err
		}
		if _, err := s.Store.Client(ctx).PersonalityAccess.Delete().Where(
			personalityaccess.IntegrationID(row.ID), personalityaccess.PersonalityIDIn(named...)).Exec(ctx); err != nil {
			return fmt.Errorf("clear rules of access: %w", err)
		}
		details := column.Object{}
		var rules []*ent.PersonalityAccessCreate
		for _, rule := range in.Access {
			details[rule.PersonalityID] = nil
			if rule.Allowed != nil {
				details[rule.PersonalityID] = *rule.Allowed
				rules = append(rules, s.Store.Client(ctx).PersonalityAccess.Create().SetID(s.NewID(id.Access)).
					SetIntegrationID(row.ID).SetPersonalityID(rule.PersonalityID).SetAllowed(*rule.Allowed))
			}
		}
		if err := s.Store.Client(ctx).PersonalityAccess.CreateBulk(rules...).Exec(ctx); err != nil {
			return fmt.Errorf("write rules of access: %w", err)
		}
		return s.record(ctx, audit.Event{
			Type: audit.AccessChanged, UserID: row.UserID, IntegrationID: &row.ID, Details: column.Object{"allowed": details},
		})
	})
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, in.IntegrationID, "input", "integrationId")
}

// allExist refuses the first of the personalities that the viewer may not see.
func (s *Service) allExist(ctx context.Context, named []string) error {
	found, err := s.Store.Client(ctx).Personality.Query().Where(personality.IDIn(named...)).IDs(ctx)
	if err != nil {
		return fmt.Errorf("look for personalities: %w", err)
	}
	for i, one := range named {
		if !slices.Contains(found, one) {
			return problem.New(problem.NotFound, "There is no such personality.").
				At("input", "access", strconv.Itoa(i), "personalityId")
		}
	}
	return nil
}

// AccessFor decides whether a personality may use an integration. It costs one statement, or two when neither the
// integration's access edge is loaded nor a rule found.
func (s *Service) AccessFor(
	ctx context.Context, row *ent.Integration, personalityID string, field ...string,
) (Decision, error) {
	if err := id.Check(id.Personality, personalityID, field...); err != nil {
		return Decision{}, err
	}
	rules, err := row.Edges.AccessOrErr()
	if err != nil { // not loaded
		rules, err = s.Store.Client(ctx).PersonalityAccess.Query().Where(
			personalityaccess.IntegrationID(row.ID), personalityaccess.PersonalityID(personalityID)).All(ctx)
		if err != nil {
			return Decision{}, fmt.Errorf("read the rules of access: %w", err)
		}
	}
	decision := Decide(row, rules, personalityID)
	if decision.Rule != Explicit { // a rule has proved that the personality exists
		if err := s.personalityExists(ctx, &personalityID, field...); err != nil {
			return Decision{}, err
		}
	}
	return decision, nil
}

// Decide applies the rules of one integration: a disabled integration serves nobody, one reserved for a personality
// serves no other, an explicit rule decides the rest, and without one the personality may.
func Decide(row *ent.Integration, rules []*ent.PersonalityAccess, personalityID string) Decision {
	switch {
	case !row.Enabled:
		return Decision{false, NotEnabled}
	case row.PersonalityID != nil && *row.PersonalityID != personalityID:
		return Decision{false, ReservedForElse}
	}
	for _, rule := range rules {
		if rule.PersonalityID == personalityID {
			return Decision{rule.Allowed, Explicit}
		}
	}
	return Decision{true, ByDefault}
}
