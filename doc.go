// Package hecate holds the words of Hecate: the types every room shares and
// the pure rules over them (who is allowed what, whether a query is well formed).
//
// It imports the standard library only and must never know SQL, HTTP, JSON
// names, clocks, or any word of a dialect.
package hecate
