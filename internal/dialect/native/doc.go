// Package native is Hecate's own API, below /api/v1: it translates JSON requests
// into calls of the engine, and answers in plain resources and problem documents.
// openapi.yaml describes it to programs, README.md to people.
//
// It must never know the store, secrets at rest, or another dialect; it decides
// nothing that the engine could decide, and only narrows what the engine allows.
package native
