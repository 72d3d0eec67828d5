// Package migrations holds the numbered SQL that brings a database from any version to this one. Both dialects have the
// same numbers and names. A file that has been released is never changed; `make migration NAME=x` writes the next.
package migrations

import "embed"

// FS has one folder for each dialect, sqlite and postgres.
//
//go:embed sqlite/*.sql postgres/*.sql
var FS embed.FS
