package syncano

import (
	"reflect"
	"testing"
	"time"

	"hecate"
)

const (
	readGives  = hecate.Read
	writeGives = hecate.Read | hecate.Update
	fullGives  = hecate.Read | hecate.Update | hecate.Delete | hecate.Manage
)

func own(grants ...hecate.Grant) hecate.Access { return hecate.Access{Own: true, Grants: grants} }

func grant(s hecate.Subject, p hecate.Permissions) hecate.Grant {
	return hecate.Grant{Subject: s, Permissions: p}
}

func TestGrantsOfOtherDialectsAreShownAsTheNearestThing(t *testing.T) {
	cases := []struct {
		name   string
		access hecate.Access
		want   rights
	}{
		{"no grants of its own", hecate.Access{}, rights{}},
		{"the usual", own(grant(hecate.Owner, fullGives)), rights{owner: levelFull}},
		{"everybody reads", own(grant(hecate.Public, readGives|hecate.List)), rights{others: levelRead}},
		{"all verbs", own(grant(hecate.Anyone, hecate.AllPermissions)), rights{others: levelFull}},
		{"update without read is nothing here", own(grant(hecate.Anyone, hecate.Update)), rights{}},
		{"delete without manage is write", own(grant(hecate.Anyone, writeGives|hecate.Delete)), rights{others: levelWrite}},
		{"of several groups the first by id", own(grant("group:b", fullGives), grant("group:a", readGives)), rights{groupID: "a", group: levelRead}},
		{"a group without permissions", own(grant("group:a", 0)), rights{groupID: "a"}},
		{"roles are not shown", own(grant("role:editor", fullGives), grant("user:x", fullGives)), rights{}},
	}
	for _, c := range cases {
		if got := rightsOf(c.access, nil); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestPermissionsChangeOnlyWhatTheDialectCanSay(t *testing.T) {
	l := func(l level) *level { return &l }
	foreign := []hecate.Grant{grant("role:editor", writeGives), grant("user:x", readGives), grant("group:z", readGives)}
	cases := []struct {
		name   string
		before hecate.Access
		change rightsChange
		held   hecate.Permissions
		after  hecate.Access
	}{
		{
			"nothing said, nothing changed", own(foreign...), rightsChange{}, fullGives, own(foreign...),
		}, {
			"what is shown sent back changes nothing", own(append(foreign, grant(hecate.Public, readGives|hecate.List))...),
			rightsChange{owner: l(levelNone), others: l(levelRead), group: l(levelRead), groupSet: true, groupID: "z"}, fullGives,
			own(append(foreign, grant(hecate.Public, readGives|hecate.List))...),
		}, {
			"others get more", own(grant(hecate.Owner, fullGives), grant("role:editor", writeGives)), rightsChange{others: l(levelRead)}, fullGives,
			own(grant(hecate.Owner, fullGives), grant("role:editor", writeGives), grant(hecate.Anyone, readGives)),
		}, {
			"others get nothing, and the public with them", own(grant(hecate.Public, readGives), grant("role:editor", writeGives), grant(hecate.Anyone, fullGives)),
			rightsChange{others: l(levelNone)}, fullGives, own(grant(hecate.Public, 0), grant("role:editor", writeGives)),
		}, {
			"a group is set, others of its kind stay", own(foreign...), rightsChange{groupSet: true, groupID: "a", group: l(levelWrite)}, fullGives,
			own(grant("role:editor", writeGives), grant("user:x", readGives), grant("group:a", writeGives)),
		}, {
			"a group is taken away", own(grant("group:a", readGives), grant(hecate.Owner, fullGives)), rightsChange{groupSet: true}, fullGives,
			own(grant(hecate.Owner, fullGives)),
		}, {
			"a user hands on no more than he holds", own(grant(hecate.Owner, fullGives)), rightsChange{others: l(levelFull)}, writeGives,
			own(grant(hecate.Owner, fullGives), grant(hecate.Anyone, writeGives)),
		}, {
			"fallbacks leave alone what only roles govern", hecate.Access{}, rightsChange{owner: l(levelFull), others: l(levelNone), group: l(levelNone), soft: true}, fullGives,
			hecate.Access{},
		}, {
			"what is shown of it sent back too", hecate.Access{}, rightsChange{owner: l(levelNone), others: l(levelNone), group: l(levelNone)}, fullGives, hecate.Access{},
		}, {
			"a wish makes it govern itself", hecate.Access{}, rightsChange{others: l(levelRead)}, fullGives,
			own(grant(hecate.Owner, 0), grant(hecate.Anyone, readGives)),
		}, {
			"a new object", hecate.Access{}, rightsChange{creates: true, owner: l(levelFull), others: l(levelRead), group: l(levelWrite), groupSet: true, groupID: "a"}, 0,
			own(grant(hecate.Owner, fullGives), grant(hecate.Anyone, readGives), grant("group:a", writeGives)),
		}, {
			"a new object that is nobody's", hecate.Access{}, rightsChange{creates: true, owner: l(levelNone), others: l(levelNone), group: l(levelNone)}, 0,
			own(grant(hecate.Owner, 0)),
		},
	}
	for _, c := range cases {
		got, err := c.change.access(c.before, c.held)
		if err != nil || !reflect.DeepEqual(got, c.after) {
			t.Errorf("%s:\n got %+v %v\nwant %+v", c.name, got, err, c.after)
		}
	}
}

func TestGroupPermissionsAreNotedWhileThereIsNoGroup(t *testing.T) {
	l := func(l level) *level { return &l }
	noted := hecate.Extra{extraName: {keptGroupLevel: "read"}}
	cases := []struct {
		name   string
		stored hecate.Extra
		now    rights
		change rightsChange
		want   hecate.Extra
	}{
		{"none needs no note", nil, rights{}, rightsChange{group: l(levelNone)}, nil},
		{"a level is noted", nil, rights{}, rightsChange{group: l(levelRead)}, noted},
		{"the same level again is no change", noted, rights{group: levelRead}, rightsChange{group: l(levelRead)}, nil},
		{"a group makes the note needless", noted, rights{group: levelRead}, rightsChange{groupSet: true, groupID: "a"}, hecate.Extra{extraName: {}}},
		{"none removes it", noted, rights{group: levelRead}, rightsChange{group: l(levelNone)}, hecate.Extra{extraName: {}}},
		{"it stays where nothing is said", noted, rights{group: levelRead}, rightsChange{others: l(levelRead)}, nil},
	}
	for _, c := range cases {
		if got := c.change.extra(c.now, c.stored); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestAnObjectHasTheDocumentedShape(t *testing.T) {
	a := &api{publicURL: func() string { return "https://files.example.com" }, known: known{
		groups: map[hecate.GroupID]int64{"g": 4}, classes: map[hecate.CollectionID]string{"author-id": "author"},
	}}
	at := time.Date(2016, 1, 2, 3, 4, 5, 6000, time.UTC)
	c := &hecate.Collection{ID: "c", Name: "Book", Schema: []hecate.Field{
		{Name: "title", Type: hecate.StringType}, {Name: "pages", Type: hecate.IntegerType}, {Name: "price", Type: hecate.NumberType}, {Name: "sold", Type: hecate.BooleanType},
		{Name: "out", Type: hecate.TimeType}, {Name: "cover", Type: hecate.FileType}, {Name: "author", Type: hecate.ReferenceType, Target: "author-id"},
		{Name: "readers", Type: hecate.RelationType, Target: hecate.UserTarget}, {Name: "next", Type: hecate.ReferenceType, Target: "c"},
		{Name: "tags", Type: hecate.ArrayType}, {Name: "extra", Type: hecate.ObjectType}, {Name: "place", Type: hecate.GeoType}, {Name: "empty", Type: hecate.RelationType},
		{Name: "gone", Type: hecate.StringType, Dropped: true},
	}}
	r := &hecate.Record{
		Seq: 5, Version: 2, OwnerSeq: 3, Owner: "u", CreatedAt: at, UpdatedAt: at,
		Access: own(grant(hecate.Owner, fullGives), grant("group:g", readGives)),
		Values: hecate.Values{
			"title": "a \"b\" <é>", "pages": int64(7), "price": 9.5, "sold": true, "out": at, "cover": hecate.FileRef{Handle: "abc", Name: "Cover Art.PNG"},
			"author": hecate.Ref{Seq: 8}, "readers": []hecate.Ref{{Seq: 1}, {Seq: 2}}, "tags": []any{"x", int64(1)}, "extra": map[string]any{"b": nil, "a": 1.5},
			"place": hecate.Geo{Lat: 51.5, Lng: -0.12}, "empty": []hecate.Ref{},
		},
	}
	got := string(a.appendObject(nil, &hecate.App{Alias: "books"}, c, r, "v1.1"))
	const want = `{"id":5,"created_at":"2016-01-02T03:04:05.000006Z","updated_at":"2016-01-02T03:04:05.000006Z","revision":2,` +
		`"owner":3,"owner_permissions":"full","group":4,"group_permissions":"read","other_permissions":"none","channel":null,"channel_room":null,` +
		`"title":"a \"b\" <é>","pages":7,"price":9.5,"sold":true,"out":{"type":"datetime","value":"2016-01-02T03:04:05.000006Z"},` +
		`"cover":{"type":"file","value":"https://files.example.com/v1.1/files/abc.png"},"author":{"type":"reference","target":"author","value":8},` +
		`"readers":{"type":"relation","target":"user","value":[1,2]},"next":null,"tags":["x",1],"extra":{"a":1.5,"b":null},` +
		`"place":{"type":"geopoint","longitude":-0.12,"latitude":51.5},"empty":null,` +
		`"links":{"self":"/v1.1/instances/books/classes/book/objects/5/","owner":"/v1.1/instances/books/users/3/","group":"/v1.1/instances/books/groups/4/"}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAnOpenCollectionShowsWhatNoSchemaNames(t *testing.T) {
	a := &api{publicURL: func() string { return "" }}
	c := &hecate.Collection{ID: "c", Name: "users", Kind: hecate.ProfileCollection, Open: true, Schema: []hecate.Field{{Name: "city", Type: hecate.StringType}}}
	r := &hecate.Record{Seq: 1, Values: hecate.Values{"city": "Xen", "owner": "me", "zip": int64(9), "at": time.Unix(0, 0),
		"list": []any{"x", hecate.Geo{Lat: 1, Lng: 2}, map[string]any{"b": nil, "a": time.Unix(0, 0)}, hecate.Ref{Collection: hecate.UserTarget, Seq: 3}}}}
	got := string(a.appendFields(nil, &hecate.App{}, c, r))
	const want = `"city":"Xen","at":{"type":"datetime","value":"1970-01-01T00:00:00.000000Z"},` +
		`"list":["x",{"type":"geopoint","longitude":2,"latitude":1},{"a":{"type":"datetime","value":"1970-01-01T00:00:00.000000Z"},"b":null},` +
		`{"type":"reference","target":"user","value":3}],"zip":9`
	if got != want {
		t.Errorf("got %s", got)
	}
}

func TestExtensionsOfFiles(t *testing.T) {
	for name, want := range map[string]string{
		"a.JPG": ".jpg", "a.tar.gz": ".gz", "a": "", "": "", ".bashrc": "", "a.": "", "x." + "0123456789abcde": ".0123456789abcde", "x.0123456789abcdef": "", "dir.d/name": "",
	} {
		if got := extension(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestOnlyOwnURLsNameFiles(t *testing.T) {
	a := &api{publicURL: func() string { return "https://api.example.com" }}
	for text, want := range map[string]string{
		"https://api.example.com/v1.1/files/abc.jpg":   "abc",
		"http://API.example.com/v1.1/files/abc":        "abc",
		"https://api.example.com/v1.1/files/abc.jpg?x": "",
		"https://api.example.com/v1.1/files/a/b.jpg":   "",
		"https://api.example.com/v1.1/other/abc.jpg":   "",
		"https://evil.example.com/v1.1/files/abc.jpg":  "",
		"https://x@api.example.com/v1.1/files/abc.jpg": "",
		"ftp://api.example.com/v1.1/files/abc.jpg":     "",
		"/v1.1/files/abc.jpg":                          "",
		"just text":                                    "",
		"":                                             "",
	} {
		if got := a.ownHandle(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func BenchmarkAppendObject(b *testing.B) {
	a := &api{publicURL: func() string { return "https://files.example.com" }}
	c := &hecate.Collection{ID: "c", Name: "users", Kind: hecate.ProfileCollection, Schema: []hecate.Field{{Name: "city", Type: hecate.StringType}, {Name: "age", Type: hecate.IntegerType}}}
	r := &hecate.Record{Seq: 1198, Version: 2, OwnerSeq: 66, Owner: "u", CreatedAt: time.Now(), UpdatedAt: time.Now(),
		Access: own(grant(hecate.Owner, fullGives)), Values: hecate.Values{"city": "Black Mesa", "age": int64(27)}}
	app := &hecate.App{Alias: "books"}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = a.appendObject(buf[:0], app, c, r, "v1.1")
	}
}
