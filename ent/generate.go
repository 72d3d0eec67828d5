// Package ent is made from ent/schema; only schema/, migrate/migrations/ and this file are written by hand.
package ent

//go:generate go tool entgo.io/ent/cmd/ent generate ./schema --feature intercept,sql/upsert,sql/lock,sql/modifier,sql/execquery,sql/versioned-migration
