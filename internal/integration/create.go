package integration

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/personality"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
)

// Visibility says who is served by an integration of the company, spelled as in the GraphQL enum of the same name.
type Visibility string

// Who can be served.
const (
	Private Visibility = "PRIVATE"
	Public  Visibility = "PUBLIC"
)

// CreateInput describes an integration that needs no consent page, or one whose consent is still to come.
type CreateInput struct {
	// UserID is nil for an integration of the company.
	UserID   *string
	Provider string
	// AuthKind is nil for the way that the config is meant for.
	AuthKind *string
	Name     string
	// Config may hold secrets in the properties that the provider's schema marks writeOnly.
	Config map[string]any
	// Secrets fill {{NAME}} placeholders in Config.
	Secrets       map[string]any
	Enabled       bool
	Visibility    Visibility
	PersonalityID *string
}

// Validate returns every fault that the input shows by itself, joined.
func (in CreateInput) Validate() error {
	faults := []error{checkName(in.Name), checkVisibility(in.Visibility)}
	if in.UserID != nil {
		faults = append(faults, id.Check(id.User, *in.UserID, "input", "userId"))
	}
	if in.PersonalityID != nil {
		faults = append(faults, id.Check(id.Personality, *in.PersonalityID, "input", "personalityId"))
	}
	return errors.Join(faults...)
}

// Created is a new integration.
type Created struct {
	Integration *ent.Integration
	// SigningSecret is the key that the provider's requests are signed with, shown this once; zero when they are not
	// signed.
	SigningSecret seal.Secret
}

// Create adds an integration that is ready as soon as its settings are complete. Nothing is sent to the provider. One
// that is connected by authorization stays INCOMPLETE until Connect, with its id, has been finished; unless its config
// brings what a person has allowed elsewhere, which is then proved at the provider.
func (s *Service) Create(ctx context.Context, in CreateInput) (*Created, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	p, err := s.providerNamed(in.Provider)
	if err != nil {
		return nil, err
	}
	if in.Config, err = s.described(ctx, p, in.Config); err != nil {
		return nil, err
	}
	kind, err := createdKind(p, in)
	if err != nil {
		return nil, err
	}
	given, err := s.settingsFor(p, kind, nil, in.Config, in.Secrets)
	if err != nil {
		return nil, err
	}
	if err := missingSecrets(given.missing); err != nil {
		return nil, err
	}
	owner, err := s.owner(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	if err := s.personalityExists(ctx, in.PersonalityID, "input", "personalityId"); err != nil {
		return nil, err
	}
	var signing seal.Secret
	if p.Sign != nil {
		signing = newSigningSecret()
	}
	made := creation{
		id: s.NewID(id.Integration), in: in, provider: p, kind: kind, owner: owner, given: given, signing: signing,
	}
	if given.pasted.IsZero() {
		err = s.create(ctx, made)
	} else {
		err = s.createRedeemed(ctx, made)
	}
	if err != nil {
		return nil, err
	}
	row, err := s.Get(ctx, made.id)
	return &Created{Integration: row, SigningSecret: signing}, err
}

// creation is an integration that is about to be created.
type creation struct {
	id       string
	in       CreateInput
	provider *provider.Provider
	kind     string
	owner    *string
	given    settings
	signing  seal.Secret
	brought  *grant // nil when nothing was pasted in place of a consent
}

// create stores an integration with all that belongs to it, or nothing.
func (s *Service) create(ctx context.Context, made creation) error {
	p, kind, owner, given, brought := made.provider, made.kind, made.owner, made.given, made.brought
	return s.Store.RetryTx(ctx, func(ctx context.Context) error {
		row, err := s.createRow(ctx, made)
		if err != nil {
			return err
		}
		save := credential.Grant{
			IntegrationID: row.ID, UserID: owner, Provider: p.Name, AuthKind: kind,
			Secrets: given.secrets, SigningKey: made.signing,
		}
		if brought != nil {
			if err := s.spare(ctx, brought); err != nil {
				return err
			}
			save.Config, save.Token = given.public, brought.token
			save.ClientID, save.Scopes = brought.wire.Client.ID, brought.scopes
		}
		switch {
		case brought != nil:
			err = s.keepCredential(ctx, save)
		case kind != provider.OAuth2 || len(given.secrets) > 0 || !made.signing.IsZero():
			_, err = s.Credentials.Save(ctx, save)
		}
		if err != nil {
			return err
		}
		if err := s.record(ctx, audit.Event{
			Type: audit.Created, UserID: owner, IntegrationID: &row.ID, PersonalityID: made.in.PersonalityID,
			Details: column.Object{"kind": "integration", "provider": p.Name, "authKind": kind},
		}); err != nil {
			return err
		}
		if brought != nil {
			if err := s.record(ctx, audit.Event{
				Type: audit.Connected, UserID: owner, IntegrationID: &row.ID, Details: brought.details(),
			}); err != nil {
				return err
			}
		}
		return s.Health.Created(ctx, row)
	})
}

// createRow writes the integration. One that is connected by authorization waits for it, unless brought has come already.
func (s *Service) createRow(ctx context.Context, made creation) (*ent.Integration, error) {
	in, p, given, brought := made.in, made.provider, made.given, made.brought
	now := s.Now()
	found, connectedAt := health.Finding{Reason: health.NotYetChecked}, &now
	create := s.Store.Client(ctx).Integration.Create()
	switch {
	case brought != nil:
		found = brought.finding()
		create.SetScopes(brought.scopes).
			SetNillableAccountID(optional(brought.account.ID)).SetNillableAccountName(optional(brought.account.Name))
	case made.kind == provider.OAuth2:
		found, connectedAt = health.Finding{Reason: health.NotConfigured}, nil
	}
	state := found.State(now)
	row, err := create.SetID(made.id).SetNillableUserID(made.owner).
		SetProvider(p.Name).SetAuthKind(made.kind).SetName(strings.TrimSpace(in.Name)).SetEnabled(in.Enabled).
		SetVisibility(string(in.Visibility)).SetNillablePersonalityID(in.PersonalityID).
		SetConfig(given.public).SetSecretNames(given.names).SetNillableConnectedAt(connectedAt).
		SetCreatedAt(now).SetUpdatedAt(now).
		SetHealthStatus(string(state.Status)).SetHealthReason(string(state.Reason)).
		SetNillableHealthMessage(optional(state.Message)).SetHealthAction(string(state.Action)).
		SetNillableHealthCheckedAt(state.CheckedAt).SetNillableStaleAt(s.Health.StaleAt(p.Name, state)).
		SetNillableNextProbeAt(s.Health.FirstProbe(p.Name, state)).Save(ctx)
	if err != nil {
		return nil, notCreated(err)
	}
	return row, nil
}

// notCreated says why a row was not written: what it belongs to may have gone since it was looked for.
func notCreated(err error) error {
	if ent.IsConstraintError(err) {
		return problem.New(problem.NotFound, "There is no such user.").At("input", "userId").Because(err)
	}
	return fmt.Errorf("create an integration: %w", err)
}

// createdKind returns the way to authenticate that is asked for. Without one it is the way that the config is meant
// for, by authorization only where there is no other; then the integration waits for its consent page.
func createdKind(p *provider.Provider, in CreateInput) (string, error) {
	offered := p.AuthKinds()
	static := slices.DeleteFunc(slices.Clone(offered), func(k string) bool { return k == provider.OAuth2 })
	switch {
	case in.AuthKind != nil && slices.Contains(offered, *in.AuthKind):
		return *in.AuthKind, nil
	case in.AuthKind != nil:
		return "", problem.New(problem.Invalid, "%s does not offer this; choose one of %s.", p.Title,
			strings.Join(offered, ", ")).At("input", "authKind")
	case len(static) == 0:
		return provider.OAuth2, nil
	}
	return p.KindFor(in.Config, static...), nil
}

// personalityExists refuses a personality that the viewer may not see. None is fine.
func (s *Service) personalityExists(ctx context.Context, personalityID *string, field ...string) error {
	if personalityID == nil {
		return nil
	}
	seen, err := s.Store.Client(ctx).Personality.Query().Where(personality.ID(*personalityID)).Exist(ctx)
	if err != nil {
		return fmt.Errorf("look for a personality: %w", err)
	}
	if !seen {
		return problem.New(problem.NotFound, "There is no such personality.").At(field...)
	}
	return nil
}

// record appends to the audit trail, in the caller's transaction.
func (s *Service) record(ctx context.Context, e audit.Event) error {
	_, err := s.Audit.Append(ctx, e)
	return err
}

func checkVisibility(v Visibility) error {
	if v == Private || v == Public {
		return nil
	}
	return problem.New(problem.Invalid, "The visibility is PRIVATE or PUBLIC.").At("input", "visibility")
}

// newSigningSecret returns 32 random bytes in hexadecimal: text that people can paste, used as it stands as the key.
func newSigningSecret() seal.Secret {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return seal.NewSecret(hex.EncodeToString(b[:]))
}
