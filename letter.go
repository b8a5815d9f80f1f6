package hecate

import "time"

// Letter is a mail on its way out, or one that left or failed not long ago. What it says is known only to its sender.
type Letter struct {
	ID        LetterID
	App       AppID  // empty for the server's own
	Name      string // "reset", "verify" …
	Address   string // folded
	User      UserID // whom it is about; empty for those to admins
	State     LetterState
	Attempts  int
	Claimed   bool      // a process is sending it, until DueAt at most
	DueAt     time.Time // when it is tried next
	ExpiresAt time.Time // it is not tried after
	LastError string
	CreatedAt time.Time
	EndedAt   time.Time // zero while it waits
}

// LetterState is where a letter stands.
type LetterState uint8

// The states of a letter.
const (
	LetterWaiting LetterState = iota
	LetterSent
	LetterFailed
	LetterBlank // stands for one that nobody may get, so that its row tells nothing
	LetterDropped
)
