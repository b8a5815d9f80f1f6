package syncano

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

type batchAnswer struct {
	Code    int
	Content json.RawMessage
}

func (w *world) batch(t *testing.T, base, key, user string, requests ...obj) []batchAnswer {
	t.Helper()
	if requests == nil {
		requests = []obj{}
	}
	got := w.want(t, 200, ask{method: "POST", path: base + "batch/", key: key, user: user, json: obj{"requests": requests}})
	var answers []batchAnswer
	if err := json.Unmarshal([]byte(got.body), &answers); err != nil {
		t.Fatalf("%v: %s", err, got.body)
	}
	return answers
}

func codes(answers []batchAnswer) string {
	var list []string
	for _, a := range answers {
		list = append(list, fmt.Sprint(a.Code))
	}
	return strings.Join(list, " ")
}

func TestABatchIsServedInOrderAndEachOnItsOwn(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := newCast(t, w)
		class := c.class(t, obj{})
		answers := w.batch(t, c.base, c.owner, "",
			obj{"method": "POST", "path": class + "objects/", "body": obj{"title": "one"}},
			obj{"method": "POST", "path": class + "objects/", "body": obj{"title": obj{}}},
			obj{"method": "GET", "path": strings.ToUpper(class[:len(class)-1]) + "/objects/?query=" + `%7B%22title%22%3A%7B%22_eq%22%3A%22one%22%7D%7D`},
			obj{"method": "DELETE", "path": class + "objects/99999/", "body": obj{"ignored": true}},
			obj{"method": "PATCH", "path": class, "body": `{"description":"x"}`},
			obj{"method": "PUT", "path": class},
		)
		if got := codes(answers); got != "201 400 404 404 200 200" && got != "201 400 200 404 200 200" {
			t.Error(got)
		}
		if string(answers[1].Content) != `{"title":["Not a valid string."]}` || string(answers[3].Content) != `{"detail":"Not found."}` {
			t.Errorf("%s %s", answers[1].Content, answers[3].Content)
		}
		deleted := w.batch(t, c.base, c.owner, "", obj{"method": "DELETE", "path": class})
		if deleted[0].Code != 204 || deleted[0].Content != nil {
			t.Errorf("%+v", deleted[0])
		}
		if got := w.batch(t, c.base, c.owner, ""); len(got) != 0 {
			t.Error(got)
		}
	})
}

func TestABatchHasTheRightsOfItsKeys(t *testing.T) {
	w := lite(t)
	c := newCast(t, w)
	class := c.class(t, obj{})
	// A key in an item's body counts for nothing.
	answers := w.batch(t, c.base, c.plain, c.ann,
		obj{"method": "GET", "path": c.base + "user/"}, obj{"method": "POST", "path": class + "objects/", "body": obj{"_api_key": c.owner, "owner": c.bobID}},
		obj{"method": "POST", "path": c.base + "classes/", "body": obj{"name": "x", "_api_key": c.owner}}, obj{"method": "GET", "path": c.base + "api_keys/"})
	if got := codes(answers); got != "200 201 403 200" {
		t.Error(got)
	}
	if !strings.Contains(string(answers[1].Content), fmt.Sprintf(`"owner":%d,`, c.annID)) {
		t.Errorf("%s", answers[1].Content)
	}
	w.refuses(t, 403, `{"detail":"`+textDenied+`"}`, ask{method: "POST", path: c.base + "batch/", json: obj{"requests": []obj{}}})
	w.refuses(t, 403, `{"detail":"`+textDenied+`"}`, ask{method: "POST", path: c.base + "batch/", key: c.stranger, json: obj{"requests": []obj{}}})
	w.refuses(t, 403, `{"detail":"`+textNoKey+`"}`, ask{method: "POST", path: c.base + "batch/", key: c.foreignKey, json: obj{"requests": []obj{}}})
	w.refuses(t, 404, `{"detail":"Instance was not found."}`, ask{method: "POST", path: "/v1.1/instances/nowhere/batch/", json: obj{}})
	// The key may come in the batch's own body.
	w.want(t, 200, ask{method: "POST", path: c.base + "batch/", json: obj{"_api_key": c.owner, "requests": []obj{{"method": "GET", "path": class}}}})
}

func TestAWrongBatchIsRefusedAsAWhole(t *testing.T) {
	w := lite(t)
	c := newCast(t, w)
	right := obj{"method": "GET", "path": c.base + "users/"}
	outside := `{"requests":[{},{"path":["` + textPathOutside + `"]}]}`
	keys := obj{}
	for i := range 33 {
		keys[fmt.Sprint("k", i)] = i
	}
	fifty := make([]obj, 51)
	for i := range fifty {
		fifty[i] = right
	}
	for _, one := range []struct {
		requests any
		want     string
	}{
		{nil, `{"requests":["This field may not be null."]}`},
		{"none", `{"requests":{"non_field_errors":["Expected a list of items but got type \"str\"."]}}`},
		{fifty, `{"detail":"Max requests per batch exceeded (50)."}`},
		{[]any{right, obj{"method": "GET", "path": "/v1.1/account/"}}, outside},
		{[]any{right, obj{"method": "GET", "path": strings.Replace(c.base, "v1.1", "v1", 1) + "users/"}}, outside},
		{[]any{right, obj{"method": "GET", "path": strings.TrimSuffix(c.base, "/") + "x/users/"}}, outside},
		{[]any{right, obj{"method": "GET", "path": c.base + "users"}}, `{"requests":[{},{"path":["Invalid path specified."]}]}`},
		{[]any{obj{"method": "GET", "path": c.base + "../../account/"}}, `{"requests":[{"path":["Invalid path specified."]}]}`},
		{[]any{obj{"method": "GET", "path": c.base + "users/?a?b"}}, `{"requests":[{"path":["Invalid path specified."]}]}`},
		{[]any{obj{"method": "GET", "path": c.base + "us%65rs/"}}, `{"requests":[{"path":["Invalid path specified."]}]}`},
		{[]any{obj{"method": "POST", "path": c.base + "BATCH/", "body": obj{}}}, `{"requests":[{"path":["Invalid path specified."]}]}`},
		{[]any{obj{"method": "BREW", "path": c.base + "users/"}}, `{"requests":[{"method":["\"BREW\" is not a valid choice."]}]}`},
		{[]any{obj{}, 5}, `{"requests":[{"method":["This field is required."],"path":["This field is required."]},{"non_field_errors":["Invalid data. Expected a dictionary, but got int."]}]}`},
		{[]any{obj{"method": "POST", "path": c.base + "users/", "body": keys}}, `{"requests":[{"body":["Too many keys defined (exceeds 32)."]}]}`},
		{[]any{obj{"method": "POST", "path": c.base + "users/", "body": []int{1}}}, `{"requests":[{"body":["Body passed in invalid format."]}]}`},
	} {
		w.refuses(t, 400, one.want, ask{method: "POST", path: c.base + "batch/", key: c.owner, json: obj{"requests": one.requests}})
	}
	w.refuses(t, 400, `{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}`, ask{method: "POST", path: c.base + "batch/", key: c.owner, json: []int{1}})
	w.refuses(t, 400, `{"requests":["This field is required."]}`, ask{method: "POST", path: c.base + "batch/", key: c.owner, json: obj{}})
	if got := w.batch(t, c.base, c.owner, "", fifty[:50]...); len(got) != 50 {
		t.Error(len(got))
	}
}
