package model

import (
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/graph/page"
)

// Integration is a row of integrations. A look-ahead may have read only the columns that the selection needs.
type Integration struct {
	ID            string
	UserID        *string
	PersonalityID *string
	Name          string
	Provider      *Provider
	AuthKind      AuthKind
	Enabled       bool
	Visibility    Visibility
	Scopes        []string
	AccountID     *string
	AccountName   *string
	Config        map[string]any
	SecretNames   []string
	ConnectedAt   *time.Time
	LastUsedAt    *time.Time
	CreatedAt     time.Time
	UpdatedAt     time.Time
	State         Health

	// AuditEvents and HealthHistory are the pages that a look-ahead has read.
	AuditEvents   Pages[*AuditEventConnection]
	HealthHistory Pages[*IntegrationHealthChangeConnection]
}

// Health is what a row says about its health.
type Health struct {
	Status          HealthStatus
	Reason          HealthReason
	Message         *string
	Action          HealthAction
	CheckedAt       *time.Time
	LastSucceededAt *time.Time
	TokenExpiresAt  *time.Time
	StaleAt         *time.Time
}

// IntegrationConnection and IntegrationEdge page integrations.
type (
	IntegrationConnection = page.Connection[*Integration]
	IntegrationEdge       = page.Edge[*Integration]
)

// IntegrationOf returns what a service has answered with.
func IntegrationOf(row *ent.Integration, providers Providers) *Integration {
	return &Integration{
		ID: row.ID, UserID: row.UserID, PersonalityID: row.PersonalityID, Name: row.Name,
		Provider: providers.Named(row.Provider), AuthKind: AuthKind(row.AuthKind), Enabled: row.Enabled,
		Visibility: Visibility(row.Visibility), Scopes: row.Scopes, AccountID: row.AccountID, AccountName: row.AccountName,
		Config: row.Config, SecretNames: row.SecretNames, ConnectedAt: row.ConnectedAt, LastUsedAt: row.LastUsedAt,
		CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt,
		State: Health{
			Status: HealthStatus(row.HealthStatus), Reason: HealthReason(row.HealthReason), Message: row.HealthMessage,
			Action: HealthAction(row.HealthAction), CheckedAt: row.HealthCheckedAt, LastSucceededAt: row.LastSucceededAt,
			TokenExpiresAt: row.TokenExpiresAt, StaleAt: row.StaleAt,
		},
	}
}

// IsNode marks a Node.
func (*Integration) IsNode() {}

// Key returns the id.
func (i *Integration) Key() string { return i.ID }

// Status says whether it can be used; it follows from health.
func (i *Integration) Status() IntegrationStatus {
	switch {
	case i.State.Reason == HealthReasonNotConfigured:
		return IntegrationStatusIncomplete
	case i.State.Status == HealthStatusDisconnected:
		return IntegrationStatusDisconnected
	case i.State.Status == HealthStatusExpired:
		return IntegrationStatusExpired
	default:
		return IntegrationStatusConnected
	}
}

// Account returns the account at the provider, or nil when it is not known.
func (i *Integration) Account() *ProviderAccount {
	if i.AccountID == nil {
		return nil
	}
	return &ProviderAccount{ID: *i.AccountID, DisplayName: i.AccountName}
}

// Health returns whether it works.
func (i *Integration) Health() *IntegrationHealth { return i.State.Shown() }

// Shown returns the health as the schema shows it.
func (h Health) Shown() *IntegrationHealth {
	return &IntegrationHealth{
		Status: h.Status, Reason: h.Reason, Message: h.Message, NextAction: h.Action, CheckedAt: h.CheckedAt,
		LastSuccessfulQueryAt: h.LastSucceededAt, TokenExpiresAt: h.TokenExpiresAt, StaleAt: h.StaleAt,
	}
}

// Capabilities returns what it can do with the scopes that were granted.
func (i *Integration) Capabilities() []*Capability {
	var granted []string
	if i.AuthKind == AuthKindOauth2 {
		granted = append([]string{}, i.Scopes...)
	}
	return i.Provider.capabilitiesFor(i.Config, granted)
}
