// Package secret knows how secrets are made, kept and compared: password
// hashes and the bounded pool that computes them, random tokens, the keyed
// hashes that look them up, sealed copies, and the master key all of it hangs on.
//
// It must never know users, apps, HTTP or SQL.
package secret
