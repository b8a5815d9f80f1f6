package native

import (
	"net/http"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// letterShape is a letter that waits or failed. What it says is nobody's business but its reader's.
type letterShape struct {
	ID        hecate.LetterID `json:"id"`
	Letter    string          `json:"letter"`
	To        string          `json:"to"`
	User      *hecate.UserID  `json:"user"` // whom it is about, if anybody
	State     string          `json:"state"`
	Attempts  int             `json:"attempts"`
	Reason    string          `json:"reason"` // why the last attempt failed
	CreatedAt time.Time       `json:"created_at"`
	NextTryAt *time.Time      `json:"next_try_at"` // null unless it waits
	FailedAt  *time.Time      `json:"failed_at"`   // null unless it failed
}

// letterStates are the states that can be asked for.
var letterStates = map[string]hecate.LetterState{"waiting": hecate.LetterWaiting, "failed": hecate.LetterFailed}

func shapeLetter(l *hecate.Letter) letterShape {
	s := letterShape{
		ID: l.ID, Letter: l.Name, To: l.Address, State: "waiting", Attempts: l.Attempts, Reason: l.LastError, CreatedAt: l.CreatedAt.UTC(),
	}
	if l.User != "" {
		s.User = &l.User
	}
	switch at := l.DueAt.UTC(); {
	case l.State == hecate.LetterFailed:
		ended := l.EndedAt.UTC()
		s.State, s.FailedAt = "failed", &ended
	case l.Claimed:
		s.State = "sending"
	default:
		s.NextTryAt = &at
	}
	return s
}

// lettersPage is a run of letters. Next, when there is more, is the value of `after` that continues it.
type lettersPage struct {
	Items []letterShape    `json:"items"`
	Next  *hecate.LetterID `json:"next"`
}

// letterListOf reads `state`, `after` and `limit`. Kinds: Invalid on either.
func letterListOf(r *web.Request) (engine.LetterList, error) {
	list := engine.LetterList{After: hecate.LetterID(r.QueryOne("after"))}
	if text := r.QueryOne("state"); text != "" {
		state, known := letterStates[text]
		if !known {
			return list, invalid("state", `must be "waiting" or "failed"`)
		}
		list.State = &state
	}
	var err error
	list.Limit, err = limitOf(r)
	return list, err
}

func (a *api) letters(w *web.Response, r *web.Request, c caller) error {
	list, err := letterListOf(r)
	if err != nil {
		return err
	}
	page, err := a.engine.Letters(r.Context(), c, list)
	if err != nil {
		return err
	}
	out := lettersPage{Items: make([]letterShape, 0, len(page.Rows))}
	for _, l := range page.Rows {
		out.Items = append(out.Items, shapeLetter(l))
	}
	if page.More && len(page.Rows) > 0 {
		out.Next = &page.Rows[len(page.Rows)-1].ID
	}
	return w.JSON(http.StatusOK, out)
}

// retryLetter has a letter sent at the next turn.
func (a *api) retryLetter(w *web.Response, r *web.Request, c caller) error {
	l, err := a.engine.RetryLetter(r.Context(), c, hecate.LetterID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return w.JSON(http.StatusOK, shapeLetter(l))
}

// dropLetter gives a letter up.
func (a *api) dropLetter(w *web.Response, r *web.Request, c caller) error {
	if err := a.engine.DropLetter(r.Context(), c, hecate.LetterID(r.PathValue("id"))); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// mailShape is how the letters of an app look.
type mailShape struct {
	Sender    string                   `json:"sender"`   // "" is the server's
	Language  string                   `json:"language"` // "" is English
	Templates map[string]templateShape `json:"templates"`
	Editable  bool                     `json:"editable"` // by the caller
	Letters   []kindShape              `json:"letters"`
}

type templateShape struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
}

// kindShape is a letter that there is, with the facts for its templates and the template that Hecate brings.
type kindShape struct {
	Letter  string        `json:"letter"`
	Facts   []string      `json:"facts"`
	BuiltIn templateShape `json:"built_in"`
}

func (a *api) shapeMail(s hecate.MailSettings, c caller) (mailShape, error) {
	out := mailShape{Sender: s.Sender, Language: s.Language, Templates: map[string]templateShape{}, Editable: !a.fixedMail && c.Role >= hecate.FullRole}
	for name, t := range s.Templates {
		out.Templates[name] = templateShape(t)
	}
	kinds, err := engine.LetterKinds()
	for _, k := range kinds {
		out.Letters = append(out.Letters, kindShape{k.Name, k.Facts, templateShape(k.BuiltIn)})
	}
	return out, err
}

func (a *api) mail(w *web.Response, _ *web.Request, c caller) error {
	s, err := a.shapeMail(c.App.Settings.Mail, c)
	if err != nil {
		return err
	}
	return w.JSON(http.StatusOK, s)
}

// updateMail changes what the body names; a template that is null is taken away. Where anybody may register, letters look as the operator
// says: else his mail server would carry whatever anybody writes to whomever he likes.
func (a *api) updateMail(w *web.Response, r *web.Request, c caller) error {
	if a.fixedMail {
		return hecate.E(hecate.Forbidden, "update mail")
	}
	var in struct {
		Sender    *string                   `json:"sender"`
		Language  *string                   `json:"language"`
		Templates map[string]*templateShape `json:"templates"`
	}
	if err := r.DecodeInto(&in); err != nil {
		return err
	}
	change := engine.MailChange{Sender: in.Sender, Language: in.Language, Templates: map[string]*hecate.MailTemplate{}}
	for name, t := range in.Templates {
		change.Templates[name] = (*hecate.MailTemplate)(t)
	}
	d, err := a.engine.UpdateMail(r.Context(), c, change)
	if err != nil {
		return err
	}
	s, err := a.shapeMail(d.App.Settings.Mail, c)
	if err != nil {
		return err
	}
	return w.JSON(http.StatusOK, s)
}

// sampleFacts stand for what a letter would tell.
var sampleFacts = map[string]string{
	"username": "sample", "user": "sample", "key": "email", "code": "12345678", "inviter": "Sample Inviter", "role": "full", "expires": "1 January 2100 12:00 UTC",
}

// sampleLetter sends the caller a letter as it looks with the templates that are saved. It goes to nobody else.
func (a *api) sampleLetter(w *web.Response, r *web.Request, c caller) error {
	var in struct {
		Letter   string `json:"letter"`
		Language string `json:"language"`
	}
	if err := r.DecodeInto(&in); err != nil {
		return err
	}
	facts := map[string]string{"name": c.Admin.Name}
	for name, v := range sampleFacts {
		facts[name] = v
	}
	err := a.engine.TryLetter(r.Context(), c, c.Admin.Email, engine.UserLetter{
		Mailing: engine.Mailing{Letter: in.Letter, Language: in.Language, Link: "/#{ticket}"}, Fields: facts,
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// letterForgot is the letter with a link to set a new password; it leads to the console, which calls reset.
var letterForgot = engine.Mailing{Link: "/console/#reset={uid}/{ticket}"}

// forgot asks for a letter to set a new password. The answer is the same whoever has the address.
func (a *api) forgot(w *web.Response, r *web.Request, _ caller) error {
	var in struct {
		Email string `json:"email"`
	}
	if err := r.DecodeInto(&in); err != nil {
		return err
	}
	if !engine.IsAddress(in.Email) {
		return invalid("email", "must be an address")
	}
	if err := a.engine.ForgotAdmin(r.Context(), in.Email, letterForgot); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}
