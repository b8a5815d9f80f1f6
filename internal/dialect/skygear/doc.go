// Package skygear speaks the Skygear v1 wire protocol: it finds the action that
// a request names, checks who may take it, calls the engine, and writes what the
// engine answers in the shapes, codes and statuses that the old client expects.
//
// It must never know the store, secrets at rest, or another dialect; it decides
// nothing that the engine could decide, and only narrows what the engine allows.
package skygear
