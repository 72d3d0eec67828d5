// Package access turns what a caller presents into a viewer.
//
//	Authorization: Bearer pb_… ──SHA-256──▶ api_keys.hash ──▶ viewer (company, scopes, actor) in the context
//
//	revocation ──────────────────▶ ends every context that the key has opened, on every replica
//
// A key is 32 random bytes; only its SHA-256 is stored, so there is nothing to open and nothing to rotate but the key.
package access
