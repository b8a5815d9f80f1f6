package web

import (
	"strings"
	"testing"
)

func TestWhereABrowserMayReturn(t *testing.T) {
	t.Parallel()
	allowed := []string{"https://app.example/done", "https://Site.example", "myapp://back", "http://127.0.0.1:9000/"}
	for text, want := range map[string]bool{
		"https://app.example/done":               true,
		"https://APP.example/Done?a=1#x":         true,
		"https://app.example/done/there":         true,
		"https://site.example":                   true,
		"https://site.example/any/where/":        true,
		"https://site.example/?to=/../x":         true,
		"myapp://back?x=1":                       true,
		"http://127.0.0.1:9000/cb":               true,
		"https://app.example":                    false,
		"https://app.example/other":              false,
		"http://app.example/done":                false,
		"https://app.example:8443/done":          false,
		"https://app.example.evil.test/done":     false,
		"https://evil.test/https://site.example": false,
		"https://site.example@evil.test":         false,
		"https://site.example:x@evil.test/":      false,
		"https://app.example/done/../admin":      false,
		"https://app.example/done/%2e%2e/admin":  false,
		"https://app.example/done//evil":         false,
		"https://site.example.":                  false,
		"//site.example":                         false,
		"/done":                                  false,
		"":                                       false,
		"javascript:alert(1)":                    false,
		"http://127.0.0.1:90001/":                false,
		"http://127.0.0.1:9000":                  false,
		"myapp:back":                             false,
		"https://site.example\\@evil.test":       false,
		"https://site.example/\x00":              false,
	} {
		if got := MayReturn(allowed, text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if MayReturn(nil, "https://site.example") || MayReturn([]string{""}, "https://site.example") || MayReturn([]string{"javascript:"}, "javascript:alert(1)") {
		t.Error("nothing that is allowed allows something")
	}
}

func TestWhatAReturnURLIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"http://app.example/back?a=1": true, "HTTPS://app.example": true, "myapp://callback": true, "com.example.app:///back": true,
		"": false, "app.example/back": false, "/back": false, "//app.example": false, "http:///back": false, "https:": false,
		"javascript:alert(1)": false, "JavaScript://app.example/%0aalert(1)": false, "data:text/html,x": false, "vbscript://x": false,
		"http://user:pass@app.example/": false, "http://app.example/\r\nSet-Cookie: a=b": false, "mailto:a@b.c": false, "file:///etc": false,
		"http://app.example/" + strings.Repeat("a", 3000): false,
	} {
		if _, ok := ReturnURL(text); ok != want {
			t.Errorf("%.60q: %v", text, ok)
		}
	}
}
