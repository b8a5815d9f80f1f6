package usergrid

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"hecate"
	"hecate/internal/web"
)

// The pages behind links in letters: contracts/usergrid.md 6.6. Opening one changes nothing, since scanners of mail open links; its form, with the same
// parameters, acts.

// wording are the sentences of the pages that contracts/usergrid.md 6.6 has word for word, and those of broken password rules.
var wording = web.Pages{English: withWeaknesses(map[hecate.PageText]string{
	hecate.TextResetSent:      "Email with instructions for password reset sent to {address}",
	hecate.TextResetNoAddress: "No email provided, try again...",
	hecate.TextResetUnknown:   "We don't recognize that email, try again...",
	hecate.TextResetInvalid:   "Sorry, you have an invalid token. Let's try again...",
	hecate.TextResetMismatch:  "Passwords didn't match, let's try again...",
	hecate.TextResetEmpty:     "No password provided, try again...",
	hecate.TextResetDone:      "New password set for {address}",
	hecate.TextLinkDead:       "Sorry, you have an invalid token. The link may have been used already, or a newer one has been sent.",
})}

// withWeaknesses adds what the wire says of passwords that break a rule.
func withWeaknesses(texts map[hecate.PageText]string) map[hecate.PageText]string {
	for reason, text := range weaknesses {
		texts[hecate.PageText("password_"+reason)] = strings.TrimSpace(strings.ReplaceAll(text, "%v", "{min}"))
	}
	texts[hecate.TextPasswordReused] = recentlyUsedPassword().description
	return texts
}

// shortestTicket is the length below which a text is a code for people to type, which is none of a link.
const shortestTicket = 20

// ticketOf is the ticket of a request: of its form, else of its address. ok is false for what cannot be one of a link.
func ticketOf(r *web.Request, f form) (ticket hecate.Secret, ok bool) {
	text := strings.TrimSpace(f.text("token"))
	if text == "" {
		text = strings.TrimSpace(r.QueryOne("token"))
	}
	return hecate.NewSecret(text), len(text) >= shortestTicket
}

// isBadTicket reports whether a ticket does not count, for whatever reason.
func isBadTicket(err error) bool {
	return errors.Is(err, hecate.BadToken) || errors.Is(err, hecate.Expired) || errors.Is(err, hecate.NotFound)
}

// badTicket is the error of what is no ticket at all.
func badTicket() error { return hecate.E(hecate.BadToken, "check ticket").On("token") }

// pageForm reads the form of a page; GET has none.
func pageForm(r *web.Request) (form, error) {
	if r.Method != http.MethodPost {
		return form{r: r}, nil
	}
	return readForm(r)
}

// Where links of letters lead: contracts/usergrid.md 6.5. It is the operator who says under which URL, never the request's Host.

// pagesURL is the base of links in letters, with the dialect's prefix.
func (a *api) pagesURL(prefix string) string {
	if a.pages != nil {
		return a.pages()
	}
	return a.publicURL() + prefix
}

// The settings of an application for pages of its own; docs/settings.md.
const settingPages = "pages"

// userLink is where a letter to a user of an application leads: to the page of that name here, or to the operator's own.
func (a *api) userLink(c *call, name string) string {
	pages, _ := c.app.Settings.Dialects[dialectName][settingPages].(map[string]any)
	if own, _ := pages[name].(string); own != "" {
		return ownPage(own)
	}
	return a.pagesURL(c.prefix) + "/" + url.PathEscape(strings.ToLower(c.app.OrgName)) + "/" + url.PathEscape(strings.ToLower(c.app.Name)) +
		"/users/{user}/" + name + "?token={ticket}"
}

// ownPage is the operator's page with what it has to know of the letter.
func ownPage(link string) string {
	for _, param := range []struct{ mark, name string }{{"{user}", "user"}, {"{ticket}", "token"}} {
		if strings.Contains(link, param.mark) {
			continue
		}
		sign := "?"
		if strings.Contains(link, "?") {
			sign = "&"
		}
		link += sign + param.name + "=" + param.mark
	}
	return link
}

// adminLink is where a letter to an admin leads.
func (a *api) adminLink(r *web.Request, name string) string {
	return a.pagesURL(r.Prefix()) + "/management/users/{admin}/" + name + "?token={ticket}"
}
