// Package app builds Patchbay from its settings and runs it. Tests build the same thing.
//
//	Main ──parse──▶ command (dev, serve, migrate, apikey, keys, revoke, providers, schema, version)
//	dev, serve ──▶ Open: store ─ access ─ audit ─ health ─ credential ─ integration ─ query ─ graph ─ server
//	               Run:  HTTP server, jobs, sandbox, until the context ends; then drain and close in reverse
package app
