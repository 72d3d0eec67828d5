// Package catalog holds the manifests that Patchbay brings along: one YAML file for each provider, its fixtures beside
// it. To add a provider, add a file; see docs/adding-a-provider.md.
package catalog

import "embed"

// FS holds the manifests and their fixtures at its top.
//
//go:embed *.yaml
var FS embed.FS
