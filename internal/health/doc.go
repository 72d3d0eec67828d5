// Package health says what has been proved about an integration, and tells everybody who listens when that changes.
//
//	finding ──Report──▶ integrations (conditional update) ──▶ health_changes (seq, the ordered outbox) + audit event
//	                                                             │ commit wakes every replica
//	                                     one feed a company and process reads each change once
//	                                                             │ bounded buffers
//	                      Follow: snapshot, by pages ──▶ changes in order ──▶ GAP + snapshot when a buffer was full, or
//	                                                             a reader asks for what is no longer kept
//
// A transition compares (status, reason) and writes only if they differ, so fifty reporters of one change make one
// event. The numbers of the outbox are drawn at the very end of the transaction, under a lock on the company's
// sequence, so they become visible in their own order and a reader that goes by number misses none.
package health
