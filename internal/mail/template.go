package mail

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/mail"
	"slices"
	"strings"
	text "text/template"
	"text/template/parse"
	"unicode"

	"hecate"
)

// The language of templates is a small part of Go's: facts ({{.link}}), conditions ({{if .name}} … {{else}} … {{end}}) and
// the functions below. Without loops, definitions and functions that make long texts out of short ones, a letter takes time and
// room in proportion to its template.

const (
	maxTemplates = 200
	maxSource    = 32 << 10
	maxOutput    = 256 << 10
	maxSubject   = 250 // characters
)

// functions are the only ones a template may call; Go's templates bring them.
var functions = map[string]any{"and": true, "or": true, "not": true, "eq": true, "ne": true}

//go:embed templates
var builtIn embed.FS

// Check returns nil when an app's mail settings can be used. Kinds: Invalid on "mail.sender", "mail.language" or
// "mail.templates.<mail>.<language>", TooLarge on "mail.templates".
func Check(s hecate.MailSettings) error {
	const op = "mail settings"
	if s.Sender != "" {
		if _, err := ParseSender(s.Sender); err != nil {
			return hecate.E(hecate.Invalid, op).On("mail.sender").Because(err)
		}
	}
	if s.Language != "" && !isLanguage(s.Language) {
		return hecate.E(hecate.Invalid, op).On("mail.language").Says("want a language such as en or de-AT")
	}
	if len(s.Templates) > maxTemplates {
		return hecate.E(hecate.TooLarge, op).On("mail.templates").With("max", maxTemplates)
	}
	for _, key := range sortedKeys(s.Templates) {
		if err := CheckTemplate(key, s.Templates[key]); err != nil {
			return hecate.E(hecate.Invalid, op).On("mail.templates." + key).Because(err)
		}
	}
	return nil
}

func sortedKeys(m map[string]hecate.MailTemplate) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// ParseSender reads an address, perhaps with a name before it: "Books <no-reply@example.com>".
func ParseSender(sender string) (*mail.Address, error) {
	if strings.ContainsFunc(sender, unicode.IsControl) {
		return nil, errors.New("no control characters in a sender")
	}
	a, err := mail.ParseAddress(sender)
	if err != nil {
		return nil, fmt.Errorf("%q is no sender: %w", sender, err)
	}
	return a, nil
}

// isLanguage reports whether the text has the shape of a language tag.
func isLanguage(tag string) bool {
	for i, part := range strings.Split(tag, "-") {
		if len(part) < 1 || len(part) > 8 || i == 0 && len(part) < 2 ||
			strings.ContainsFunc(part, func(r rune) bool { return r >= 0x80 || !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			return false
		}
	}
	return true
}

// CheckTemplate returns nil when a template can be used for the mail and language that its key, "<mail>.<language>", names.
// The error says what is wrong with which part.
func CheckTemplate(key string, t hecate.MailTemplate) error {
	name, language, ok := strings.Cut(key, ".")
	if _, known := factsOf(name); !ok || !known || !isLanguage(language) {
		return fmt.Errorf("a template is named <mail>.<language>, such as reset.en; the mails are %s", strings.Join(mails(), ", "))
	}
	if t.Text == "" && t.HTML == "" {
		return errors.New("a template needs a text, an html part, or both")
	}
	if strings.ContainsFunc(t.Subject, unicode.IsControl) {
		return errors.New("subject: one line only")
	}
	l := Letter{Name: name, To: "someone@example.com", App: "app", Secret: hecate.NewSecret("ticket"), Link: hecate.NewSecret("https://example.com/")}
	_, err := render(t, l.data(), name)
	return err
}

func mails() []string {
	var names []string
	for name := range Names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// rendered is a letter as it is read.
type rendered struct {
	subject    string
	text, html string // either may be missing
}

// render fills a template.
func render(t hecate.MailTemplate, data map[string]string, name string) (rendered, error) {
	var out rendered
	var err error
	for _, part := range []struct {
		what   string
		source string
		html   bool
		into   *string
	}{{"subject", t.Subject, false, &out.subject}, {"text", t.Text, false, &out.text}, {"html", t.HTML, true, &out.html}} {
		if part.source == "" {
			continue
		}
		if *part.into, err = fill(part.source, part.html, data, name); err != nil {
			return rendered{}, fmt.Errorf("%s: %w", part.what, err)
		}
	}
	out.subject = oneLine(out.subject)
	if runes := []rune(out.subject); len(runes) > maxSubject {
		out.subject = string(runes[:maxSubject]) + "…"
	}
	return out, nil
}

// fill fills one part of a template.
func fill(source string, asHTML bool, data map[string]string, name string) (string, error) {
	if err := checkSource(source, data, name); err != nil {
		return "", err
	}
	var out bounded
	if asHTML {
		t, err := template.New("html").Option("missingkey=error").Parse(source)
		if err != nil {
			return "", plainer(err)
		}
		err = t.Execute(&out, data)
		return out.String(), plainer(err)
	}
	t, err := text.New("text").Option("missingkey=error").Parse(source)
	if err != nil {
		return "", plainer(err)
	}
	err = t.Execute(&out, data)
	return out.String(), plainer(err)
}

// plainer takes the names that Go gives to templates and their functions off a message.
func plainer(err error) error {
	if err == nil {
		return nil
	}
	msg := err.Error()
	for _, prefix := range []string{"html/template:", "template: ", "html:", "text:", "letter:"} {
		msg = strings.TrimPrefix(msg, prefix)
	}
	return fmt.Errorf("line %s", msg)
}

// checkSource refuses whatever is outside the small language, and facts that the letter does not have.
func checkSource(source string, data map[string]string, name string) error {
	if len(source) > maxSource {
		return fmt.Errorf("longer than %d bytes", maxSource)
	}
	trees, err := parse.Parse("letter", source, "", "", functions)
	if err != nil {
		return plainer(err)
	}
	if len(trees) > 1 {
		return errors.New("define and block are not offered")
	}
	tree := trees["letter"]
	if tree == nil || tree.Root == nil {
		return nil
	}
	return (&checker{tree: tree, data: data, letter: name}).node(tree.Root)
}

type checker struct {
	tree   *parse.Tree
	data   map[string]string
	letter string
}

func (c *checker) fault(n parse.Node, format string, args ...any) error {
	location, _ := c.tree.ErrorContext(n)
	return plainer(fmt.Errorf("%s: %s", location, fmt.Sprintf(format, args...)))
}

// node checks one node and those below it. What is not named here is not offered.
func (c *checker) node(n parse.Node) error {
	switch n := n.(type) {
	case *parse.TextNode, *parse.CommentNode, *parse.StringNode, *parse.BoolNode, *parse.IdentifierNode:
		return nil
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		return each(c, n.Nodes)
	case *parse.ActionNode:
		return c.node(n.Pipe)
	case *parse.IfNode:
		return errors.Join(c.node(n.Pipe), c.node(n.List), c.node(n.ElseList))
	case *parse.PipeNode:
		if len(n.Decl) > 0 {
			return c.fault(n, "variables are not offered")
		}
		return each(c, n.Cmds)
	case *parse.CommandNode:
		return each(c, n.Args)
	case *parse.FieldNode:
		if _, known := c.data[n.Ident[0]]; !known || len(n.Ident) > 1 {
			return c.fault(n, "the letter %s has no fact %s; it has %s", c.letter, n, strings.Join(factNames(c.data), ", "))
		}
		return nil
	}
	return c.fault(n, "%s is not offered in letters", n)
}

func each[T parse.Node](c *checker, nodes []T) error {
	for _, n := range nodes {
		if err := c.node(n); err != nil {
			return err
		}
	}
	return nil
}

func factNames(data map[string]string) []string {
	var names []string
	for name := range data {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// bounded is a text that refuses to grow beyond maxOutput.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxOutput {
		return 0, fmt.Errorf("longer than %d bytes", maxOutput)
	}
	return b.Builder.Write(p)
}

// compose writes a letter in the best language there is: the recipient's ("de-AT", then "de"), the app's, English. A template of
// the app that fails (its facts grew too long) gives way to the next one, so that the letter is sent all the same.
func compose(l *Letter) (rendered, error) {
	data := l.data()
	plain, err := standard(l.Name)
	if err != nil {
		return rendered{}, err
	}
	if l.Subject != "" {
		data := strings.NewReplacer("{address}", oneLine(l.To)).Replace(l.Subject)
		plain.Subject = escapeActions(oneLine(data))
	}
	for _, t := range candidates(l) {
		if t.Subject == "" {
			t.Subject = plain.Subject
		}
		if out, err := render(t, data, l.Name); err == nil {
			return out, nil
		}
	}
	return render(plain, data, l.Name)
}

// escapeActions keeps a text from being read as a template.
func escapeActions(text string) string { return strings.ReplaceAll(text, "{{", "{ {") }

// candidates are the app's own templates for a letter, the best first.
func candidates(l *Letter) []hecate.MailTemplate {
	have := map[string]hecate.MailTemplate{}
	for key, t := range l.Settings.Templates {
		have[strings.ToLower(key)] = t
	}
	var found []hecate.MailTemplate
	for _, language := range languages(l.Language, l.Settings.Language, "en") {
		if t, ok := have[l.Name+"."+language]; ok {
			found = append(found, t)
		}
	}
	return found
}

// languages are the tags, each followed by what is more general, in lower case, without repetitions.
func languages(tags ...string) []string {
	var out []string
	for _, tag := range tags {
		tag = strings.ToLower(strings.ReplaceAll(tag, "_", "-"))
		for tag != "" {
			if !slices.Contains(out, tag) {
				out = append(out, tag)
			}
			at := strings.LastIndexByte(tag, '-')
			tag = tag[:max(at, 0)]
		}
	}
	return out
}

// standard is the built-in template of a letter: the first line of its text is the subject, and the html goes into the frame.
func standard(name string) (hecate.MailTemplate, error) {
	if _, known := Names[name]; !known {
		return hecate.MailTemplate{}, &Refused{fmt.Errorf("no letter is called %q", name)}
	}
	var files [3]string
	for i, file := range []string{name + ".txt", name + ".html", "frame.html"} {
		raw, err := builtIn.ReadFile("templates/" + file)
		if err != nil {
			return hecate.MailTemplate{}, err
		}
		files[i] = string(raw)
	}
	subject, body, _ := strings.Cut(files[0], "\n")
	return hecate.MailTemplate{
		Subject: strings.TrimPrefix(subject, "Subject: "), Text: strings.TrimLeft(body, "\n"), HTML: strings.Replace(files[2], "<!-- letter -->", files[1], 1),
	}, nil
}
