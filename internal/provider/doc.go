// Package provider knows what services can be connected. Each is described by one manifest; this package decodes it
// strictly, compiles it once, renders requests, reads answers and classifies errors. It is pure: it opens no
// connection and no database, and it knows no vendor's name.
//
//	*.yaml ──Load──▶ Catalog ──Get──▶ Provider
//	Input ──Capability.Request──▶ Request ──Provider.Authenticate, an HTTP client──▶ Response
//	Response ──Provider.Classify──▶ Verdict: ok ──Capability.Map──▶ Page of Results
//	a two-step read: Page.Items ──Each.Request, Each.Map──▶ Results, once for each item
//
// Expressions in manifests are jq. They come from whoever operates Patchbay, never from its customers, since the jq
// engine has a time limit but no memory limit; guard.go refuses what could make an expression grow without bounds.
// Customers configure placeholders and properties, whose size and depth are bounded.
package provider
