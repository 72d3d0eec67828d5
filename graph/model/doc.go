// Package model holds the Go types of the schema. models_gen.go is made by gqlgen; the types in the other files are
// rows, written by hand because they hold more than they show: ids that loaders follow, and pages that were read ahead.
package model
