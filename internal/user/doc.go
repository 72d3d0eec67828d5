// Package user keeps the people who talk with personalities.
//
// Deleting a user ends every credential first: stop using, revoke at the provider, destroy, and only then is the user
// gone; what could not be revoked yet is retried in the background and reported.
package user
