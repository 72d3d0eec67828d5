package read

import (
	"context"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/internal/column"
)

var integrations = table[model.Integration]{
	name:  "integrations",
	scope: scope{company: "company_id", user: "user_id"},
	columns: []stored[model.Integration]{
		{"id", nil, func(_ *Reader, i *model.Integration) any { return &i.ID }},
		{"user_id", fieldsOf("user"), func(_ *Reader, i *model.Integration) any { return &i.UserID }},
		{"personality_id", fieldsOf("personality accessFor"), func(_ *Reader, i *model.Integration) any {
			return &i.PersonalityID
		}},
		{"provider", fieldsOf("provider capabilities"), func(r *Reader, i *model.Integration) any {
			return &named{providers: r.Providers, into: &i.Provider}
		}},
		{"auth_kind", fieldsOf("authKind capabilities"), func(_ *Reader, i *model.Integration) any { return &i.AuthKind }},
		{"name", fieldsOf("name"), func(_ *Reader, i *model.Integration) any { return &i.Name }},
		{"enabled", fieldsOf("enabled accessFor"), func(_ *Reader, i *model.Integration) any { return &i.Enabled }},
		{"visibility", fieldsOf("visibility"), func(_ *Reader, i *model.Integration) any { return &i.Visibility }},
		{"scopes", fieldsOf("scopes capabilities"), func(_ *Reader, i *model.Integration) any {
			return (*column.Strings)(&i.Scopes)
		}},
		{"account_id", fieldsOf("account"), func(_ *Reader, i *model.Integration) any { return &i.AccountID }},
		{"account_name", fieldsOf("account"), func(_ *Reader, i *model.Integration) any { return &i.AccountName }},
		{"config", fieldsOf("config capabilities"), func(_ *Reader, i *model.Integration) any {
			return (*column.Object)(&i.Config)
		}},
		{"secret_names", fieldsOf("secretNames"), func(_ *Reader, i *model.Integration) any {
			return (*column.Strings)(&i.SecretNames)
		}},
		{"connected_at", fieldsOf("connectedAt"), func(_ *Reader, i *model.Integration) any { return &i.ConnectedAt }},
		{"last_used_at", fieldsOf("lastUsedAt"), func(_ *Reader, i *model.Integration) any { return &i.LastUsedAt }},
		{"created_at", fieldsOf("createdAt"), func(_ *Reader, i *model.Integration) any { return &i.CreatedAt }},
		{"updated_at", fieldsOf("updatedAt"), func(_ *Reader, i *model.Integration) any { return &i.UpdatedAt }},
		{"health_status", fieldsOf("status health"), func(_ *Reader, i *model.Integration) any { return &i.State.Status }},
		{"health_reason", fieldsOf("status health"), func(_ *Reader, i *model.Integration) any { return &i.State.Reason }},
		{"health_message", fieldsOf("health"), func(_ *Reader, i *model.Integration) any { return &i.State.Message }},
		{"health_action", fieldsOf("health"), func(_ *Reader, i *model.Integration) any { return &i.State.Action }},
		{"health_checked_at", fieldsOf("health"), func(_ *Reader, i *model.Integration) any { return &i.State.CheckedAt }},
		{"last_succeeded_at", fieldsOf("health"), func(_ *Reader, i *model.Integration) any {
			return &i.State.LastSucceededAt
		}},
		{"token_expires_at", fieldsOf("health"), func(_ *Reader, i *model.Integration) any {
			return &i.State.TokenExpiresAt
		}},
		{"stale_at", fieldsOf("health"), func(_ *Reader, i *model.Integration) any { return &i.State.StaleAt }},
	},
}

// Integrations returns the integrations of the company that match a filter; nil matches all.
func (r *Reader) Integrations(f *model.IntegrationFilter) *List[model.Integration] {
	l := &List[model.Integration]{table: &integrations, reader: r}
	if f == nil {
		return l
	}
	l.where = func(s *statement) {
		if isGiven(f.Providers) {
			s.add(" AND t.provider")
			s.in(f.Providers.Value())
		}
		if isGiven(f.Statuses) { // derived from health, as model.Integration.Status does
			s.add(" AND CASE WHEN t.health_reason = 'NOT_CONFIGURED' THEN 'INCOMPLETE'" +
				" WHEN t.health_status IN ('DISCONNECTED', 'EXPIRED') THEN t.health_status ELSE 'CONNECTED' END")
			s.in(texts(f.Statuses.Value()))
		}
		if isGiven(f.HealthStatuses) {
			s.add(" AND t.health_status")
			s.in(texts(f.HealthStatuses.Value()))
		}
		if enabled := f.Enabled.Value(); enabled != nil {
			s.add(" AND t.enabled = ?", *enabled)
		}
		if visibility := f.Visibility.Value(); visibility != nil {
			s.add(" AND t.visibility = ?", string(*visibility))
		}
		if owner := f.Owner.Value(); owner != nil {
			if *owner == model.IntegrationOwnerUser {
				s.add(" AND t.user_id IS NOT NULL")
			} else {
				s.add(" AND t.user_id IS NULL")
			}
		}
	}
	return l
}

// UserIntegrations returns what Integrations does, for each of many users.
func (r *Reader) UserIntegrations(f *model.IntegrationFilter) *List[model.Integration] {
	l := r.Integrations(f)
	l.link = "user_id"
	return l
}

// IntegrationsByID reads integrations by their ids.
func (r *Reader) IntegrationsByID(ctx context.Context, ids []string, fields Fields) ([]*model.Integration, error) {
	return integrations.byID(ctx, r, ids, fields)
}
