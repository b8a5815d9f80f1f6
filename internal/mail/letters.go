package mail

import (
	"slices"
	"strings"
	"unicode"
)

// common are the facts that every letter has. Any of them may be empty.
var common = []string{
	"app",      // the app's name
	"alias",    // its server-wide name
	"org",      // its org's name
	"address",  // where the letter goes
	"name",     // the recipient's own name, as far as it is known
	"username", // the recipient's username
	"base",     // the server's public URL
}

// ticketed are the facts of a letter that carries a ticket.
var ticketed = []string{
	"link",    // where to go, the ticket included
	"ticket",  // the ticket itself, or the short code
	"uid",     // the admin, where a form asks for it beside the ticket
	"expires", // until when the ticket counts
}

// Names lists the letters there are with the facts each one has beside the common ones. Templates may use no others.
var Names = map[string][]string{
	"activate":  ticketed,                                             // the address of a new account, or a changed one, is to be confirmed
	"confirm":   ticketed,                                             // the same, where somebody else still has to approve the account
	"confirmed": nil,                                                  // the address is confirmed, the approval is yet to come
	"activated": nil,                                                  // the account can be used
	"approve":   append([]string{"user"}, ticketed...),                // to who decides: this user waits for approval
	"reset":     ticketed,                                             // a forgotten password
	"verify":    append([]string{"key", "user", "code"}, ticketed...), // an address, by link or code; key is the field that holds it
	"pin":       {"ticket", "pin"},                                    // a PIN to log in with
	"invite":    append([]string{"inviter", "role"}, ticketed...),
	"member":    {"inviter"}, // the recipient manages an org from now on
	"welcome":   {"user"},    // to a new user
	"moved":     nil,         // to the old address: the account has another one
	"known":     nil,         // to an address with which somebody signed up that an account has, where the app hides who has one
	"taken":     {"what"},    // the same, where it is another name that somebody has: what is the field that holds it

	"arrived":       {"user"}, // to who decides: this account can be used now
	"org-approve":   ticketed, // to who decides: this org waits for approval
	"org-confirm":   ticketed, // to the members of a new org
	"org-confirmed": nil,      // to them: it is confirmed, the approval is yet to come
	"org-activated": nil,      // to them: the org can be used
}

// factsOf are all facts of a letter. known is false for a letter that there is not.
func factsOf(name string) (facts []string, known bool) {
	own, known := Names[name]
	return slices.Concat(common, own), known
}

// secretFacts reach the letter as they are: they are ours.
var secretFacts = []string{"link", "ticket", "code", "uid", "pin", "base", "expires", "address"}

// maxFact is how many characters of a fact that others chose reach a letter.
const maxFact = 200

// data are the facts of a letter as templates see them: every fact that the letter has, be it empty.
func (l *Letter) data() map[string]string {
	facts, _ := factsOf(l.Name)
	data := make(map[string]string, len(facts))
	for _, fact := range facts {
		data[fact] = l.Fields[fact]
	}
	data["app"], data["address"] = l.App, l.To
	for fact, v := range map[string]string{"link": l.Link.Reveal(), "ticket": l.Secret.Reveal(), "pin": l.Secret.Reveal()} {
		if slices.Contains(facts, fact) {
			data[fact] = v
		}
	}
	for fact, v := range data {
		data[fact] = oneLine(v)
		if !slices.Contains(secretFacts, fact) {
			data[fact] = chosen(data[fact])
		}
	}
	return data
}

// oneLine keeps what others chose from adding lines, in headers and texts, and from turning the direction of the text.
func oneLine(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case '\u202a' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069':
			return -1
		}
		return r
	}, text))
}

// chosen is a fact that a user chose: no longer than a name, and no address of a page. Whoever signs a stranger's address up
// under the name "click https://…" would have us send his text.
func chosen(text string) string {
	lower := strings.ToLower(text)
	if strings.Contains(lower, "://") || strings.Contains(lower, "www.") {
		return ""
	}
	if runes := []rune(text); len(runes) > maxFact {
		return string(runes[:maxFact]) + "…"
	}
	return text
}
