// Package server is the edge: HTTP in, gqlgen's executor behind it.
//
//	request ─▶ id ─▶ log ─▶ recover ─▶ headers, CORS ─▶ route
//	  POST /graphql ─▶ authenticate ─▶ read ≤ 256 KiB ─▶ limits ─▶ parse, validate ─▶ limits, cost ─▶ run
//	                        │ Accept: application/json, application/graphql-response+json ─▶ one answer
//	                        └ Accept: text/event-stream ─▶ events (graphql-sse, distinct connections)
//	  GET /graphql, Upgrade ─▶ socket (graphql-transport-ws) ─▶ connection_init ─▶ authenticate ─▶ subscribe ─▶ limits …
//	  /oauth/… ─▶ pages for people      /healthz, /readyz ─▶ for whoever runs Patchbay
//
// The transports are Patchbay's own because gqlgen's repeat the request's body in their errors, read bodies of any
// size, and depart from the protocols; parsing, validation and execution are gqlgen's. No body, variable or credential
// is ever logged or repeated in an answer.
//
// Shutdown refuses new work, lets queries and mutations finish, and ends streams and sockets so that their clients know
// to come back.
package server
