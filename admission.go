package hecate

// Awaiting is what an account or an org that somebody registered still waits for before it may be used; the zero Awaiting is nothing.
type Awaiting uint8

// What is waited for, which may be both.
const (
	AwaitsConfirmation Awaiting = 1 << iota // by whoever reads what is sent to its address
	AwaitsApproval                          // by the operator
)

// Has reports whether w includes every part of v.
func (w Awaiting) Has(v Awaiting) bool { return w&v == v }
