package provider

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // OAuth 1.0a signs so
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hecate"
)

// twitter takes "<oauth_token>:<oauth_token_secret>" and signs the question with it and the app's own key: only
// tokens of that app pass.
func twitter(a *asking) (*hecate.Profile, error) {
	token, secret, ok := strings.Cut(a.clear(), ":")
	if !ok || token == "" || secret == "" {
		return nil, refused("a token and its secret are expected, with a colon between them")
	}
	if a.settings.ClientID == "" || a.settings.ClientSecret == "" {
		return nil, unconfigured("client_id")
	}
	req, err := a.request(http.MethodGet, a.base+"/1.1/account/verify_credentials.json", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", oauth1{
		consumer: a.settings.ClientID, consumerSecret: a.settings.ClientSecret, token: token, tokenSecret: secret,
		nonce: rand.Text(), seconds: a.p.now().Unix(),
	}.header(req.Method, req.URL))
	var me map[string]any
	if err := a.do(req, &me); err != nil {
		return nil, err
	}
	subject := text(me["id_str"])
	if subject == "" {
		subject = text(me["id"])
	}
	return &hecate.Profile{
		Subject: subject, Username: text(me["screen_name"]), Name: text(me["name"]), Email: text(me["email"]),
		Picture: text(me["profile_image_url_https"]), Location: text(me["location"]), Raw: me,
	}, nil
}

// oauth1 signs one request: RFC 5849, HMAC-SHA1.
type oauth1 struct {
	consumer, consumerSecret string
	token, tokenSecret       string
	nonce                    string
	seconds                  int64
}

// header is the value of Authorization.
func (o oauth1) header(method string, u *url.URL) string {
	params := map[string]string{
		"oauth_consumer_key": o.consumer, "oauth_nonce": o.nonce, "oauth_signature_method": "HMAC-SHA1",
		"oauth_timestamp": strconv.FormatInt(o.seconds, 10), "oauth_token": o.token, "oauth_version": "1.0",
	}
	params["oauth_signature"] = o.signature(method, u, params)
	pairs := make([]string, 0, len(params))
	for name, value := range params {
		pairs = append(pairs, percent(name)+`="`+percent(value)+`"`)
	}
	slices.Sort(pairs)
	return "OAuth " + strings.Join(pairs, ", ")
}

func (o oauth1) signature(method string, u *url.URL, params map[string]string) string {
	var pairs []string
	for name, value := range params {
		pairs = append(pairs, percent(name)+"="+percent(value))
	}
	for name, values := range u.Query() {
		for _, value := range values {
			pairs = append(pairs, percent(name)+"="+percent(value))
		}
	}
	slices.Sort(pairs)
	base := method + "&" + percent(u.Scheme+"://"+signedHost(u)+u.EscapedPath()) + "&" + percent(strings.Join(pairs, "&"))
	mac := hmac.New(sha1.New, []byte(percent(o.consumerSecret)+"&"+percent(o.tokenSecret)))
	mac.Write([]byte(base))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// signedHost is the host as it is signed: RFC 5849 3.4.1.2.
func signedHost(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; port != "" {
		host = strings.TrimSuffix(host, port)
	}
	return host
}

// percent escapes all but the unreserved characters of RFC 3986.
func percent(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
