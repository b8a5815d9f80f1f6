// Package syncano speaks the Syncano v1 and v1.1 wire protocol: it translates
// requests into calls of the engine, and what the engine answers into the
// shapes, texts and statuses that the old clients expect.
//
// It must never know the store, secrets at rest, or another dialect; it decides
// nothing that the engine could decide, and only narrows what the engine allows.
package syncano
