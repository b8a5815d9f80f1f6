package skygear

import (
	"fmt"
	"testing"

	"hecate"
	"hecate/internal/engine"
)

func keypathOf(name string) obj { return obj{"$type": "keypath", "$val": name} }

// TestAllRecordsAreFoundWithoutALimit beyond the page of the engine, in their order.
func TestAllRecordsAreFoundWithoutALimit(t *testing.T) {
	t.Parallel()
	w := lite(t)
	x := w.newApp(t, "books", hecate.Settings{})
	_, token := w.signUp(t, x, "ben")
	const many = 1500
	for from := 0; from < many; from += 500 {
		var records []any
		for n := from; n < from+500; n++ {
			records = append(records, obj{"_id": fmt.Sprintf("item/i%d", n), "n": n})
		}
		if got := w.post(t, "record:save", obj{"api_key": x.key, "access_token": token, "records": records}).items(t); len(got) != 500 || got[499]["n"] != float64(from+499) {
			t.Fatalf("%d saved, the last one %v", len(got), got[len(got)-1])
		}
	}
	ask := obj{"api_key": x.key, "record_type": "item", "sort": []any{[]any{keypathOf("n"), "desc"}}, "count": true}
	check := func(name string, first, length int, more obj) {
		t.Helper()
		body := obj{}
		for k, v := range ask {
			body[k] = v
		}
		for k, v := range more {
			body[k] = v
		}
		got := w.post(t, "record:query", body)
		rows := got.items(t)
		if len(rows) != length || rows[0]["n"] != float64(first) || rows[length-1]["n"] != float64(first-length+1) ||
			got.value["info"].(obj)["count"] != float64(many) {
			t.Errorf("%s: %d rows from %v, %v", name, len(rows), rows[0]["n"], got.value["info"])
		}
	}
	check("no limit", many-1, many, nil)
	check("a large limit", many-1, 1200, obj{"limit": 1200})
	check("a limit beyond all bounds", many-1, many, obj{"limit": 1 << 30})
	check("from the middle", many-301, many-300, obj{"offset": 300})

	// Too many in one request.
	var records []any
	var ids []string
	for n := range maxRecords + 1 {
		records, ids = append(records, obj{"_id": fmt.Sprintf("item/i%d", n)}), append(ids, fmt.Sprintf("item/i%d", n))
	}
	w.post(t, "record:save", obj{"api_key": x.key, "access_token": token, "records": records}).refused(t, 400, invalidArgument)
	w.post(t, "record:delete", obj{"api_key": x.key, "access_token": token, "ids": ids}).refused(t, 400, invalidArgument)
	deleted := w.post(t, "record:delete", obj{"api_key": x.key, "access_token": token, "atomic": true, "ids": ids[:maxRecords]}).items(t)
	if len(deleted) != maxRecords || deleted[0]["_type"] != "record" {
		t.Errorf("%d deleted: %v", len(deleted), deleted[0])
	}
}

// TestWhatDoesNotFitIntoAnAnswerIsRefused and never left out silently.
func TestWhatDoesNotFitIntoAnAnswerIsRefused(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		query   recordQuery
		wanted  int
		bounded bool
	}{
		{recordQuery{all: true}, maxFound, true},
		{recordQuery{Query: hecate.Query{Limit: 50}}, 50, false},
		{recordQuery{Query: hecate.Query{Limit: maxFound}}, maxFound, false},
		{recordQuery{Query: hecate.Query{Limit: maxFound + 1}}, maxFound, true},
	} {
		f := &finding{query: &one.query}
		if f.wanted() != one.wanted || f.bounded() != one.bounded {
			t.Errorf("limit %d: wanted %d, bounded %t", one.query.Limit, f.wanted(), f.bounded())
		}
	}
}

func TestARuleForAFieldNamesAUser(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", hecate.Settings{})
		bensID, bens := w.signUp(t, x, "ben")
		_, anns := w.signUp(t, x, "ann")
		rule := obj{
			"record_type": "*", "record_field": "pay", "user_role": "_user_id:" + bensID,
			"writable": true, "readable": true, "comparable": true, "discoverable": true,
		}
		set := w.post(t, "schema:field_access:update", obj{"api_key": x.master, "access": []any{rule}}).ok(t)
		if got := set["access"].([]any)[0].(obj)["user_role"]; got != rule["user_role"] {
			t.Errorf("the rule is for %v", got)
		}
		w.post(t, "record:save", obj{"api_key": x.key, "access_token": bens, "records": []any{obj{"_id": "note/n", "pay": 1}}}).items(t)
		sees := func(token string) any {
			return w.post(t, "record:fetch", obj{"api_key": x.key, "access_token": token, "ids": []string{"note/n"}}).items(t)[0]["pay"]
		}
		if his, hers := sees(bens), sees(anns); his != float64(1) || hers != nil {
			t.Errorf("he sees %v, she %v", his, hers)
		}
	})
}

// TestATypeOfAnotherDialectHasTheFieldsOfItsMaker: saves give fields only to types that were made here.
func TestATypeOfAnotherDialectHasTheFieldsOfItsMaker(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", hecate.Settings{})
		_, token := w.signUp(t, x, "ben")
		ctx := t.Context()
		made := engineCollection("shelf", hecate.Field{Name: "title", Type: hecate.StringType})
		if _, err := w.engine.CreateCollection(ctx, systemIn(x), made); err != nil {
			t.Fatal(err)
		}
		save := func(key, token string, record obj) reply {
			return w.post(t, "record:save", obj{"api_key": key, "access_token": token, "records": []any{record}})
		}
		if got := save(x.key, token, obj{"_id": "shelf/a", "title": "one"}).items(t)[0]; got["title"] != "one" {
			t.Errorf("saved %v", got)
		}
		save(x.key, token, obj{"_id": "shelf/a", "more": 1}).refused(t, 409, incompatibleSchema)
		if got := save(x.master, "", obj{"_id": "shelf/a", "more": 1}).items(t)[0]; got["more"] != float64(1) {
			t.Errorf("with the master key: %v", got)
		}
	})
}

// TestASaveKeepsWhatOtherDialectsKeepOfARecord: Extra is replaced in part only.
func TestASaveKeepsWhatOtherDialectsKeepOfARecord(t *testing.T) {
	t.Parallel()
	extra := hecate.Extra{"other": {"a": 1}, extraName: {keptRelations: []any{}, "b": 2}}
	none := withRelations(extra, &givenAccess{})
	if none["other"]["a"] != 1 || none[extraName]["b"] != 2 || none[extraName][keptRelations] != nil {
		t.Errorf("without relations: %v", none)
	}
	some := withRelations(hecate.Extra{"other": {"a": 1}}, &givenAccess{entries: []entry{{relation: "friend"}}})
	if some["other"]["a"] != 1 || len(relationsOf(some)) != 1 {
		t.Errorf("with one: %v", some)
	}
	if got := withRelations(nil, &givenAccess{}); got != nil {
		t.Errorf("nothing became %v", got)
	}
	if extra[extraName][keptRelations] == nil {
		t.Error("what is stored was changed")
	}
}

func systemIn(x *tenant) *hecate.Actor { return engine.SystemIn(x.app) }

// engineCollection is a collection as another dialect makes one: who is signed in makes records, everybody enters.
func engineCollection(name string, fields ...hecate.Field) engine.CollectionInput {
	return engine.CollectionInput{Name: name, Schema: fields, Access: hecate.Access{Own: true, Grants: []hecate.Grant{
		{Subject: hecate.Public, Permissions: hecate.Read}, {Subject: hecate.Anyone, Permissions: hecate.Create},
	}}}
}
