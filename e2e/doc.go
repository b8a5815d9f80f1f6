// Package e2e drives the built binary from outside, the way its users do: over HTTP with the unmodified client libraries and
// with plain requests, on the command line, and by killing it.
//
// It must never import the rooms it tests; only store/pgtest, for a fresh PostgreSQL database.
package e2e
