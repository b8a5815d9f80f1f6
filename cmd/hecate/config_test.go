package main

import (
	"fmt"
	"strings"
	"testing"
)

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
	for _, text := range []string{"skygear/=a", "nosuch=a", "skygear=", "skygear", "syncano/books=a", "usergrid/acme/films=a", "native/books=a"} {
		if err := new(hostMapping).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

func TestTheServiceAdminHasANameAndALongPassword(t *testing.T) {
	t.Parallel()
	var a serviceAdmin
	if err := a.UnmarshalText(nil); err != nil || a.name != "" {
		t.Errorf("none: %v, %q", err, a.name)
	}
	if err := a.UnmarshalText([]byte("root:correct:horse battery")); err != nil || a.name != "root" || a.password.Reveal() != "correct:horse battery" {
		t.Errorf("taken: %v, %q", err, a.name)
	}
	for _, text := range []string{"root", "root:", "root:elevenchars", ":correct horse battery"} {
		if err := new(serviceAdmin).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%s is taken", text)
		} else if _, password, _ := strings.Cut(text, ":"); password != "" && strings.Contains(err.Error(), password) {
			t.Errorf("the error says %v", err)
		}
	}
	if text := fmt.Sprintf("%v %+v", a, a); strings.Contains(text, "horse") {
		t.Errorf("printed as %s", text)
	}
}
