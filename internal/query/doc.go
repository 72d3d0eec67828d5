// Package query turns a plain question, or a call of a capability by its name, into one request to one provider and
// answers with typed results.
//
//	Ask ──▶ may this viewer, is it enabled, may this personality, on whose behalf, in which time zone
//	    ──▶ question.Choose, question.Read ──▶ provider.Input ──▶ request     (a dry run stops here)
//	    ──▶ credential.Do ──▶ Map ──▶ next page … until there is enough       (network, never inside a transaction)
//	                           └──▶ each item by itself, four at a time, where the answer only names them
//	    ──▶ one transaction: audit, usage, lastUsedAt, health; what fails is audited too
//
//	Invoke ──▶ the same admission ──▶ the arguments fit the schema ──▶ the key is claimed
//	       ──▶ the same from credential.Do on
//
// A read, or a write that says so, may be sent twice. Any other write is sent again only when it certainly was not
// done; when it may have been, that is what the answer and its key's row say. The row is there before anything is sent:
//
//	(none) ──claim──▶ running ──▶ succeeded: a repeat is a replay       │ certainly not done: no row
//	                     │   └──▶ failed: a repeat fails in the same way
//	                     └──▶ unknown, or running for over a minute: a repeat is refused, unless it does no harm
//
// Nothing that came back is stored.
package query
