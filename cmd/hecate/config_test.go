package main

import "testing"

func TestAHostNameIsBoundToAnApp(t *testing.T) {
	t.Parallel()
	var c serveCommand
	for _, text := range []string{"skygear/books=Books.example.com", "skygear/acme/films=films.example.com", "syncano=api.example.com"} {
		var h hostMapping
		if err := h.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		c.Host = append(c.Host, h)
	}
	for host, want := range map[string]string{
		"books.example.com": "books", "BOOKS.example.com:8443": "books", "books.example.com.": "books",
		"films.example.com": "acme/films", "api.example.com": "", "other.example.com": "", "": "",
	} {
		if got := c.hostApp(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
	for _, text := range []string{"skygear/=a", "nosuch=a", "skygear=", "skygear"} {
		if err := new(hostMapping).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
