package usergrid_test

import (
	"testing"

	"hecate"
)

func TestAnApplicationSaysWhereItsLoginPageMayLead(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "sqlite")
	o.settings("books", func(s *hecate.Settings) {
		s.Dialects = map[string]map[string]any{"usergrid": {"redirect_uris": []any{"https://app.example/done", "myapp://back"}}}
	})
	c, err := parseConversation(`
= a user
> POST /acme/books/users {"username":"ann","password":"testpw"}
+ Authorization: Bearer <BOOKSTOKEN>
< 200 {"…":"…"}

= elsewhere
> GET /acme/books/authorize?response_type=token&client_id=<BOOKSID>&redirect_uri=https://evil.example/done
< 200 text …no place to return to…
> POST /acme/books/authorize form username=ann&password=testpw&response_type=token&client_id=<BOOKSID>&redirect_uri=https://evil.example/done
< 200 text …no place to return to…
> POST /acme/books/authorize form username=ann&password=testpw&response_type=token&client_id=<ACMEID>&redirect_uri=https://app.example.evil.example/done
< 200 text …no place to return to…

= there
> POST /acme/books/authorize form username=ann&password=testpw&response_type=token&client_id=<BOOKSID>&redirect_uri=https://app.example/done?a=1
< 303 empty
* Location: https://app.example/done?a=1&code=<CODE>
> POST /acme/books/authorize form username=ann&password=testpw&response_type=token&client_id=<BOOKSID>&redirect_uri=myapp://back
< 303 empty
* Location: myapp://back?code=<OTHERCODE>
`)
	if err != nil {
		t.Fatal(err)
	}
	c.hold(t, o.server)
}
