// Package query turns a plain question into one request to one provider and answers with typed results.
//
//	Ask ──▶ may this viewer, is it enabled, may this personality, on whose behalf, in which time zone
//	    ──▶ question.Choose, question.Read ──▶ provider.Input ──▶ request     (a dry run stops here)
//	    ──▶ credential.Do ──▶ Map ──▶ next page … until there is enough       (network, never inside a transaction)
//	                           └──▶ each item by itself, four at a time, where the answer only names them
//	    ──▶ one transaction: audit, usage, lastUsedAt, health; what fails is audited too
//
// Nothing that came back is stored.
package query
