package engine

import (
	"context"
	"maps"

	"hecate"
	"hecate/internal/mail"
)

// MailChange changes how an app's letters look. What is nil stays.
type MailChange struct {
	Sender, Language *string
	Templates        map[string]*hecate.MailTemplate // by "<mail>.<language>"; nil takes one away
}

// over is the change made to settings, which stay as they are.
func (c MailChange) over(s hecate.MailSettings) hecate.MailSettings {
	set(&s.Sender, c.Sender)
	set(&s.Language, c.Language)
	s.Templates = maps.Clone(s.Templates)
	for name, t := range c.Templates {
		if t == nil {
			delete(s.Templates, name)
			continue
		}
		if s.Templates == nil {
			s.Templates = map[string]hecate.MailTemplate{}
		}
		s.Templates[name] = *t
	}
	return s
}

// UpdateMail changes how the letters of the actor's app look. Kinds: Forbidden; those of mail.Check: Invalid on "mail.sender", "mail.language"
// or "mail.templates.<mail>.<language>", TooLarge on "mail.templates".
func (e *Engine) UpdateMail(ctx context.Context, actor *hecate.Actor, in MailChange) (*AppDetail, error) {
	app, err := inApp(actor, "update mail")
	if err != nil {
		return nil, err
	}
	if err := mail.Check(in.over(hecate.MailSettings{})); err != nil { // outside the write; templates take their time
		return nil, err
	}
	return e.UpdateApp(ctx, actor, app.ID, UpdateAppInput{Adjust: func(s *hecate.Settings) error {
		s.Mail = in.over(s.Mail)
		return mail.CheckSize(s.Mail)
	}})
}

// LetterKind is a letter that there is: the facts that its templates may use, and the template that Hecate brings.
type LetterKind struct {
	Name    string
	Facts   []string
	BuiltIn hecate.MailTemplate
}

// LetterKinds lists the letters that there are, by name.
func LetterKinds() ([]LetterKind, error) {
	var kinds []LetterKind
	for _, name := range mail.All() {
		facts, builtIn, err := mail.Describe(name)
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, LetterKind{name, facts, builtIn})
	}
	return kinds, nil
}
