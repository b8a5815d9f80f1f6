package skygear

import (
	"reflect"
	"testing"

	"hecate"
	"hecate/internal/web"
)

func TestAParameterOfTheWrongTypeIsRefused(t *testing.T) {
	t.Parallel()
	p := payload(decode(t, `{"s":"a","b":true,"n":3,"e":3e2,"h":1.5,"l":["a"],"o":{"x":1},"z":null,"m":[1]}`).(map[string]any))
	for name, read := range map[string]func(string) (any, error){
		"text":   func(n string) (any, error) { return p.text(n) },
		"bool":   func(n string) (any, error) { return p.bool(n) },
		"object": func(n string) (any, error) { return p.object(n) },
		"texts":  func(n string) (any, error) { return p.texts(n) },
		"int":    func(n string) (any, error) { v, _, err := p.int(n); return v, err },
	} {
		good := map[string]string{"text": "s", "bool": "b", "object": "o", "texts": "l", "int": "n"}[name]
		for _, member := range []string{"s", "b", "n", "l", "o", "z", "absent", "m", "h"} {
			_, err := read(member)
			if fine := member == good || member == "z" || member == "absent"; fine != (err == nil) || err != nil && shown(err) != "107 fails to decode the request payload" {
				t.Errorf("%s of %s: %v", name, member, err)
			}
		}
	}
	if n, given, err := p.int("e"); n != 300 || !given || err != nil {
		t.Errorf("got %d %v %v", n, given, err)
	}
	if list, err := (payload{"l": []any{}}).texts("l"); list == nil || err != nil {
		t.Errorf("an empty list is taken for none: %v", err)
	}
}

func TestALambdaTakesArgumentsByNameAndByPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]payload{
		`{}`: {}, `{"args":null}`: {}, `{"args":{"email":"a"}}`: {"email": "a"}, `{"args":["a"]}`: {"email": "a"}, `{"args":[]}`: {},
	} {
		got, err := payload(decode(t, text).(map[string]any)).arguments("email")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v %v", text, got, err)
		}
	}
	for text, want := range map[string]string{`{"args":"a"}`: "107 fails to decode the request payload", `{"args":["a","b"]}`: "108 too many arguments"} {
		_, err := payload(decode(t, text).(map[string]any)).arguments("email")
		if got := shown(err); got != want {
			t.Errorf("%s: got %q", text, got)
		}
	}
}

func TestADatabaseIsOpenToThoseItBelongsTo(t *testing.T) {
	t.Parallel()
	guest, ben, master := &hecate.Actor{}, &hecate.Actor{User: &hecate.User{ID: "1", Key: "ben"}}, &hecate.Actor{Key: &hecate.APIKey{Flags: hecate.Master}}
	for _, c := range []struct {
		actor *hecate.Actor
		id    any
		want  database
		fault string
	}{
		{guest, nil, database{}, ""}, {guest, "_public", database{}, ""},
		{guest, "_private", database{}, "101 Authentication is needed for private DB access"}, {ben, "_private", database{private: true}, ""},
		{ben, "_union", database{}, "101 Master key is needed for union DB access"}, {master, "_union", database{union: true}, ""},
		{ben, "ben", database{private: true}, ""}, {ben, "ann", database{}, "102 The selected DB cannot be accessed because permission is denied"},
		{master, "ann", database{private: true, owner: "ann"}, ""}, {master, "_x", database{}, "108 invalid database ID"},
		{ben, 7, database{}, "107 fails to decode the request payload"},
	} {
		got, err := readDatabase(&call{args: payload{"database_id": c.id}, actor: c.actor})
		if got != c.want || shown(err) != c.fault {
			t.Errorf("%v: got %+v %v", c.id, got, err)
		}
	}
	if got := shown(database{union: true}.writable()); got != "111 modifying the selected database is not supported" {
		t.Errorf("got %q", got)
	}
}

func TestAPageTakesItsCredentialsFromTheQuery(t *testing.T) {
	t.Parallel()
	var got hecate.Proof
	mux, err := (&api{doors: fakeDoors()}).mux(nil, []web.Route[*call]{
		web.Get("/files/{name...}", web.Open[*call]("a test"), func(w *web.Response, r *web.Request, _ *call) error {
			got = readPageProof(r)
			return answerNothing(w)
		}),
	}, web.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := do(mux, "GET", "/files/a?api_key=K&access_token=T", "")
	if w.Body.String() != "{}\n" || got.Key.Reveal() != "K" || got.Token.Reveal() != "T" {
		t.Errorf("got %s %q %q", w.Body, got.Key.Reveal(), got.Token.Reveal())
	}
	do(mux, "GET", "/files/a?api_key=K&access_token=T", "", "X-Skygear-API-Key", "H")
	if got.Key.Reveal() != "H" {
		t.Errorf("the header does not win: %q", got.Key.Reveal())
	}
	if w := do(mux, "GET", "/", ""); w.Body.String() != "{\"result\":{\"status\":\"OK\"}}\n" {
		t.Errorf("actions are not behind the pages: %s", w.Body)
	}
}
