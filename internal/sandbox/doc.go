// Package sandbox is a world of providers inside the binary, on loopback: an OAuth authorization server with a consent
// page, calendars, mail, and faults on demand. Real manifests and all real code run against it; only the connection goes
// somewhere else.
package sandbox
