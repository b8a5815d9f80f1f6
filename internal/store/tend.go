package store

import (
	"context"
	"fmt"
)

// Tables that have grown by half since PostgreSQL looked at them last. It does so by itself a minute later at the earliest; until
// then it takes a table that was filled meanwhile for an empty one, and reads all of it where an index would do.
const grownTables = `
select quote_ident(schemaname) || '.' || quote_ident(relname) from pg_stat_user_tables
where schemaname = current_schema() and n_mod_since_analyze > 500 + n_live_tup / 2
order by 1`

// Tend keeps what the database knows of its tables up to date. Every node may call it, again and again: where nothing has grown it costs one
// small query.
func (db *DB) Tend(ctx context.Context) error {
	if err := db.eng.tend(ctx); err != nil {
		return fmt.Errorf("tend the database: %w", err)
	}
	return nil
}

func (p *postgres) tend(ctx context.Context) error {
	rows, err := p.QueryContext(ctx, grownTables)
	if err != nil {
		return err
	}
	defer rows.Close()
	var grown []string
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return err
		}
		grown = append(grown, table)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, table := range grown { // few, and each of them seldom
		if _, err := p.ExecContext(ctx, `analyze (skip_locked) `+table); err != nil {
			return err
		}
	}
	return nil
}
