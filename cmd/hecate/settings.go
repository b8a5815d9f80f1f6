package main

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"hecate"
	"hecate/internal/mail"
	"hecate/internal/web"
)

// settingsSpec is `settings:` of an app; docs/settings.md lists every entry.
type settingsSpec struct {
	HideAccountExistence bool                  `yaml:"hide_account_existence"`
	ConfirmSignUps       bool                  `yaml:"confirm_sign_ups"`
	Password             passwordSpec          `yaml:"password"`
	Sessions             sessionsSpec          `yaml:"sessions"`
	Skygear              skygearSpec           `yaml:"skygear"`
	Usergrid             usergridSpec          `yaml:"usergrid"`
	Social               map[string]socialSpec `yaml:"social"`
	Mail                 mailSpec              `yaml:"mail"`
	Pages                hecate.PageTexts      `yaml:"pages"`
}

type passwordSpec struct {
	MinLength  int      `yaml:"min_length"`
	Uppercase  bool     `yaml:"uppercase"`
	Lowercase  bool     `yaml:"lowercase"`
	Digit      bool     `yaml:"digit"`
	Symbol     bool     `yaml:"symbol"`
	Blocklist  []string `yaml:"blocklist"`
	History    int      `yaml:"history"`
	ExpiryDays int      `yaml:"expiry_days"`
}

type sessionsSpec struct {
	TTL                 duration `yaml:"ttl"`
	EndOnPasswordChange string   `yaml:"end_on_password_change"`
}

type skygearSpec struct {
	TokenMode           string             `yaml:"token_mode"`
	AuthRecordKeys      [][]string         `yaml:"auth_record_keys"`
	CustomTokenSecret   string             `yaml:"custom_token_secret"`
	SchemaOnSave        *bool              `yaml:"schema_on_save"`
	Verify              verifySpec         `yaml:"verify"`
	ForgotPassword      forgotPasswordSpec `yaml:"forgot_password"`
	WelcomeMail         bool               `yaml:"welcome_mail"`
	AllowedCallbackURLs []string           `yaml:"allowed_callback_urls"`
}

type verifySpec struct {
	Keys           []string  `yaml:"keys"`
	Required       bool      `yaml:"required"`
	AutoUpdate     bool      `yaml:"auto_update"`
	AutoSendSignup bool      `yaml:"auto_send_signup"`
	AutoSendUpdate bool      `yaml:"auto_send_update"`
	Criteria       yaml.Node `yaml:"criteria"` // any, all, or a list of keys

	SuccessRedirect string `yaml:"success_redirect"`
	ErrorRedirect   string `yaml:"error_redirect"`

	KeyOptions map[string]verifyKeySpec `yaml:"key_options,omitempty"`
}

// verifyKeySpec is how the address of one key is proved, where that differs from the others.
type verifyKeySpec struct {
	CodeFormat      string    `yaml:"code_format,omitempty"`
	Expiry          *duration `yaml:"expiry,omitempty"`
	SuccessRedirect string    `yaml:"success_redirect,omitempty"`
	ErrorRedirect   string    `yaml:"error_redirect,omitempty"`
}

type forgotPasswordSpec struct {
	SecureMatch     bool     `yaml:"secure_match"`
	ResetTTL        duration `yaml:"reset_ttl"`
	SuccessRedirect string   `yaml:"success_redirect"`
	ErrorRedirect   string   `yaml:"error_redirect"`
}

type usergridSpec struct {
	AccessTokenTTL       duration `yaml:"access_token_ttl"`
	RequireConfirmation  bool     `yaml:"registration_requires_email_confirmation"`
	RequireAdminApproval bool     `yaml:"registration_requires_admin_approval"`
	// Pages are the operator's own in place of ours, by the name of ours: resetpw, activate, confirm.
	Pages map[string]string `yaml:"pages,omitempty"`
	// RedirectURIs are where its login page may lead; none: anywhere, after the page has said where.
	RedirectURIs []string `yaml:"redirect_uris,omitempty"`
}

// socialSpec is one provider, or under "oidc" a list of them.
type socialSpec struct {
	providers []providerSpec
}

type providerSpec struct {
	Name         string `yaml:"name"`
	Issuer       string `yaml:"issuer"`
	APIURL       string `yaml:"api_url"`
	ClientID     string `yaml:"client_id"`
	ClientSecret string `yaml:"client_secret"`
	// Of sign-in in a browser, where the provider's own are not meant.
	AuthURL  string   `yaml:"auth_url"`
	TokenURL string   `yaml:"token_url"`
	Scopes   []string `yaml:"scopes"`
}

// plain is the provider as the engine reads it.
func (p providerSpec) plain() map[string]any {
	scopes := make([]any, len(p.Scopes))
	for i, scope := range p.Scopes {
		scopes[i] = scope
	}
	return map[string]any{
		"issuer": p.Issuer, "api_url": p.APIURL, "client_id": p.ClientID, "client_secret": p.ClientSecret,
		"auth_url": p.AuthURL, "token_url": p.TokenURL, "scopes": scopes,
	}
}

// plainProviders are providers by name; those under "oidc" are "oidc:<name>".
func plainProviders(social map[string]socialSpec) map[string]map[string]any {
	out := map[string]map[string]any{}
	for kind, s := range social {
		for _, p := range s.providers {
			name := kind
			if kind == "oidc" {
				name = "oidc:" + p.Name
			}
			out[name] = p.plain()
		}
	}
	return out
}

type mailSpec struct {
	Sender    string                  `yaml:"sender"`
	Language  string                  `yaml:"language"`
	Templates map[string]templateSpec `yaml:"templates"`
}

type templateSpec struct {
	Subject string `yaml:"subject"`
	Text    string `yaml:"text"`
	HTML    string `yaml:"html"`
}

// UnmarshalYAML reads a mapping, or a list of mappings. Unknown fields are refused here too, since the
// library forgets to below an own UnmarshalYAML.
func (s *socialSpec) UnmarshalYAML(n *yaml.Node) error {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	known := []string{"name", "issuer", "api_url", "client_id", "client_secret", "auth_url", "token_url", "scopes"}
	for _, item := range nodes {
		for i := 0; item.Kind == yaml.MappingNode && i+1 < len(item.Content); i += 2 {
			if key := item.Content[i]; !slices.Contains(known, key.Value) {
				return fmt.Errorf("line %d: unknown field %s", key.Line, key.Value)
			}
		}
		var p providerSpec
		if err := item.Decode(&p); err != nil {
			return err
		}
		s.providers = append(s.providers, p)
	}
	return nil
}

// duration is Go's text form: 12h, 90m, 0s.
type duration time.Duration

// UnmarshalYAML reads the text form.
func (d *duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	if err != nil || v < 0 {
		return fmt.Errorf("line %d: %q is no duration such as 12h or 90m", n.Line, n.Value)
	}
	*d = duration(v)
	return nil
}

var socialProviders = []string{
	"facebook", "google-oauth2", "twitter", "linkedin", "github", "foursquare", "instagram", "pingident", "oidc",
}

// oneOf faults a value that is not in the list; the first entry is the default and stands for "".
func (c *checker) oneOf(value string, path []any, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		c.fault(path, "%q is none of %v", value, allowed)
	}
}

func (c *checker) mail(s mailSpec, path []any) {
	if err := mail.Check(hecate.MailSettings{Sender: s.Sender, Language: s.Language}); err != nil {
		c.fault(path, "%v", err)
	}
	for name, t := range s.Templates {
		if err := mail.CheckTemplate(name, hecate.MailTemplate(t)); err != nil {
			c.fault(at(path, "templates", name), "template %s: %v", name, err)
		}
	}
}

// pages faults texts that pages cannot show.
func (c *checker) pages(languages hecate.PageTexts, path []any) {
	before := len(c.faults)
	for _, language := range slices.Sorted(maps.Keys(languages)) {
		for _, name := range slices.Sorted(maps.Keys(languages[language])) {
			if err := name.Check(languages[language][name]); err != nil {
				c.fault(at(path, language, string(name)), "text %s in %s: %v", name, language, err)
			}
		}
	}
	if _, err := pageTexts(languages); err != nil && len(c.faults) == before {
		c.fault(path, "%v", err)
	}
}

// pageTexts are the declared texts as an app has them.
func pageTexts(declared hecate.PageTexts) (hecate.PageTexts, error) {
	texts, err := declared.Canonical("pages")
	if err != nil {
		return nil, err
	}
	return texts, texts.Check("pages")
}

func (c *checker) settings(s settingsSpec, path []any) {
	c.mail(s.Mail, at(path, "mail"))
	c.pages(s.Pages, at(path, "pages"))
	for name, n := range map[string]int{
		"min_length": s.Password.MinLength, "history": s.Password.History, "expiry_days": s.Password.ExpiryDays,
	} {
		if n < 0 || n > 10_000 {
			c.fault(at(path, "password", name), "%s must be between 0 and 10000", name)
		}
	}
	c.oneOf(s.Sessions.EndOnPasswordChange, at(path, "sessions", "end_on_password_change"), "dialect", "all")
	c.oneOf(s.Skygear.TokenMode, at(path, "skygear", "token_mode"), "opaque", "jwt")
	for i, keys := range s.Skygear.AuthRecordKeys {
		if len(keys) == 0 || slices.Contains(keys, "") {
			c.fault(at(path, "skygear", "auth_record_keys", i), "an auth record key needs at least one field name")
		}
	}
	c.verify(s.Skygear.Verify, at(path, "skygear", "verify"))
	c.redirect(s.Skygear.ForgotPassword.SuccessRedirect, at(path, "skygear", "forgot_password", "success_redirect"))
	c.redirect(s.Skygear.ForgotPassword.ErrorRedirect, at(path, "skygear", "forgot_password", "error_redirect"))
	for name, link := range s.Usergrid.Pages {
		c.oneOf(name, at(path, "usergrid", "pages", name), "resetpw", "activate", "confirm")
		c.redirect(link, at(path, "usergrid", "pages", name))
	}
	for i, prefix := range s.Usergrid.RedirectURIs {
		if _, ok := web.ReturnURL(prefix); !ok {
			c.fault(at(path, "usergrid", "redirect_uris", i), "%q is no URL such as https://app.example.com/done or myapp://done", prefix)
		}
	}
	c.social(s.Social, at(path, "social"))
}

func (c *checker) verify(s verifySpec, path []any) {
	if k := s.Criteria.Kind; k == yaml.ScalarNode {
		c.oneOf(s.Criteria.Value, at(path, "criteria"), "any", "all")
	} else if k != 0 && k != yaml.SequenceNode {
		c.fault(at(path, "criteria"), "criteria is any, all, or a list of keys")
	}
	c.redirect(s.SuccessRedirect, at(path, "success_redirect"))
	c.redirect(s.ErrorRedirect, at(path, "error_redirect"))
	for key, o := range s.KeyOptions {
		if !slices.Contains(s.Keys, key) {
			c.fault(at(path, "key_options", key), "%q is none of keys", key)
		}
		c.oneOf(o.CodeFormat, at(path, "key_options", key, "code_format"), "numeric", "complex")
		c.redirect(o.SuccessRedirect, at(path, "key_options", key, "success_redirect"))
		c.redirect(o.ErrorRedirect, at(path, "key_options", key, "error_redirect"))
	}
}

// redirect faults what is no address of a page.
func (c *checker) redirect(text string, path []any) {
	if u, err := url.Parse(text); text != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		c.fault(path, "%q is no URL such as https://app.example.com/done", text)
	}
}

// tellWithSecret are the providers that say for whom a token was issued to nobody but that app's server.
var tellWithSecret = []string{"github", "linkedin"}

func (c *checker) social(social map[string]socialSpec, path []any) {
	for name, s := range social {
		if !slices.Contains(socialProviders, name) {
			c.fault(at(path, name), "unknown provider %q", name)
		}
		for _, p := range s.providers {
			if name == "oidc" && (p.Name == "" || p.Issuer == "" || p.ClientID == "") {
				c.fault(at(path, name), "an OpenID Connect provider needs name, issuer and client_id")
			}
			if slices.Contains(tellWithSecret, name) && p.ClientID != "" && p.ClientSecret == "" {
				c.fault(at(path, name), "client_secret is missing: without it %s does not say for which client_id a token was issued", name)
			}
		}
	}
}

// settings turns the declared settings into the app's.
func (a appSpec) settings() (hecate.Settings, error) {
	s := a.Settings
	out := hecate.Settings{
		HideAccountExistence: s.HideAccountExistence,
		ConfirmSignUps:       s.ConfirmSignUps,
		Sandbox:              a.Sandbox,
		Password: hecate.PasswordPolicy{
			MinLength: s.Password.MinLength, Uppercase: s.Password.Uppercase, Lowercase: s.Password.Lowercase,
			Digit: s.Password.Digit, Symbol: s.Password.Symbol, Blocklist: s.Password.Blocklist,
			History: s.Password.History, ExpiryDays: s.Password.ExpiryDays,
		},
		Sessions: hecate.SessionSettings{
			TTL: time.Duration(s.Sessions.TTL), EndOnPasswordChange: s.Sessions.EndOnPasswordChange == "all",
			Signed: s.Skygear.TokenMode == "jwt",
		},
		LoginKeys:    s.Skygear.AuthRecordKeys,
		ClosedSchema: s.Skygear.SchemaOnSave != nil && !*s.Skygear.SchemaOnSave,
		Mail:         hecate.MailSettings{Sender: s.Mail.Sender, Language: s.Mail.Language, Templates: map[string]hecate.MailTemplate{}},
	}
	for name, t := range s.Mail.Templates {
		out.Mail.Templates[name] = hecate.MailTemplate{Subject: t.Subject, Text: t.Text, HTML: t.HTML}
	}
	var err error
	if out.Pages, err = pageTexts(s.Pages); err != nil {
		return out, err
	}
	if out.Dialects, err = a.dialectSettings(); err != nil {
		return out, err
	}
	out.Social = plainProviders(s.Social)
	return out, nil
}

// dialectSettings keeps each dialect's part as the plain values it will read.
func (a appSpec) dialectSettings() (map[string]map[string]any, error) {
	out := map[string]map[string]any{}
	for name, part := range map[string]any{"skygear": a.Settings.Skygear, "usergrid": a.Settings.Usergrid} {
		text, err := yaml.Marshal(part)
		if err != nil {
			return nil, fmt.Errorf("settings of %s: %w", name, err)
		}
		var plain map[string]any
		if err := yaml.Unmarshal(text, &plain); err != nil {
			return nil, fmt.Errorf("settings of %s: %w", name, err)
		}
		out[name] = plain
	}
	return out, nil
}

// MarshalYAML writes the text form.
func (d duration) MarshalYAML() (any, error) { return time.Duration(d).String(), nil }
