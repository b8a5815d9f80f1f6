package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"hecate"
)

// says is a provider that gives one answer to everything.
func says(t *testing.T, status int, answer string) Settings {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(s.Close)
	return Settings{APIURL: s.URL}
}

// Who stands for several people, or for nobody, would be one user for all of them.
func TestASubjectIsOnePerson(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`{"id":10}`: "10", `{"id":"a b"}`: "a b", `{"id":9007199254740993}`: "9007199254740993", `{"id":9007199254740992}`: "9007199254740992",
		`{"id":0}`: "", `{"id":"0"}`: "", `{"id":" "}`: "", `{"id":1.5}`: "", `{"id":1e30}`: "", `{"id":true}`: "", `{"id":null}`: "", `{"id":{}}`: "", `null`: "",
		`{"id":"a\u0000b"}`: "", `{"id":"a\nb"}`: "", `{"id":"\ud800"}`: "",
	} {
		got, err := ask(t, New(Config{}), "facebook", "x", says(t, 200, answer))
		switch {
		case want == "" && !errors.Is(err, hecate.BadToken):
			t.Errorf("%s: %+v, %v", answer, got, err)
		case want != "" && (err != nil || got.Subject != want):
			t.Errorf("%s: %+v, %v", answer, got, err)
		}
	}
}

func TestAnAnswerThatIsNoneIsNoRefusal(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"no JSON": "<html>", "nothing": "", "a list": "[]", "two": `{"id":"1"}{"id":"2"}`, "not UTF-8": "{\"id\":\"\xff\"}", "a number too large": `{"id":"1","x":1e400}`,
		"too deep": `{"id":"1","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "too long": `{"id":"1","x":"` + strings.Repeat("x", maxAnswer) + `"}`,
	} {
		if got, err := ask(t, New(Config{}), "facebook", "x", says(t, 200, answer)); !errors.Is(err, hecate.TooMany) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// PostgreSQL stores no null characters.
func TestWhatIsKeptOfAnAnswerCanBeStored(t *testing.T) {
	t.Parallel()
	got, err := ask(t, New(Config{}), "facebook", "x", says(t, 200, `{"id":"1","name":"a\u0000b","x\u0000":[{"y":"\u0000"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if text := jsonOf(t, got); strings.Contains(text, `\u0000`) || got.Name != "a\ufffdb" {
		t.Errorf("profile = %s", text)
	}
}

// Without the app's secret facebook is asked with the token itself; who cannot be asked without it does not let everybody in.
func TestAnAppThatNamesItselfIsChecked(t *testing.T) {
	t.Parallel()
	f := newFake(t, documented["facebook"].answers)
	s := Settings{APIURL: f.URL, ClientID: "ours"}
	if _, err := ask(t, New(Config{}), "facebook", "good", s); err != nil {
		t.Error(err)
	}
	if _, err := ask(t, New(Config{}), "facebook", "other", s); !errors.Is(err, hecate.BadToken) {
		t.Errorf("another app's token: %v", err)
	}
	for _, name := range []string{"github", "linkedin"} {
		f := newFake(t, documented[name].answers)
		if _, err := ask(t, New(Config{}), name, "good", Settings{APIURL: f.URL, ClientID: "ours"}); !errors.Is(err, hecate.Unsupported) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := ask(t, New(Config{}), name, "good", Settings{APIURL: f.URL}); err != nil {
			t.Errorf("%s, whose app says nothing of itself: %v", name, err)
		}
	}
}

// The host is signed in small letters, and without the port that goes without saying: RFC 5849 3.4.1.2.
func TestOAuth1SignsTheHostAsItIsMeant(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://EXAMPLE.com:80/r": "example.com", "https://www.example.net:8080/": "www.example.net:8080", "https://a.example:443/": "a.example", "http://a.example:443/": "a.example:443",
	} {
		u, err := url.Parse(address)
		if err != nil || signedHost(u) != want {
			t.Errorf("%s: %s, %v", address, signedHost(u), err)
		}
	}
}

func TestAnIssuerThatFailsIsNoRefusal(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]hecate.Kind{401: hecate.BadToken, 403: hecate.BadToken, 429: hecate.TooMany, 500: hecate.TooMany, 503: hecate.TooMany, 302: hecate.TooMany} {
		i := newIssuer(t)
		i.tokens["ours-opaque"] = map[string]any{"active": true, "client_id": "ours"}
		i.fails = status
		_, err := ask(t, New(Config{}), "oidc:test", "ours-opaque", Settings{Issuer: i.URL, ClientID: "ours", ClientSecret: "secret"})
		if !errors.Is(err, want) {
			t.Errorf("%d: %v, want %v", status, err, want)
		}
	}
}

// An issuer's word about an address counts for the address that it names beside it.
func TestAVerifiedAddressIsTheOneBesideIt(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.short, i.tampered = true, map[string]any{"email_verified": true}
	i.me = map[string]any{"sub": "10", "email": "victim@example.com"}
	granted, err := New(Config{}).Exchange(t.Context(), Consent{Provider: "oidc:test", Nonce: "nonce", Verifier: "verifier"}, "code",
		Settings{Issuer: i.URL, ClientID: "ours", ClientSecret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if got := granted.Profile; got.Email != "victim@example.com" || got.EmailVerified {
		t.Errorf("profile = %+v", got)
	}
}

func TestATokenOfTheFutureIsRefused(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	for ahead, want := range map[time.Duration]bool{time.Minute: true, time.Hour: false} {
		c := i.claims("ours", "")
		c["iat"], c["exp"] = time.Now().Add(ahead).Unix(), time.Now().Add(2*ahead).Unix()
		if _, err := ask(t, New(Config{}), "oidc:test", i.sign(t, c), Settings{Issuer: i.URL, ClientID: "ours"}); (err == nil) != want {
			t.Errorf("%v ahead: %v", ahead, err)
		}
	}
}

func TestAnIssuersKeysMayChange(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	p := New(Config{})
	s := Settings{Issuer: i.URL, ClientID: "ours"}
	old := i.sign(t, i.claims("ours", ""))
	if _, err := ask(t, p, "oidc:test", old, s); err != nil {
		t.Fatal(err)
	}
	var err error
	if i.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, p, "oidc:test", i.sign(t, i.claims("ours", "")), s); err != nil {
		t.Errorf("by the new key: %v", err)
	}
	if _, err := ask(t, p, "oidc:test", old, s); !errors.Is(err, hecate.BadToken) {
		t.Errorf("by the key that is gone: %v", err)
	}
}

// Libraries read what an issuer says of itself to its end, whatever its length.
func TestAnIssuerThatNeverStopsFillsNoMemory(t *testing.T) {
	t.Parallel()
	sent := make(chan int, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n, chunk := 0, make([]byte, 1<<16)
		for n < 256<<20 {
			m, err := w.Write(chunk)
			if n += m; err != nil {
				break
			}
		}
		sent <- n
	}))
	t.Cleanup(s.Close)
	if _, err := ask(t, New(Config{}), "oidc:test", "x", Settings{Issuer: s.URL, ClientID: "ours"}); !errors.Is(err, hecate.TooMany) {
		t.Error(err)
	}
	if n := <-sent; n > 32<<20 {
		t.Errorf("%d MiB were read", n>>20)
	}
}

func TestADocumentOfAnotherIssuerIsNone(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, i.URL, i.URL+"/keys")
	}))
	t.Cleanup(s.Close)
	if got, err := ask(t, New(Config{}), "oidc:test", i.sign(t, i.claims("ours", "")), Settings{Issuer: s.URL, ClientID: "ours"}); err == nil {
		t.Errorf("profile = %+v", got)
	}
}

// The code and what is asked afterwards are one sign-in.
func TestASlowIssuerIsWaitedForOnce(t *testing.T) {
	t.Parallel()
	const wait = 600 * time.Millisecond
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			time.Sleep(wait * 2 / 3)
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "x", "token_type": "Bearer"})
			return
		}
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	began := time.Now()
	_, err := New(Config{Wait: wait}).Exchange(t.Context(), Consent{Provider: "facebook"}, "code",
		Settings{APIURL: s.URL, AuthURL: s.URL, TokenURL: s.URL + "/token", ClientID: "ours", ClientSecret: "secret"})
	if took := time.Since(began); !errors.Is(err, hecate.TooMany) || took > wait+wait/2 {
		t.Errorf("%v after %v", err, took)
	}
}
