// Package patchbay holds the contract that everything else keeps.
package patchbay

import _ "embed"

// Schema is schema.graphql: every type, field, argument and value, with its description.
//
//go:embed schema.graphql
var Schema string
