package store

import (
	"context"
	"encoding/json"

	"hecate"
)

const (
	fieldRulesOf  = `select rules from field_rules where app_id = $1`
	setFieldRules = `
insert into field_rules (app_id, rules, updated_at) values ($1, $2, $3)
on conflict (app_id) do update set rules = excluded.rules, updated_at = excluded.updated_at`
)

// fieldRuleRow is the stored form of a rule.
type fieldRuleRow struct {
	Collection string             `json:"collection"`
	Field      string             `json:"field"`
	Subject    hecate.Subject     `json:"subject"`
	Access     hecate.FieldAccess `json:"access"`
}

// FieldRules returns an app's rules for fields. Kinds: NotFound when none were ever set.
func (db *DB) FieldRules(ctx context.Context, app hecate.AppID) (hecate.FieldRules, error) {
	raw, err := one(ctx, db, scalar[json.RawMessage], fieldRulesOf, app)
	if err != nil {
		return nil, err
	}
	var rows []fieldRuleRow
	if err := decodeJSON(raw, &rows); err != nil {
		return nil, err
	}
	rules := make(hecate.FieldRules, len(rows))
	for i, r := range rows {
		rules[i] = hecate.FieldRule(r)
	}
	return rules, nil
}

// SetFieldRules stores an app's rules for fields in place of those before.
func (db *DB) SetFieldRules(ctx context.Context, app hecate.AppID, rules hecate.FieldRules) error {
	rows := make([]fieldRuleRow, len(rules))
	for i, r := range rules {
		rows[i] = fieldRuleRow(r)
	}
	raw, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	return db.run(ctx, setFieldRules, app, json.RawMessage(raw), db.now())
}
