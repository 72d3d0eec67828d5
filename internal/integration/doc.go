// Package integration connects providers for users and for companies, and looks after what is connected.
//
//	Connect ──▶ connect_attempts (state as SHA-256, sealed verifier, 10 minutes) ──▶ vendor's consent page
//	   │                └── without the caller's redirect URL: Start ──▶ Proceed (binds the browser) ──▶ Finish
//	Callback ──▶ take the state, once, in one statement
//	   ──▶ exchange ──▶ scopes that were granted ──▶ whose account        (network, never inside a transaction)
//	   ──▶ one transaction: integration, credential, attempt SUCCEEDED, audit, health
//	   ──▶ whatever fails: attempt FAILED, audit CONNECT_FAILED, and a token that was already issued is given back
//
//	Create, Update ──▶ settings checked against the manifest, secrets sealed, never shown again
//	Disconnect     ──▶ one transaction stops the use; then the credential is revoked at the vendor
//
// Less may be granted than was asked for. A capability without its scope is off; without a scope that the provider
// cannot do without, or with no capability left, the integration is connected all the same and DEGRADED with
// SCOPES_MISSING, so that the person is asked for the rest rather than for everything again.
//
// The same user who connects the same account of a provider again connects the same integration again: there is one
// integration for each owner, provider and account. To replace the account of an integration, name the integration and
// accept the other account.
package integration
