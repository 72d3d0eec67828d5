// Package credential keeps every integration's secrets: it is the only room that opens them, and it keeps the tokens
// among them fresh without ever losing one.
//
//	Do ─▶ read the row ─▶ about to end? renew ─▶ send ─▶ refused? adopt, or renew ─▶ send once more
//
// One renewal is one flight in this process, and one lease across all of them:
//
//	lease (proves that the store can be written) ─▶ spend the refresh token ─▶ store WHERE generation = g
//	   │ held by another: wait and adopt                │ rejected: adopt, or expired
//	   │ renewed while it is needed                     └ anything else: back off, nothing ends
//	   └ over, unreleased and unmoved: tried once the access has ended, and said
//
// A generation counts the writes of tokens. Whoever stores names the generation that he replaces, so an older token
// never replaces a newer one. Ending raises it too: it beats a renewal under way, whose tokens are then given back.
//
//	active ──renewed──▶ active        expired: needs the person; the row is kept
//	active ──refused──▶ expired       ending: used for nothing but its revocation
//	any ──MarkEnding──▶ ending ──Revoke──▶ no row
//
// No network call happens inside a transaction, and a call outlives the request that caused it.
package credential
