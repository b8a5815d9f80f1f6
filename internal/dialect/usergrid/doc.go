// Package usergrid speaks the wire protocol of Apache Usergrid, so that its client libraries work unchanged: organizations,
// applications, tokens, users, groups, roles, permissions, collections, connections and assets.
//
// It must never know the store, how secrets are kept, or another dialect. What it serves and where it differs on
// purpose is in README.md; the facts of the wire are in contracts/usergrid.md.
package usergrid
