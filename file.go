package hecate

import "time"

// File is stored bytes. Its FileRef is the value that a record holds.
type File struct {
	FileRef
	App       AppID
	Digest    string // SHA-256, lower-case hex
	Owner     UserID
	Record    RecordID // the record that holds it; it goes when the record goes
	Public    bool     // its handle is enough to read it
	CreatedAt time.Time
}
