package query

import (
	"context"
	"fmt"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/viewer"
)

// granted says whether the provider has granted what the capability needs.
func (a *asking) granted() error {
	if a.row.AuthKind != provider.OAuth2 || a.capability.Granted(a.row.Scopes) {
		return nil
	}
	e := problem.New(problem.MissingScopes, "%s was not granted what %s needs. Connect it again and allow it.",
		a.provider.Title, a.capability.Name)
	e.Scopes = a.capability.RequiredScopes()
	return e
}

// admit says whether this integration answers this question at all, and finds on whose behalf.
func (a *asking) admit(ctx context.Context) error {
	var ok bool
	if a.provider, ok = a.Catalog.Get(a.row.Provider); !ok {
		return problem.New(problem.Disabled, "The provider of this integration is no longer offered here.")
	}
	if err := a.findAsker(ctx); err != nil {
		return err
	}
	if a.in.PersonalityID != nil {
		decision, err := a.Integrations.AccessFor(ctx, a.row, *a.in.PersonalityID, "input", "personalityId")
		if err != nil {
			return err
		}
		if !decision.Allowed && decision.Rule != integration.NotEnabled {
			return problem.New(problem.AccessDenied, "This personality may not use the integration (%s).", decision.Rule).
				At("input", "personalityId")
		}
	}
	if !a.row.Enabled {
		return problem.New(problem.Disabled, "This integration is switched off.").At("input", "integrationId")
	}
	if integration.StatusOf(a.row) == integration.Incomplete {
		if a.row.AuthKind == provider.OAuth2 {
			return &problem.Error{
				Code: problem.ReauthorizationRequired, IntegrationID: a.row.ID,
				Message: "This integration has not been authorized yet. Connect it first.",
			}
		}
		return problem.New(problem.Disabled,
			"This integration is not complete: a setting or a secret is missing. Its health says which.").
			At("input", "integrationId")
	}
	return nil
}

// findAsker loads the user on whose behalf the question is asked. Nobody stands in for somebody else: an integration of
// a user serves that user, and a question for another one is refused.
func (a *asking) findAsker(ctx context.Context) error {
	v, _ := viewer.From(ctx)
	named := a.in.UserID
	switch {
	case a.row.UserID != nil && named != nil && *named != *a.row.UserID:
		return problem.New(problem.AccessDenied, "This integration serves another user alone.").At("input", "userId")
	case a.row.UserID != nil:
		named = a.row.UserID
	case named == nil && v.User != "":
		named = &v.User
	}
	if named == nil {
		return nil
	}
	user, err := a.Store.Client(ctx).User.Get(ctx, *named)
	if ent.IsNotFound(err) {
		return problem.New(problem.NotFound, "There is no such user.").At("input", "userId")
	}
	if err != nil {
		return fmt.Errorf("read the user of a question: %w", err)
	}
	a.asker = user
	return nil
}

// location is the zone in which the question's "tomorrow" is meant. Settings that name no zone are passed over.
func (a *asking) location() *time.Location {
	if a.in.Timezone != nil {
		if l, ok := zone(*a.in.Timezone); ok {
			return l
		}
	}
	if name, ok := a.row.Config["timezone"].(string); ok {
		if l, ok := zone(name); ok {
			return l
		}
	}
	if a.asker != nil {
		if name, ok := a.asker.Metadata["timezone"].(string); ok {
			if l, ok := zone(name); ok {
				return l
			}
		}
	}
	return time.UTC
}

// zone loads a zone by its IANA name. "Local" is none: it is another one on every machine.
func zone(name string) (*time.Location, bool) {
	if name == "" || name == "Local" {
		return nil, false
	}
	l, err := time.LoadLocation(name)
	return l, err == nil
}
