package integration

import (
	"context"
	"fmt"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/auditevent"
	"github.com/patchbay/patchbay/ent/connectattempt"
	entcredential "github.com/patchbay/patchbay/ent/credential"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/viewer"
)

// Incident says which credentials can no longer be trusted. What is zero matches everything; several narrow each other.
type Incident struct {
	Provider string
	Company  string // an id
	// Since matches what was connected, connected again or created then or later.
	Since time.Time
	// APIKey is the id of an API key, and matches what was connected, connected again or created through it.
	APIKey string
	// SealedBy is a key of the ring, and matches what it has sealed.
	SealedBy uint32
}

// IsZero reports whether the incident matches everything.
func (in Incident) IsZero() bool { return in == Incident{} }

// String returns the incident as it stands in the trail.
func (in Incident) String() string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+"="+value)
		}
	}
	add("provider", in.Provider)
	add("company", in.Company)
	if !in.Since.IsZero() {
		add("since", in.Since.Format(time.RFC3339))
	}
	add("key", in.APIKey)
	if in.SealedBy != 0 {
		add("key", fmt.Sprint(in.SealedBy))
	}
	return strings.Join(parts, " ")
}

// Affected is what an incident matches at one moment.
type Affected struct {
	Integrations []*ent.Integration
	// Ending are credentials whose integration is gone already and whose revocation is still to come.
	Ending []*ent.Credential
	// Attempts are connections that a person has begun and not finished.
	Attempts []*ent.ConnectAttempt
}

// Affected returns what an incident matches, of all companies. It is an operator's: it asks for no viewer.
func (s *Service) Affected(ctx context.Context, in Incident) (Affected, error) {
	ctx = viewer.System(ctx)
	db := s.Store.Client(ctx)
	var out Affected
	var err error
	out.Integrations, err = db.Integration.Query().Where(in.integrations).Order(integration.ByID()).All(ctx)
	if err != nil {
		return out, fmt.Errorf("look for integrations: %w", err)
	}
	out.Ending, err = db.Credential.Query().Where(in.ending).Order(entcredential.ByID()).All(ctx)
	if err != nil {
		return out, fmt.Errorf("look for credentials: %w", err)
	}
	if in.APIKey != "" { // who began an attempt is not recorded
		return out, nil
	}
	out.Attempts, err = db.ConnectAttempt.Query().Where(in.attempts).Order(connectattempt.ByID()).All(ctx)
	if err != nil {
		return out, fmt.Errorf("look for attempts to connect: %w", err)
	}
	return out, nil
}

func (in Incident) integrations(s *entsql.Selector) {
	in.owned(s)
	if !in.Since.IsZero() {
		connected := s.C(integration.FieldConnectedAt)
		s.Where(entsql.Or(entsql.GTE(connected, in.Since),
			entsql.And(entsql.IsNull(connected), entsql.GTE(s.C(integration.FieldCreatedAt), in.Since))))
	}
	if in.APIKey != "" {
		s.Where(entsql.In(s.C(integration.FieldID), in.throughKey(s)))
	}
	if in.SealedBy != 0 {
		held := entsql.Dialect(s.Dialect()).Select(entcredential.FieldIntegrationID).From(entsql.Table(entcredential.Table))
		held.Where(credential.SealedWith(held, entcredential.Table, in.SealedBy))
		s.Where(entsql.In(s.C(integration.FieldID), held))
	}
}

func (in Incident) ending(s *entsql.Selector) {
	in.owned(s)
	s.Where(entsql.EQ(s.C(entcredential.FieldState), credential.Ending))
	if !in.Since.IsZero() {
		s.Where(entsql.Or(entsql.GTE(s.C(entcredential.FieldCreatedAt), in.Since),
			entsql.GTE(s.C(entcredential.FieldEndingSince), in.Since)))
	}
	if in.APIKey != "" {
		s.Where(entsql.In(s.C(entcredential.FieldIntegrationID), in.throughKey(s)))
	}
	if in.SealedBy != 0 {
		s.Where(credential.SealedWith(s, entcredential.Table, in.SealedBy))
	}
}

func (in Incident) attempts(s *entsql.Selector) {
	in.owned(s)
	s.Where(entsql.EQ(s.C(connectattempt.FieldStatus), string(Pending)))
	if !in.Since.IsZero() {
		s.Where(entsql.GTE(s.C(connectattempt.FieldCreatedAt), in.Since))
	}
	if in.SealedBy != 0 {
		s.Where(credential.SealedWith(s, connectattempt.Table, in.SealedBy))
	}
}

// owned narrows to the company and the provider, which all three tables name alike.
func (in Incident) owned(s *entsql.Selector) {
	if in.Company != "" {
		s.Where(entsql.EQ(s.C(integration.FieldCompanyID), in.Company))
	}
	if in.Provider != "" {
		s.Where(entsql.EQ(s.C(integration.FieldProvider), in.Provider))
	}
}

// throughKey selects the integrations that the trail says were connected or created through the API key.
func (in Incident) throughKey(s *entsql.Selector) *entsql.Selector {
	trail := entsql.Dialect(s.Dialect()).Select(auditevent.FieldIntegrationID).From(entsql.Table(auditevent.Table))
	return trail.Where(entsql.And(entsql.EQ(trail.C(auditevent.FieldActor), in.APIKey),
		entsql.In(trail.C(auditevent.FieldEventType),
			string(audit.Connected), string(audit.Reconnected), string(audit.Created))))
}
