package skygear

import (
	"context"

	"hecate"
	"hecate/internal/engine"
)

// givenFiles are the files that the records of one save name.
type givenFiles struct {
	save  *saving
	named map[string]*hecate.File
	// holders are the records of the save that hold files already, by the id that the client gave.
	holders map[string]hecate.RecordID
}

// readFiles finds the files that the records name, and which of those records hold files already.
func (s *saving) readFiles(ctx context.Context, list []any) (*givenFiles, error) {
	f := &givenFiles{save: s}
	var err error
	if f.named, err = s.api.filesIn(ctx, s.call.app, list); err != nil {
		return nil, err
	}
	var ids []recordID
	for _, raw := range list {
		if id, ok := parseRecordID(idIn(raw)); ok && f.taken(raw) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return f, nil
	}
	space := engine.Space{}
	if s.base.Private {
		if space.Private = s.call.actor.UserID(); s.base.Owner != nil {
			space.Private = *s.base.Owner
		}
	}
	found, err := s.api.engine.RecordsByKey(ctx, s.call.actor, space, recordNames(ids))
	if err != nil {
		return nil, err
	}
	f.holders = make(map[string]hecate.RecordID, len(found))
	for i, one := range found {
		if one.Record != nil {
			f.holders[ids[i].String()] = one.Record.ID
		}
	}
	return f, nil
}

// idIn is the id of a record that is about to be read, "" when it has none.
func idIn(raw any) string {
	object, _ := raw.(map[string]any)
	text, _ := object["_id"].(string)
	return text
}

// taken reports whether a record names files that a record holds.
func (f *givenFiles) taken(raw any) bool {
	for _, name := range assetNames(nil, raw) {
		if file := f.named[name]; file != nil && file.Record != "" {
			return true
		}
	}
	return false
}

// of finds files for one record. A file that another record holds is copied: here a file goes with its record, where the old
// server let records share one.
func (f *givenFiles) of(raw any) func(ctx context.Context, name string) (hecate.FileRef, error) {
	return func(ctx context.Context, name string) (hecate.FileRef, error) {
		file := f.named[name]
		switch {
		case file == nil || file.Digest == "":
			return hecate.FileRef{}, hecate.E(hecate.NotFound, "asset")
		case file.Record == "" || file.Record == f.holders[idIn(raw)]:
			return file.FileRef, nil
		}
		return f.save.api.engine.CopyFile(ctx, f.save.call.actor, file.Handle)
	}
}
