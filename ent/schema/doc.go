// Package schema has one file per table.
//
// Every table but companies carries company_id, and the Tenant mixin sees to it that no query or write leaves the
// viewer's company, or the viewer's own user when the viewer is one. Without a viewer everything is refused.
//
// Rules of the house: every unique index begins with company_id, except api_keys.hash and connect_attempts.state_hash,
// which are looked up before the company is known; audit_events, health_changes and credentials hold plain ids without
// foreign keys, because they outlive what they speak of; a list that pages does so by id, which is time-ordered; JSON
// columns are Go types of internal/column; times are set by the services from the injected clock, never by a default.
package schema
