// Package graph answers the schema. A resolver is a translation: it reads arguments, calls one method of a service or
// of graph/read, and builds the payload.
//
//	server ── gqlgen (graph/generated) ── resolvers, one file per noun ──┬── services: what changes something
//	                                          │                         └── graph/read: what is only read
//	                                       loaders (one bundle a response, or a stream's event)
//
// A read looks ahead at its own selection and reads every nested page in one statement a level; what it does not look
// ahead at is read by loaders, which gather a level's keys for a millisecond. Errors pass through one table, in
// problem.go.
package graph
