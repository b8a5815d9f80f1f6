package provider

import (
	"net/http"
	"net/url"
	"strings"

	"hecate"
)

// provider is a row of the table.
type provider struct {
	base      string // of the API
	profile   func(a *asking) (*hecate.Profile, error)
	issuedFor func(a *asking) error // refuses tokens issued for another app; nil: the provider cannot say, or profile asks
	auth      string                // where a browser asks for consent; "": no such flow
	code      string                // where a code becomes a token
	scopes    []string
	extra     map[string]string // parameters of the consent page
}

// table is every provider by name. The paths are those of contracts/syncano.md 2.6, contracts/usergrid.md 4.8 and
// contracts/skygear.md 3.3; behind them, where they have been switched off since, those of today.
var table = map[string]provider{
	"facebook": {
		base: "https://graph.facebook.com", profile: facebook, issuedFor: facebookApp,
		auth: "https://www.facebook.com/dialog/oauth", code: "https://graph.facebook.com/oauth/access_token", scopes: []string{"email"},
	},
	"google-oauth2": {
		base: "https://www.googleapis.com", profile: google, issuedFor: googleApp,
		auth: "https://accounts.google.com/o/oauth2/v2/auth", code: "https://oauth2.googleapis.com/token",
		scopes: []string{"openid", "profile", "email"}, extra: map[string]string{"prompt": "select_account"},
	},
	"linkedin": {
		base: "https://api.linkedin.com", profile: linkedin, issuedFor: linkedinApp,
		auth: "https://www.linkedin.com/oauth/v2/authorization", code: "https://www.linkedin.com/oauth/v2/accessToken",
		scopes: []string{"openid", "profile", "email"},
	},
	"github": {
		base: "https://api.github.com", profile: github, issuedFor: githubApp,
		auth: "https://github.com/login/oauth/authorize", code: "https://github.com/login/oauth/access_token", scopes: []string{"user:email"},
	},
	"instagram": {
		base: "https://graph.instagram.com", profile: instagram,
		auth: "https://www.instagram.com/oauth/authorize", code: "https://api.instagram.com/oauth/access_token", scopes: []string{"instagram_business_basic"},
	},
	"twitter":    {base: "https://api.twitter.com", profile: twitter},
	"foursquare": {base: "https://api.foursquare.com", profile: foursquare},
	"pingident":  {profile: pingident},
	"oidc":       {profile: openID, scopes: []string{"openid", "profile", "email"}},
}

func facebook(a *asking) (*hecate.Profile, error) {
	path := "/me"
	if a.token.Version != "" {
		path = "/" + a.token.Version + path
	}
	if strings.HasSuffix(a.base, "/me") { // the whole URL, as contracts/usergrid.md 4.8 configures it
		path = ""
	}
	me, err := a.get(path, url.Values{"fields": {"id,name,email,first_name,last_name"}, "access_token": {a.clear()}})
	if err != nil {
		return nil, err
	}
	// The address may be unconfirmed there: nothing in the answer says that it is his.
	return &hecate.Profile{
		Subject: text(me["id"]), Email: text(me["email"]), Name: text(me["name"]), FirstName: text(me["first_name"]), LastName: text(me["last_name"]),
		Username: text(me["username"]), Raw: me,
	}, nil
}

// facebookApp asks which app the token was issued for, with the app's own id and secret; without the secret, with the token itself.
func facebookApp(a *asking) error {
	base := strings.TrimSuffix(a.base, "/me")
	if a.settings.ClientSecret == "" {
		app, err := a.getFrom(base+"/app", url.Values{"access_token": {a.clear()}})
		if err == nil && text(app["id"]) != a.settings.ClientID {
			err = refused("the token was issued for another app")
		}
		return err
	}
	info, err := a.getFrom(base+"/debug_token", url.Values{
		"input_token": {a.clear()}, "access_token": {a.settings.ClientID + "|" + a.settings.ClientSecret},
	})
	if err != nil {
		return err
	}
	data, _ := info["data"].(map[string]any)
	if valid, _ := data["is_valid"].(bool); !valid || text(data["app_id"]) != a.settings.ClientID {
		return refused("the token was issued for another app")
	}
	return nil
}

func google(a *asking) (*hecate.Profile, error) {
	me, err := a.get("/oauth2/v1/userinfo", url.Values{"access_token": {a.clear()}})
	if err != nil {
		return nil, err
	}
	out := claims(me)
	if out.Subject == "" {
		out.Subject = text(me["id"])
	}
	out.EmailVerified = out.EmailVerified || truth(me["verified_email"])
	return out, nil
}

func googleApp(a *asking) error {
	info, err := a.get("/oauth2/v3/tokeninfo", url.Values{"access_token": {a.clear()}})
	if err != nil {
		return err
	}
	for _, name := range []string{"aud", "azp", "audience", "issued_to"} {
		if text(info[name]) == a.settings.ClientID {
			return nil
		}
	}
	return refused("the token was issued for another app")
}

func linkedin(a *asking) (*hecate.Profile, error) {
	me, err := a.bearer("/v1/people/~:(id,emailAddress)", url.Values{"format": {"json"}})
	if isGone(err) {
		me, err = a.bearer("/v2/userinfo", nil)
	}
	if err != nil {
		return nil, err
	}
	out := claims(me)
	if out.Subject == "" {
		out.Subject, out.Email = text(me["id"]), text(me["emailAddress"])
	}
	return out, nil
}

// linkedinApp asks whether the token was issued for the app, with the app's own id and secret.
func linkedinApp(a *asking) error {
	if a.settings.ClientSecret == "" {
		return unconfigured("client_secret")
	}
	base := a.base
	if a.settings.APIURL == "" {
		base = "https://www.linkedin.com"
	}
	req, err := a.request(http.MethodPost, base+"/oauth/v2/introspectToken", formBody{
		"client_id": {a.settings.ClientID}, "client_secret": {a.settings.ClientSecret}, "token": {a.clear()},
	})
	if err != nil {
		return err
	}
	return a.introspect(req)
}

func github(a *asking) (*hecate.Profile, error) {
	me, err := a.bearer("/user", nil)
	if err != nil {
		return nil, err
	}
	out := &hecate.Profile{
		Subject: text(me["id"]), Username: text(me["login"]), Name: text(me["name"]), Picture: text(me["avatar_url"]), Location: text(me["location"]), Raw: me,
	}
	var addresses []struct {
		Email             string
		Primary, Verified bool
	}
	if err := a.bearerInto("/user/emails", &addresses); err != nil {
		return nil, err
	}
	for _, address := range addresses {
		if address.Primary && address.Verified {
			out.Email, out.EmailVerified = address.Email, true
		}
	}
	return out, nil
}

// githubApp asks whether the token was issued for the app, with the app's own id and secret.
func githubApp(a *asking) error {
	if a.settings.ClientSecret == "" {
		return unconfigured("client_secret") // who names his app wants it checked
	}
	req, err := a.request(http.MethodPost, a.base+"/applications/"+url.PathEscape(a.settings.ClientID)+"/token", jsonBody{"access_token": a.clear()})
	if err != nil {
		return err
	}
	req.SetBasicAuth(a.settings.ClientID, a.settings.ClientSecret)
	var info map[string]any
	return a.do(req, &info)
}

// instagram tells no address, and an id that is the app's own for the person: the token of another app, of which it does not tell, names nobody here.
func instagram(a *asking) (*hecate.Profile, error) {
	me, err := a.get("/me", url.Values{"fields": {"id,username"}, "access_token": {a.clear()}})
	if err != nil {
		return nil, err
	}
	return &hecate.Profile{Subject: text(me["id"]), Username: text(me["username"]), Raw: me}, nil
}

func foursquare(a *asking) (*hecate.Profile, error) {
	answer, err := a.get("/v2/users/self", url.Values{"oauth_token": {a.clear()}, "v": {"20140806"}})
	if err != nil {
		return nil, err
	}
	response, _ := answer["response"].(map[string]any)
	me, _ := response["user"].(map[string]any)
	contact, _ := me["contact"].(map[string]any)
	out := &hecate.Profile{
		Subject: text(me["id"]), FirstName: text(me["firstName"]), LastName: text(me["lastName"]), Email: text(contact["email"]),
		Location: text(me["homeCity"]), Picture: text(me["photo"]), Raw: me,
	}
	if photo, ok := me["photo"].(map[string]any); ok {
		out.Picture = text(photo["prefix"]) + "original" + text(photo["suffix"])
	}
	out.Name = strings.TrimSpace(out.FirstName + " " + out.LastName)
	return out, nil
}

// pingident asks an identity server of the app's own choice, whose word on addresses counts.
func pingident(a *asking) (*hecate.Profile, error) {
	if a.base == "" {
		return nil, unconfigured("api_url")
	}
	var answer map[string]any
	req, err := a.request(http.MethodPost, a.base, formBody{
		"grant_type": {"urn:pingidentity.com:oauth2:grant_type:validate_bearer"},
		"client_id":  {a.settings.ClientID}, "client_secret": {a.settings.ClientSecret}, "token": {a.clear()},
	})
	if err != nil {
		return nil, err
	}
	if err := a.do(req, &answer); err != nil {
		return nil, err
	}
	token, _ := answer["access_token"].(map[string]any)
	subject := text(token["subject"])
	return &hecate.Profile{Subject: subject, Email: subject, EmailVerified: strings.Contains(subject, "@"), Raw: answer}, nil
}

// claims are the standard claims of OpenID Connect.
func claims(me map[string]any) *hecate.Profile {
	return &hecate.Profile{
		Subject: text(me["sub"]), Email: text(me["email"]), EmailVerified: truth(me["email_verified"]), Username: text(me["preferred_username"]),
		Name: text(me["name"]), FirstName: text(me["given_name"]), LastName: text(me["family_name"]), Picture: text(me["picture"]), Raw: me,
	}
}

func unconfigured(name string) error {
	return hecate.E(hecate.Unsupported, "ask provider").On("provider").Says("the provider is not configured: "+name+" is missing").With("missing", name)
}
