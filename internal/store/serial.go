package store

import (
	"context"

	"hecate"
)

// nextSerial counts up under the row's own lock, so numbers are handed out in the
// order of the commits and never twice, not even after a rollback of another write.
const nextSerial = `
insert into serials (app_id, name, value) values ($1, $2, 1)
on conflict (app_id, name) do update set value = serials.value + 1
returning value`

// NextSerial returns the next number of one of the app's counters, from 1 on. An empty app names the counters of
// the server. Writes that count in the same counter wait for each other until they end.
func (db *DB) NextSerial(ctx context.Context, app hecate.AppID, name string) (int64, error) {
	return one(ctx, db, scalar[int64], nextSerial, app, name)
}
