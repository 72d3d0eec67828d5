// Package store opens the database, brings its schema up to date, runs transactions and wakes listeners.
//
//	Open(URL) ── sqlite:PATH ──── writers (1) ─┐
//	        │                 └── readers (8) ─┤
//	        └── postgres://… ──── pool ────────┴── statement cache, counter ── ent.Client
//
//	InTx(ctx, fn) ── begin ── fn(ctx with the transaction) ── commit ── AfterCommit hooks
//	                               │
//	            Client(ctx), SQL(ctx), Notify(ctx) take part in it
//
// Code that reads or writes asks for Client(ctx) each time and never keeps a client: whether it runs inside a
// transaction is the caller's decision. No network call belongs inside one; InTransaction tells the door out.
//
// A Notify only wakes: whoever is woken reads what changed from its table. So nothing is lost when a connection is,
// and a Subscription that has been cut off is woken with the word to look at everything.
package store
