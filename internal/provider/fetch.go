package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hecate"
)

// maxAnswer bounds what a provider may say.
const maxAnswer = 1 << 20

// clear is the token as it goes to the provider.
func (a *asking) clear() string { return a.token.Secret.Reveal() }

// get asks a path of the provider's API.
func (a *asking) get(path string, query url.Values) (map[string]any, error) {
	return a.getFrom(a.base+path, query)
}

func (a *asking) getFrom(address string, query url.Values) (map[string]any, error) {
	req, err := a.request(http.MethodGet, withQuery(address, query), nil)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	err = a.do(req, &out)
	return out, err
}

// bearer asks a path with the token in the header.
func (a *asking) bearer(path string, query url.Values) (map[string]any, error) {
	var out map[string]any
	err := a.bearerInto(withQuery(path, query), &out)
	return out, err
}

// bearerInto is bearer for any shape. Who configured another base may run a server of the time when the token stood in
// the query: contracts/syncano.md 2.6.
func (a *asking) bearerInto(path string, out any) error {
	req, err := a.request(http.MethodGet, a.base+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.clear())
	err = a.do(req, out)
	if a.settings.APIURL == "" || !errors.Is(err, hecate.BadToken) {
		return err
	}
	again, err := a.request(http.MethodGet, withQuery(a.base+path, url.Values{"access_token": {a.clear()}}), nil)
	if err != nil {
		return err
	}
	return a.do(again, out)
}

func withQuery(address string, query url.Values) string {
	switch {
	case len(query) == 0:
		return address
	case strings.Contains(address, "?"):
		return address + "&" + query.Encode()
	}
	return address + "?" + query.Encode()
}

// body is what a request carries.
type body interface {
	encode() (mediaType string, text []byte, err error)
}

type formBody url.Values

func (f formBody) encode() (string, []byte, error) {
	return "application/x-www-form-urlencoded", []byte(url.Values(f).Encode()), nil
}

type jsonBody map[string]any

func (j jsonBody) encode() (string, []byte, error) {
	text, err := json.Marshal(map[string]any(j))
	return "application/json", text, err
}

func (a *asking) request(method, address string, b body) (*http.Request, error) {
	var mediaType string
	var text []byte
	if b != nil {
		var err error
		if mediaType, text, err = b.encode(); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(a.ctx, method, address, bytes.NewReader(text))
	if err != nil {
		return nil, unconfigured("api_url") // the only part of an address that somebody types
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "hecate")
	if mediaType != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	return req, nil
}

// errGone says that the provider has no such path any more.
var errGone = errors.New("no such path")

func isGone(err error) bool { return errors.Is(err, errGone) }

// do sends a request and reads the JSON of a 200. Every other answer is an error that says what it means for the token.
func (a *asking) do(req *http.Request, out any) error {
	resp, err := a.p.client.Do(req)
	if err != nil {
		return unreachable(withoutURL(err))
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return unreachable(withoutURL(err))
	}
	if err := a.verdict(resp, text); err != nil {
		return err
	}
	if err := decode(text, out); err != nil {
		return unreachable(err)
	}
	return nil
}

// introspect asks by a request of RFC 7662 whether a token still counts and was issued for the app.
func (a *asking) introspect(req *http.Request) error {
	var info map[string]any
	if err := a.do(req, &info); err != nil {
		return err
	}
	if !truth(info["active"]) || text(info["client_id"]) != a.settings.ClientID {
		return refused("the token was issued for another app, or has ended")
	}
	return nil
}

// bounded cuts what providers say, also where a library reads it.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(req)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	}
	return resp, err
}

// verdict is what a status says.
func (a *asking) verdict(resp *http.Response, text []byte) error {
	switch status := resp.StatusCode; {
	case status == http.StatusOK, status == http.StatusCreated:
		return nil
	case status == http.StatusTooManyRequests, status < 500 && limited(resp.Header, text):
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		after := time.Duration(min(max(seconds, 1), 3600)) * time.Second
		return hecate.E(hecate.TooMany, "ask provider").On("provider").Says("the provider is asked too often").After(after)
	case status < 500 && transient(text):
		return unreachable(fmt.Errorf("status %d", status))
	case status >= 500:
		return unreachable(fmt.Errorf("status %d", status))
	case status < 400:
		return unreachable(fmt.Errorf("status %d", status)) // a redirect is not followed: it may lead inside
	case status == http.StatusNotFound, status == http.StatusGone:
		return hecate.E(hecate.BadToken, "ask provider").On("token").Because(errGone)
	}
	return refused("the provider refuses the token")
}

// complaint is how providers say more than their status does: facebook by numbers, google by reasons, foursquare by a type.
type complaint struct {
	Error json.RawMessage
	Meta  struct{ ErrorType string }
}

// codes are facebook's number and google's reasons.
func (c *complaint) codes() (number int, transient bool, reasons []string) {
	var said struct {
		Code      int
		Transient bool `json:"is_transient"`
		Errors    []struct{ Reason string }
	}
	_ = json.Unmarshal(c.Error, &said) // OAuth's own is a word, which leaves said empty
	for _, e := range said.Errors {
		reasons = append(reasons, e.Reason)
	}
	return said.Code, said.Transient, append(reasons, c.Meta.ErrorType)
}

// The refusals that are about how often is asked, and not about the token, where no 429 says so.
var (
	limitCodes   = []int{4, 17, 32, 341, 613} // facebook
	limitReasons = []string{"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "rate_limit_exceeded"}
)

// limited reports whether a refusal is one of those.
func limited(h http.Header, text []byte) bool {
	if h.Get("Retry-After") != "" || h.Get("X-Ratelimit-Remaining") == "0" { // github's 403
		return true
	}
	var c complaint
	_ = json.Unmarshal(text, &c) // what is no JSON says nothing
	number, _, reasons := c.codes()
	return slices.Contains(limitCodes, number) || slices.ContainsFunc(reasons, func(r string) bool { return slices.Contains(limitReasons, r) })
}

// transient reports whether a refusal is the provider's own failure: facebook's numbers 1 and 2.
func transient(text []byte) bool {
	var c complaint
	_ = json.Unmarshal(text, &c)
	number, is, _ := c.codes()
	return is || number == 1 || number == 2
}

// withoutURL is the cause of a failed request alone: its URL may hold the token.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// text is a member that is a string or a whole number.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
	}
	return ""
}

// truth is a member that is true, or says so.
func truth(v any) bool {
	is, _ := v.(bool)
	return is || v == "true"
}
