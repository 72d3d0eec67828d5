// Package health says what has been proved about an integration, and tells everybody who listens when that changes.
//
//	finding ──Report──▶ integrations (conditional update) ──▶ health_changes (seq, the ordered outbox) + audit event
//	                                                             │ commit wakes every replica
//	                                     one feed a company and process reads each change once
//	                                                             │ bounded buffers
//	                      Follow: snapshot, by pages ──▶ changes in order ──▶ GAP + snapshot when a buffer was full, or
//	                                                             a reader asks for what is no longer kept
//
// What runs by itself: ProbeDue asks the providers, AgeDue calls green stale that nothing has proved again, Prune shortens
// the outbox, and WatchProviders finds the provider that fails for most at once. Then the fault is its own, and the
// transitions that its failures would cause, one for each integration, are held: the failures are counted and the
// states stay as they were last proved. What is definitive about one credential is not held, nor is a recovery, and a state
// that nothing has proved for too long turns stale all the same: a hold must not keep green alive. One row for each company
// that has the provider says that it is ill (provider_illnesses); making the row and deleting it is what happens once,
// in one transaction with an audit event HEALTH_CHANGED that names the provider and no integration. The stream of health
// is about integrations, of which none has changed, so it stays silent. The count is taken from the integrations
// themselves, so all replicas agree on it and none has to be told.
//
// A transition compares (status, reason) and writes only if they differ, so fifty reporters of one change make one
// event. The numbers of the outbox are drawn at the very end of the transaction, under a lock on the company's
// sequence, so they become visible in their own order and a reader that goes by number misses none.
package health
