package usergrid_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate"
	"hecate/internal/engine"
)

const aUUID = "0a1b2c3d-1111-11e4-8e1d-0123456789ab"

func TestEntities(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		t.Run("are made in collections that come into being", func(t *testing.T) {
			got := k.ask(k.client, "POST", "/dog", object{"name": "Fido", "age": 3, "metadata": "x", "uuid": aUUID, "type": "cat", "none": nil, "empty": ""})
			e := got.one()
			if got.body["path"] != "/dogs" || got.body["uri"] != "http://host/acme/books/dogs" || got.body["action"] != "post" {
				t.Errorf("answer %s", got.text)
			}
			path := "/dogs/" + uuidOf(e)
			meta, _ := e["metadata"].(object)
			if e["type"] != "dog" || e["name"] != "Fido" || e["created"] != e["modified"] || meta["path"] != path || uuidOf(e) == aUUID {
				t.Errorf("entity %v", e)
			}
			if _, ok := e["none"]; ok {
				t.Errorf("entity %v", e)
			}
			if !strings.Contains(got.text, `{"uuid":"`+uuidOf(e)+`","type":"dog","name":"Fido","created":`) {
				t.Errorf("order of keys: %s", got.text)
			}
			for _, at := range []string{"/dogs/fido", "/dog/FIDO", "/dogs/" + uuidOf(e), "/Dogs/" + strings.ToUpper(uuidOf(e)), "/dogs/fido/"} {
				if uuidOf(k.ask(k.client, "GET", at, nil).one()) != uuidOf(e) {
					t.Error("not found at", at)
				}
			}
		})
		t.Run("have names that are unique without case", func(t *testing.T) {
			got := k.ask(k.client, "POST", "/dogs", object{"name": "FIDO"})
			got.fails(400, "duplicate_unique_property_exists")
			if got.body["error_description"] != `Entity "dog" requires that property named "name" be unique, value of FIDO exists` {
				t.Error(got.text)
			}
			rex := k.ask(k.client, "POST", "/dogs", object{"name": "rex"}).one()
			k.ask(k.client, "PUT", "/dogs/"+uuidOf(rex), object{"name": "Fido"}).fails(400, "duplicate_unique_property_exists")
			k.ask(k.client, "PUT", "/dogs/rex", object{"name": "Max"}).one()
			if uuidOf(k.ask(k.client, "GET", "/dogs/max", nil).one()) != uuidOf(rex) {
				t.Error("not renamed")
			}
			first, second := k.ask(k.client, "POST", "/events", object{"name": "login"}).one(), k.ask(k.client, "POST", "/events", object{"name": "login"}).one()
			if uuidOf(first) == uuidOf(second) {
				t.Error("events share a record")
			}
			k.ask(k.client, "POST", "/devices", object{"name": "phone"}).one()
			k.ask(k.client, "POST", "/devices", object{"name": "Phone"}).fails(400, "duplicate_unique_property_exists")
		})
		t.Run("that are absent are not found", func(t *testing.T) {
			got := k.ask(k.client, "GET", "/dogs/"+aUUID, nil)
			got.fails(404, "entity_not_found")
			if got.body["error_description"] != "Cannot find entity associated with uuid: "+aUUID {
				t.Error(got.text)
			}
			got = k.ask(k.client, "GET", "/dogs/nobody", nil)
			got.fails(404, "entity_not_found")
			if got.body["error_description"] != "Cannot find entity with name: nobody" {
				t.Error(got.text)
			}
			k.ask(k.client, "GET", "/nothings/x", nil).fails(404, "entity_not_found")
			for _, at := range []string{"/dogs/nobody", "/dogs/" + aUUID, "/nothings/x"} {
				k.ask(k.client, "DELETE", at, nil).fails(404, "service_resource_not_found")
				k.ask(k.client, "POST", at, object{}).fails(404, "service_resource_not_found")
			}
			if got := k.ask(k.client, "GET", "/nothings", nil); len(got.ok()) != 0 || got.body["count"] != json.Number("0") || !strings.Contains(got.text, `"entities":[]`) {
				t.Error(got.text)
			}
		})
		t.Run("are merged by PUT", func(t *testing.T) {
			e := k.ask(k.client, "POST", "/cats", object{"name": "tom", "a": 1, "b": object{"x": 1, "y": 2}, "c": "c"}).one()
			e["b"], e["c"], e["d"] = object{"x": 3}, "", true // whole, as the SDK sends it back
			put := k.ask(k.client, "PUT", "/cats/"+uuidOf(e), e).one()
			if put["modified"] == e["modified"] || put["created"] != e["created"] || put["d"] != true || put["a"] != json.Number("1") {
				t.Errorf("entity %v", put)
			}
			if _, there := put["c"]; there || !reflect.DeepEqual(put["b"], object{"x": json.Number("3")}) {
				t.Errorf("entity %v", put)
			}
			again := k.ask(k.client, "PUT", "/cats/tom", object{"a": nil}).one()
			if _, there := again["a"]; there || again["modified"] == put["modified"] || uuidOf(again) != uuidOf(e) {
				t.Errorf("entity %v", again)
			}
			if got := k.ask(k.client, "POST", "/cats/tom", object{"a": 5}).one(); uuidOf(got) != uuidOf(e) || got["a"] != nil {
				t.Errorf("entity %v", got)
			}
			if got := k.ask(k.client, "PUT", "/cats/tom", nil).one(); uuidOf(got) != uuidOf(e) {
				t.Errorf("entity %v", got)
			}
		})
		t.Run("are made by PUT where they are absent", func(t *testing.T) {
			e := k.ask(k.client, "PUT", "/phones/"+aUUID, object{"os": "x"}).one()
			if uuidOf(e) != aUUID || e["os"] != "x" || e["created"] != e["modified"] {
				t.Errorf("entity %v", e)
			}
			if e = k.ask(k.client, "PUT", "/phones/"+aUUID, object{"v": 2}).one(); uuidOf(e) != aUUID || e["os"] != "x" {
				t.Errorf("entity %v", e)
			}
			k.ask(k.client, "PUT", "/tablets/"+aUUID, object{}).fails(404, "service_resource_not_found")
			n := k.ask(k.client, "PUT", "/phones/Nokia", object{"os": "y"}).one()
			if n["name"] != "Nokia" || uuidOf(k.ask(k.client, "PUT", "/phones/nokia", object{}).one()) != uuidOf(n) {
				t.Errorf("entity %v", n)
			}
			if got := k.ask(k.client, "PUT", "/phones", object{"name": "third"}).one(); got["name"] != "third" {
				t.Errorf("entity %v", got)
			}
		})
		t.Run("are deleted and shown once more", func(t *testing.T) {
			e := k.ask(k.client, "POST", "/birds", object{"name": "tweety"}).one()
			got := k.ask(k.client, "DELETE", "/birds/tweety", "{}")
			if uuidOf(got.one()) != uuidOf(e) || got.body["action"] != "delete" || got.body["path"] != "/birds" {
				t.Error(got.text)
			}
			k.ask(k.client, "GET", "/birds/"+uuidOf(e), nil).fails(404, "entity_not_found")
			k.ask(k.client, "POST", "/birds", object{"name": "Tweety"}).one()
		})
		t.Run("of some collections need properties", func(t *testing.T) {
			k.ask(k.client, "POST", "/assets", object{"name": "x", "owner": aUUID}).fails(400, "required_property_not_found")
			k.ask(k.client, "POST", "/assets", object{"name": "x", "path": "/a"}).fails(400, "required_property_not_found")
			k.ask(k.client, "POST", "/assets", object{"name": "x", "path": "/a", "owner": aUUID}).one()
			k.ask(k.client, "POST", "/activities", object{"verb": "post"}).fails(400, "required_property_not_found")
			k.ask(k.client, "POST", "/activities", object{"actor": object{"displayName": "x"}}).fails(400, "required_property_not_found")
			e := k.ask(k.login("poster"), "POST", "/activities", object{"actor": object{"displayName": "x"}, "verb": "post"}).one()
			if who, _ := e["actor"].(object); who["uuid"] == nil || who["displayName"] != "x" {
				t.Errorf("entity %v", e)
			}
		})
		t.Run("bad bodies are refused", func(t *testing.T) {
			k.ask(k.client, "POST", "/dogs", `{"name":`).fails(400, "json_parse")
			k.ask(k.client, "POST", "/dogs", `[1]`).fails(400, "json_parse")
			k.ask(k.client, "PUT", "/dogs/fido", `[{}]`).fails(400, "illegal_argument")
			k.ask(k.client, "PUT", "/dogs?ql=select%20*", `[{}]`).fails(400, "illegal_argument")
			k.ask(k.client, "PUT", "/dogs/%20", `{}`).fails(404, "service_resource_not_found")
			k.ask(k.client, "POST", "/d%2Fgs", `{}`).fails(400, "illegal_argument")
			k.ask(k.client, "POST", "/"+strings.Repeat("x", 80), `{}`).fails(400, "illegal_argument")
			k.ask(k.client, "POST", "/dogs", `{"a":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)+`}`).fails(413, "request_too_large")
			k.ask(k.client, "POST", "/dogs", `{"a":"`+strings.Repeat("x", 2<<20)+`"}`).fails(413, "request_too_large")
			k.ask(k.client, "POST", "/dogs", object{"name": 5}).fails(400, "illegal_argument")
			k.ask(k.client, "POST", "/dogs", `{"n":123456789012345678901234567890}`).fails(400, "illegal_argument")
			k.ask(k.client, "POST", "/dogs", `{"n":1e999}`).fails(400, "illegal_argument")
			k.ask(k.client, "POST", "/dogs", `<xml/>`, "Content-Type", "text/xml").fails(415, "not_supported")
		})
		t.Run("come back as they were sent", func(t *testing.T) {
			sent := `{"z":1,"f":1.5,"w":1.0,"big":9007199254740993,"neg":-0.25,"t":true,"u":"ünï \ud83d\ude00 \"q\" \\ \n","o":{},"l":[],` +
				`"location":{"latitude":52.5,"longitude":13.4,"accuracy":5,"label":"here"},"mixed":[1,"a",null,{"$time":"no","x":[{}]}],` +
				`"n":{"deep":{"er":[1.25,2]}},"weird key/with \"marks\"":"v","$dollar":{"$geo":1}}`
			e := k.ask(k.client, "POST", "/things", sent).one()
			want := object{}
			dec := json.NewDecoder(strings.NewReader(sent))
			dec.UseNumber()
			if err := dec.Decode(&want); err != nil {
				t.Fatal(err)
			}
			for _, got := range []object{e, k.ask(k.client, "GET", "/things/"+uuidOf(e), nil).one(), k.ask(k.client, "GET", "/things", nil).one()} {
				for _, name := range slices.Sorted(maps.Keys(want)) {
					if a, b := asJSON(got[name]), asJSON(want[name]); a != b {
						t.Errorf("%s: got %s, want %s", name, a, b)
					}
				}
			}
		})
	})
}

func asJSON(v any) string { b, _ := json.Marshal(v); return string(b) }

func TestConcurrentPutsMakeOneEntity(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		for round, at := range []string{"/robots/" + aUUID, "/robots/marvin", "/androids/data"} {
			var wg sync.WaitGroup
			ids := make([]string, 8)
			for i := range ids {
				wg.Go(func() {
					got := k.ask(k.client, "PUT", at, object{fmt.Sprint("p", i): i})
					if got.status != 200 {
						t.Errorf("round %d: %d %s", round, got.status, got.text)
						return
					}
					ids[i] = uuidOf(got.one())
				})
			}
			wg.Wait()
			e := k.ask(k.client, "GET", at, nil).one()
			for i, id := range ids {
				if id != uuidOf(e) || e[fmt.Sprint("p", i)] != json.Number(fmt.Sprint(i)) {
					t.Errorf("round %d: %s is not %s, or its change is lost: %v", round, id, uuidOf(e), e)
				}
			}
		}
		if n := len(k.ask(k.client, "GET", "/robots", nil).ok()); n != 2 {
			t.Errorf("%d robots", n)
		}
	})
}

func TestBatchesAndQueries(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		t.Run("an array makes what it can", func(t *testing.T) {
			list := k.ask(k.client, "POST", "/fish", []any{
				object{"name": "a", "n": 1}, object{"name": "A"}, object{"name": 5}, object{"name": "b", "n": 2}, object{"n": 3},
			}).ok()
			if len(list) != 3 || list[0]["name"] != "a" || list[1]["name"] != "b" || list[2]["n"] != json.Number("3") || list[0]["type"] != "fish" {
				t.Errorf("entities %v", list)
			}
			if got := k.ask(k.client, "POST", "/fish", []any{}); len(got.ok()) != 0 {
				t.Error(got.text)
			}
			many := make([]any, 1001)
			for i := range many {
				many[i] = object{"i": i}
			}
			k.ask(k.client, "POST", "/crowds", many).fails(413, "request_too_large")
			if n := len(k.ask(k.client, "POST", "/crowds", many[:1000]).ok()); n != 1000 {
				t.Errorf("%d made", n)
			}
		})
		t.Run("a query changes and deletes what it finds", func(t *testing.T) {
			for i := range 13 {
				k.ask(k.client, "POST", "/pets", object{"name": fmt.Sprint("p", i), "kind": "old", "i": i}).one()
			}
			ql := func(s string) string { return "?ql=" + url.QueryEscape(s) }
			list := k.ask(k.client, "PUT", "/pets"+ql("select * where kind = 'old'"), object{"kind": "new"}).ok()
			if len(list) != 13 || list[0]["kind"] != "new" {
				t.Errorf("%d changed", len(list))
			}
			if n := len(k.ask(k.client, "PUT", "/pets"+ql("kind='new'")+"&limit=2", object{"kind": "newer"}).ok()); n != 2 {
				t.Errorf("%d changed", n)
			}
			k.ask(k.client, "PUT", "/pets"+ql("kind='none'"), object{"kind": "x"}).fails(404, "service_resource_not_found")
			k.ask(k.client, "DELETE", "/pets", nil).fails(405, "unsupported_service_operation")
			if n := len(k.ask(k.client, "DELETE", "/pets"+ql("kind='newer'"), nil).ok()); n != 2 {
				t.Errorf("%d deleted", n)
			}
			if n := len(k.ask(k.client, "DELETE", "/pets?limit=3", nil).ok()); n != 3 {
				t.Errorf("%d deleted", n)
			}
			if n := len(k.ask(k.client, "GET", "/pets/{kind='new'}", nil).ok()); n != 8 {
				t.Errorf("%d found", n)
			}
			if n := len(k.ask(k.client, "DELETE", "/pets?q=*", "{}").ok()); n != 8 {
				t.Errorf("%d deleted", n)
			}
			if n := len(k.ask(k.client, "GET", "/pets/all", nil).ok()); n != 0 {
				t.Errorf("%d left", n)
			}
		})
		t.Run("a projection shows what it names", func(t *testing.T) {
			k.ask(k.client, "POST", "/cars", object{"name": "c", "color": "red", "engine": object{"hp": 90}}).one()
			e := k.ask(k.client, "GET", "/cars?ql="+url.QueryEscape("select color, engine.hp"), nil).one()
			names := slices.Sorted(maps.Keys(e))
			if !slices.Equal(names, []string{"color", "engine.hp", "metadata", "type", "uuid"}) || e["color"] != "red" {
				t.Errorf("entity %v", e)
			}
		})
		t.Run("a list tells its size and where it goes on", func(t *testing.T) {
			for i := range 5 {
				k.ask(k.client, "POST", "/books", object{"i": i}).one()
			}
			got := k.ask(k.client, "GET", "/books?limit=2&test1=a", nil)
			params, _ := got.body["params"].(object)
			if list := got.ok(); len(list) != 2 || list[0]["i"] != json.Number("4") || got.body["count"] != json.Number("2") || asJSON(params["test1"]) != `["a"]` {
				t.Error(got.text)
			}
			var seen []any
			for cursor := ""; ; {
				got := k.ask(k.client, "GET", "/books?limit=2&cursor="+cursor, nil)
				for _, e := range got.ok() {
					seen = append(seen, e["i"])
				}
				if cursor, _ = got.body["cursor"].(string); cursor == "" {
					break
				}
			}
			if asJSON(seen) != "[4,3,2,1,0]" {
				t.Errorf("seen %v", seen)
			}
			if got := k.ask(k.client, "GET", "/books?limit=5", nil); got.body["cursor"] != nil {
				t.Error(got.text)
			}
			if got := k.ask(k.client, "GET", "/books;limit=3;ql=i%20%3C%204", nil); len(got.ok()) != 3 || got.ok()[0]["i"] != json.Number("3") || got.body["path"] != "/books" {
				t.Error(got.text)
			}
		})
	})
}

func TestCollectionsOfOtherDialects(t *testing.T) {
	ctx := context.Background()
	eachKennel(t, func(t *testing.T, k *kennel) {
		system := engine.SystemIn(k.books)
		target := collectionOf(t, k, engine.CollectionInput{Name: "Author"})
		c := collectionOf(t, k, engine.CollectionInput{Name: "Novel", Schema: []hecate.Field{
			{Name: "title", Type: hecate.StringType}, {Name: "pages", Type: hecate.IntegerType}, {Name: "at", Type: hecate.TimeType},
			{Name: "where", Type: hecate.GeoType}, {Name: "by", Type: hecate.ReferenceType, Target: target.ID}, {Name: "name", Type: hecate.StringType, Indexed: true},
		}})
		author, err := k.engine.CreateRecord(ctx, system, target, engine.RecordInput{})
		if err != nil {
			t.Fatal(err)
		}
		e := k.ask(k.client, "POST", "/novels", object{"title": "T", "pages": 5, "at": "2026-01-02T03:04:05Z", "where": object{"latitude": 1.5, "longitude": 2},
			"by": author.ID, "name": "Emma", "extra": object{"x": 1}}).one()
		if e["type"] != "novel" || e["at"] != "2026-01-02T03:04:05.000000Z" || asJSON(e["where"]) != `{"latitude":1.5,"longitude":2.0}` || e["by"] != string(author.ID) {
			t.Errorf("entity %v", e)
		}
		if back := k.ask(k.client, "PUT", "/novel/emma", e).one(); asJSON(back["where"]) != asJSON(e["where"]) || back["at"] != e["at"] || back["by"] != e["by"] {
			t.Errorf("entity %v", back)
		}
		for name, v := range map[string]any{"title": 5, "pages": "many", "at": "soon", "where": "there", "by": "him"} {
			k.ask(k.client, "PUT", "/novels/emma", object{name: v}).fails(400, "illegal_argument")
		}
		r, err := k.engine.Record(ctx, system, c, engine.RecordRef{ID: hecate.RecordID(uuidOf(e))})
		if err != nil || r.Values["pages"] != int64(5) || r.Values["at"] != time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) {
			t.Errorf("record %v, %v", r, err)
		}
	})
}

func collectionOf(t *testing.T, k *kennel, in engine.CollectionInput) *hecate.Collection {
	t.Helper()
	c, err := k.engine.CreateCollection(context.Background(), engine.SystemIn(k.books), in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheGrantsOfARecordHoldOnEntityRoutes(t *testing.T) {
	ctx := context.Background()
	eachKennel(t, func(t *testing.T, k *kennel) {
		ann, ben := k.login("ann"), k.login("ben")
		// As Syncano and Skygear make them: a gate of the collection, and grants of each record.
		gate := hecate.Access{Own: true, Grants: []hecate.Grant{{Subject: hecate.Public, Permissions: hecate.Read}, {Subject: hecate.Anyone, Permissions: hecate.Create}}}
		own := hecate.Access{Own: true, Grants: []hecate.Grant{{Subject: hecate.Owner, Permissions: hecate.AllPermissions}}}
		c := collectionOf(t, k, engine.CollectionInput{Name: "notes", Access: gate, Defaults: &own, Schema: []hecate.Field{
			{Name: "name", Type: hecate.StringType, Indexed: true, Unique: true, Fold: true}, {Name: "text", Type: hecate.StringType, Indexed: true}}})
		mine := k.ask(ann, "POST", "/notes", object{"name": "diary", "text": "secret"}).one()
		at := "/notes/" + uuidOf(mine)
		k.ask(ann, "GET", at, nil).one()
		k.ask(k.client, "GET", at, nil).one()
		k.ask(ben, "GET", at, nil).fails(404, "entity_not_found")
		k.ask(ben, "GET", "/notes/diary", nil).fails(404, "entity_not_found")
		for _, q := range []string{"", "?ql=" + url.QueryEscape("text = 'secret'"), "/all", "/{text='secret'}"} {
			if n := len(k.ask(ben, "GET", "/notes"+q, nil).ok()); n != 0 {
				t.Errorf("%q shows %d", q, n)
			}
		}
		k.ask(ben, "PUT", at, object{"text": "mine"}).fails(401, "unauthorized")
		k.ask(ben, "PUT", "/notes/diary", object{"text": "mine"}).fails(401, "unauthorized")
		k.ask(ben, "PUT", "/notes?ql="+url.QueryEscape("text='secret'"), object{"text": "mine"}).fails(404, "service_resource_not_found")
		k.ask(ben, "POST", at, object{}).fails(404, "service_resource_not_found")
		k.ask(ben, "DELETE", at, nil).fails(404, "service_resource_not_found")
		if n := len(k.ask(ben, "DELETE", "/notes?q=*", nil).ok()); n != 0 {
			t.Errorf("%d deleted", n)
		}
		k.ask(ben, "PUT", "/notes/"+aUUID, object{"extra": "x"}).fails(400, "illegal_argument") // no fields for a collection with a gate
		if r, err := k.engine.Record(ctx, engine.SystemIn(k.books), c, engine.RecordRef{ID: hecate.RecordID(uuidOf(mine))}); err != nil || r.Values["text"] != "secret" {
			t.Errorf("record %v, %v", r, err)
		}
		// And the other way round: the role path must allow as well.
		if _, err := k.engine.RemoveGrants(ctx, engine.SystemIn(k.books), hecate.SubjectRole("default"), []string{"get,put,post,delete:/**"}); err != nil {
			t.Fatal(err)
		}
		k.ask(ann, "GET", at, nil).fails(401, "unauthorized")
	})
}

func TestRolePathsOnEntities(t *testing.T) {
	ctx := context.Background()
	eachKennel(t, func(t *testing.T, k *kennel) {
		grant := func(texts ...string) {
			t.Helper()
			for _, text := range texts {
				if _, err := k.engine.AddGrant(ctx, engine.SystemIn(k.books), hecate.SubjectRole("guest"), text); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Run("a guest may register a device and see what he sent, and nothing else", func(t *testing.T) {
			e := k.ask("", "PUT", "/devices/"+aUUID, object{"name": "phone", "token": "t1"}).one()
			if uuidOf(e) != aUUID || e["token"] != "t1" {
				t.Errorf("entity %v", e)
			}
			if e = k.ask("", "PUT", "/devices/"+aUUID, object{"model": "m"}).one(); e["model"] != "m" || e["token"] != nil {
				t.Errorf("entity %v", e)
			}
			k.ask("", "POST", "/devices", object{"name": "other"}).one()
			k.ask("", "PUT", "/devices/third", object{}).one()
			k.ask("", "GET", "/devices/"+aUUID, nil).fails(401, "unauthorized")
			k.ask("", "GET", "/devices", nil).fails(401, "unauthorized")
			k.ask("", "DELETE", "/devices/"+aUUID, nil).fails(401, "unauthorized")
			k.ask("", "POST", "/dogs", object{}).fails(401, "unauthorized")
			k.ask("", "PUT", "/dogs/x", object{}).fails(401, "unauthorized")
			if e := k.ask(k.client, "GET", "/devices/phone", nil).one(); e["token"] != "t1" || e["model"] != "m" {
				t.Errorf("entity %v", e)
			}
		})
		t.Run("a grant on a typed name does not reach the thing", func(t *testing.T) {
			k.ask(k.client, "POST", "/dogs", object{"name": "fido"}).one()
			grant("get:/dogs/fido")
			got := k.ask("", "GET", "/dogs/fido", nil)
			got.fails(401, "unauthorized")
			if text, _ := got.body["error_description"].(string); !strings.HasPrefix(text, "Subject does not have permission [applications:get:"+string(k.books.ID)+":/dogs/") {
				t.Error(got.text)
			}
			grant("get:/dogs/*")
			k.ask("", "GET", "/dogs/fido", nil).one()
			k.ask("", "GET", "/dogs", nil).fails(401, "unauthorized")
			k.ask("", "PUT", "/dogs/fido", object{"x": 1}).fails(401, "unauthorized")
			grant("delete:/dogs/*")
			e := k.ask("", "DELETE", "/dogs/fido", nil).one()
			if e["name"] != "fido" {
				t.Errorf("entity %v", e)
			}
		})
		t.Run("who may delete and not read sees nothing of what is gone", func(t *testing.T) {
			k.ask(k.client, "POST", "/cats", object{"name": "tom", "secret": 1}).one()
			grant("delete:/cats/*")
			if e := k.ask("", "DELETE", "/cats/tom", nil).one(); e["secret"] != nil || e["name"] != nil {
				t.Errorf("entity %v", e)
			}
		})
	})
}

func TestEntitiesOfAnotherAppAreOutOfReach(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		e := k.ask(k.client, "POST", "/assets", object{"name": "fido", "path": "/p", "owner": aUUID, "x": "secret"}).one()
		id := uuidOf(e)
		k.ask(k.client, "POST", "/assets/"+id+"/data", []byte("the bytes"))
		for _, name := range []string{id, "fido"} {
			for method, at := range map[string][]string{
				"GET": {"", "/data"}, "PUT": {"/data"}, "POST": {"", "/data"}, "DELETE": {""},
			} {
				for _, rest := range at {
					got := k.send(k.foreign, method, "/other/files/assets/"+name+rest, []byte("x"))
					if got.status != 404 || strings.Contains(got.text, "secret") {
						t.Errorf("%s %s%s: %d %s", method, name, rest, got.status, got.text)
					}
					if got := k.ask(k.foreign, method, "/assets/"+name+rest, []byte("x")); got.status != 401 {
						t.Errorf("%s %s%s with a foreign client: %d %s", method, name, rest, got.status, got.text)
					}
				}
			}
		}
		// An id is one of its app: the other app may use it for a thing of its own.
		if other := k.send(k.foreign, "PUT", "/other/files/dogs/"+id, object{"y": 1}).one(); other["x"] != nil {
			t.Errorf("entity %v", other)
		}
		if back := k.ask(k.client, "GET", "/assets/"+id, nil).one(); back["x"] != "secret" || back["y"] != nil {
			t.Errorf("entity %v", back)
		}
	})
}
