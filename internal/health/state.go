package health

import (
	"time"

	"github.com/patchbay/patchbay/ent"
)

// Status is the summary that a dashboard shows, spelled as in the GraphQL enum HealthStatus.
type Status string

// What an integration can be.
const (
	Healthy      Status = "HEALTHY"
	Degraded     Status = "DEGRADED"
	Disconnected Status = "DISCONNECTED"
	Expired      Status = "EXPIRED"
)

// Reason is why, in one machine-readable word, spelled as in the GraphQL enum HealthReason.
type Reason string

// Why an integration is what it is.
const (
	OK                  Reason = "OK"
	NotConfigured       Reason = "NOT_CONFIGURED"
	NotYetChecked       Reason = "NOT_YET_CHECKED"
	Stale               Reason = "STALE"
	ProviderUnreachable Reason = "PROVIDER_UNREACHABLE"
	ProviderError       Reason = "PROVIDER_ERROR"
	RateLimited         Reason = "RATE_LIMITED"
	ScopesMissing       Reason = "SCOPES_MISSING"
	CredentialRejected  Reason = "CREDENTIAL_REJECTED"
	CredentialRevoked   Reason = "CREDENTIAL_REVOKED"
	RefreshRejected     Reason = "REFRESH_REJECTED"
	TokenExpired        Reason = "TOKEN_EXPIRED"
	SecretUnreadable    Reason = "SECRET_UNREADABLE"
)

// Action is what somebody has to do to mend it, spelled as in the GraphQL enum HealthAction.
type Action string

// What can be done.
const (
	None         Action = "NONE"
	Wait         Action = "WAIT"
	Reconnect    Action = "RECONNECT"
	GrantScopes  Action = "GRANT_SCOPES"
	UpdateConfig Action = "UPDATE_CONFIG"
	ContactAdmin Action = "CONTACT_ADMIN"
)

// verdict is what a reason means when the finding says nothing else.
type verdict struct {
	status  Status
	action  Action
	message string
}

var verdicts = map[Reason]verdict{
	OK:                  {Healthy, None, ""},
	NotConfigured:       {Disconnected, Reconnect, "The connection is not finished: the authorization or a needed setting is missing."},
	NotYetChecked:       {Degraded, Wait, "Nothing has been asked of the provider yet, so nothing is proved."},
	Stale:               {Degraded, Wait, "It worked when it was last checked, and nothing has proved it since."},
	ProviderUnreachable: {Degraded, Wait, "The provider could not be reached."},
	ProviderError:       {Degraded, Wait, "The provider answered with an error."},
	RateLimited:         {Degraded, Wait, "The provider asks to slow down."},
	ScopesMissing:       {Degraded, GrantScopes, "The person granted less than what is needed. Connect again and allow everything that is asked for."},
	CredentialRejected:  {Disconnected, Reconnect, "The provider refuses the credential. Connect again."},
	CredentialRevoked:   {Disconnected, Reconnect, "Access was revoked at the provider. Connect again."},
	RefreshRejected:     {Expired, Reconnect, "The access ended and the provider refuses to renew it. Connect again."},
	TokenExpired:        {Expired, Reconnect, "The access ended and cannot be renewed. Connect again."},
	SecretUnreadable: {
		Disconnected, ContactAdmin,
		"The stored credential cannot be opened with the present keys. An administrator has to restore the key, or the person connects again.",
	},
}

// Definitive reports whether the reason needs somebody to act: waiting will not mend it.
func (r Reason) Definitive() bool {
	s := verdicts[r].status
	return s == Disconnected || s == Expired
}

// needsSomebody reports whether what the reason means by itself will not be mended by waiting.
func (r Reason) needsSomebody() bool {
	a := verdicts[r].action
	return a != None && a != Wait
}

// State is the whole health of an integration at one moment. Absent times are nil.
type State struct {
	Status  Status `json:"status"`
	Reason  Reason `json:"reason"`
	Message string `json:"message,omitempty"`
	Action  Action `json:"nextAction"`
	// CheckedAt is when the state was last proved, by a probe or by use.
	CheckedAt *time.Time `json:"checkedAt,omitempty"`
	// LastSucceededAt is when a question was last answered.
	LastSucceededAt *time.Time `json:"lastSucceededAt,omitempty"`
	TokenExpiresAt  *time.Time `json:"tokenExpiresAt,omitempty"`
	// StaleAt is when a healthy state turns stale unless it is proved again; nil for every other state.
	StaleAt *time.Time `json:"staleAt,omitempty"`
}

// Of returns the health that a row holds.
func Of(row *ent.Integration) State {
	s := State{
		Status: Status(row.HealthStatus), Reason: Reason(row.HealthReason), Action: Action(row.HealthAction),
		CheckedAt: row.HealthCheckedAt, LastSucceededAt: row.LastSucceededAt, TokenExpiresAt: row.TokenExpiresAt,
		StaleAt: row.StaleAt,
	}
	if row.HealthMessage != nil {
		s.Message = *row.HealthMessage
	}
	return s
}

// Finding is what somebody has learned about an integration. Message and Action override what the reason means by
// itself; they are written for the person who must act.
type Finding struct {
	Reason  Reason
	Message string
	Action  Action
	// Revision is that of the integration which it was learned about, or Present. What was learned about an earlier one
	// than is there says nothing, and is left out.
	Revision int64
}

// Present stands for whichever revision an integration is at: for what is decided, or is held while it is recorded.
const Present int64 = 0

// passing reports whether the finding is a trouble of the provider that passes by itself.
func (f Finding) passing() bool {
	switch f.Reason {
	case ProviderUnreachable, ProviderError, RateLimited:
		return f.Action == "" || f.Action == Wait
	}
	return false
}

// State returns the finding as a state proved at the given time. What was not asked of the provider has no such time.
func (f Finding) State(at time.Time) State {
	v := verdicts[f.Reason]
	s := State{Status: v.status, Reason: f.Reason, Message: v.message, Action: v.action}
	if f.Reason != NotYetChecked && f.Reason != NotConfigured {
		s.CheckedAt = &at
	}
	if f.Message != "" {
		s.Message = f.Message
	}
	if f.Action != "" {
		s.Action = f.Action
	}
	return s
}
