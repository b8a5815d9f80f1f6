package mail

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
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
	maxSource    = 32 << 10  // bytes, of one part
	maxSources   = 512 << 10 // of all templates of an app, which every reader of its settings carries along
	maxOutput    = 256 << 10
	maxSubject   = 250 // characters
	maxSender    = 320
	maxLanguage  = 35
	maxDepth     = 20  // of conditions and expressions in one another
	fullFact     = 250 // what a fact is like that is long, but not out of the common
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
	if s.Language != "" && !hecate.IsLanguage(s.Language) {
		return hecate.E(hecate.Invalid, op).On("mail.language").Says("want a language such as en or de-AT")
	}
	if err := CheckSize(s); err != nil {
		return err
	}
	for _, key := range sortedKeys(s.Templates) {
		if err := CheckTemplate(key, s.Templates[key]); err != nil {
			return hecate.E(hecate.Invalid, op).On("mail.templates." + key).Because(err)
		}
	}
	return nil
}

// CheckSize returns nil when an app's templates are not too many, and each has a name of its own. Kinds: TooLarge on "mail.templates",
// Invalid on "mail.templates.<mail>.<language>".
func CheckSize(s hecate.MailSettings) error {
	const op = "mail settings"
	if len(s.Templates) > maxTemplates {
		return hecate.E(hecate.TooLarge, op).On("mail.templates").With("max", maxTemplates).Says(fmt.Sprintf("more than %d templates", maxTemplates))
	}
	size, seen := 0, map[string]bool{}
	for _, key := range sortedKeys(s.Templates) {
		if folded := strings.ToLower(key); seen[folded] {
			return hecate.E(hecate.Invalid, op).On("mail.templates." + key).Says("there is one of that name already: case does not count")
		} else {
			seen[folded] = true
		}
		t := s.Templates[key]
		size += len(t.Subject) + len(t.Text) + len(t.HTML)
	}
	if size > maxSources {
		return hecate.E(hecate.TooLarge, op).On("mail.templates").With("max_bytes", maxSources).Says(fmt.Sprintf("all templates together are longer than %d bytes", maxSources))
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
	if len(sender) > maxSender {
		return nil, fmt.Errorf("a sender has at most %d bytes", maxSender)
	}
	a, err := mail.ParseAddress(sender)
	if strings.ContainsFunc(sender, unicode.IsControl) || err == nil && strings.ContainsFunc(a.Name+a.Address, unicode.IsControl) { // encoded words may hold them
		return nil, errors.New("no control characters in a sender")
	}
	if err != nil {
		return nil, fmt.Errorf("%q is no sender: %w", sender, err)
	}
	return a, nil
}

// CheckTemplate returns nil when a template can be used for the mail and language that its key, "<mail>.<language>", names.
// The error says what is wrong with which part.
func CheckTemplate(key string, t hecate.MailTemplate) error {
	name, language, ok := strings.Cut(key, ".")
	if _, known := factsOf(name); !ok || !known || !hecate.IsLanguage(language) {
		return fmt.Errorf("a template is named <mail>.<language>, such as reset.en; the mails are %s", strings.Join(All(), ", "))
	}
	if t.Text == "" && t.HTML == "" {
		return errors.New("a template needs a text, an html part, or both")
	}
	if strings.ContainsFunc(t.Subject, unicode.IsControl) {
		return errors.New("subject: one line only")
	}
	if err := errors.Join(checkPipes(t.Subject, name), checkPipes(t.Text, name), checkPipes(t.HTML, name)); err != nil {
		return err
	}
	empty := (&Letter{Name: name}).data()
	if _, err := fillAll(t, empty, name); err != nil {
		return err
	}
	_, err := render(t, fullFacts(empty), name)
	return err
}

// fullFacts are facts of which none is missing.
func fullFacts(empty map[string]string) map[string]string {
	full := make(map[string]string, len(empty))
	for fact := range empty {
		full[fact] = strings.Repeat("x", fullFact)
	}
	return full
}

// checkPipes runs every expression of a template by itself, also those in branches that no letter would take, on facts that are all there and on
// facts that are all missing: one that cannot work is found when it is saved, not when a letter needs it.
func checkPipes(source, name string) error {
	empty := (&Letter{Name: name}).data()
	c, root, err := parsed(source, empty, name)
	if err != nil || root == nil {
		return nil // whoever fills it says why
	}
	pipes := map[string]*parse.PipeNode{}
	for _, pipe := range pipesOf(root) {
		pipes[pipe.String()] = pipe
	}
	for _, data := range []map[string]string{empty, fullFacts(empty)} {
		for source, pipe := range pipes {
			t, err := text.New("letter").Parse("{{" + source + "}}")
			if err == nil {
				err = t.Execute(io.Discard, data)
			}
			if err != nil {
				return c.fault(pipe, "%s cannot work: %s", pipe, lastWords(err))
			}
		}
	}
	return nil
}

// lastWords are what Go says of an expression after what it is and where.
func lastWords(err error) string {
	msg := err.Error()
	if _, words, ok := strings.Cut(msg, ">: "); ok {
		return words
	}
	return msg
}

// pipesOf are the expressions in a template, those within others too.
func pipesOf(n parse.Node) []*parse.PipeNode {
	var found []*parse.PipeNode
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, inner := range n.Nodes {
			found = append(found, pipesOf(inner)...)
		}
	case *parse.ActionNode:
		return pipesOf(n.Pipe)
	case *parse.IfNode:
		return slices.Concat(pipesOf(n.Pipe), pipesOf(n.List), pipesOf(n.ElseList))
	case *parse.PipeNode:
		found = append(found, n)
		for _, command := range n.Cmds {
			for _, arg := range command.Args {
				found = append(found, pipesOf(arg)...)
			}
		}
	}
	return found
}

// All lists the letters that there are.
func All() []string { return slices.Sorted(maps.Keys(Names)) }

// Describe returns what a template of a letter may use, and the built-in one. Kinds: NotFound.
func Describe(name string) (facts []string, builtIn hecate.MailTemplate, err error) {
	facts, known := factsOf(name)
	if !known {
		return nil, hecate.MailTemplate{}, hecate.E(hecate.NotFound, "letter").On("letter")
	}
	builtIn, err = standard(name)
	return facts, builtIn, err
}

// rendered is a letter as it is read.
type rendered struct {
	subject    string
	text, html string // either may be missing
}

// render fills a template. One that says nothing is an error.
func render(t hecate.MailTemplate, data map[string]string, name string) (rendered, error) {
	out, err := fillAll(t, data, name)
	if err == nil && strings.TrimSpace(out.text) == "" && strings.TrimSpace(out.html) == "" {
		return rendered{}, errors.New("the letter would be empty")
	}
	return out, err
}

// fillAll fills the parts of a template.
func fillAll(t hecate.MailTemplate, data map[string]string, name string) (rendered, error) {
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
	out.subject = cutSubject(out.subject)
	return out, nil
}

// cutSubject is one line that is not too long.
func cutSubject(text string) string {
	text = oneLine(text)
	if runes := []rune(text); len(runes) > maxSubject {
		return string(runes[:maxSubject]) + "…"
	}
	return text
}

// fill fills one part of a template.
func fill(source string, asHTML bool, data map[string]string, name string) (string, error) {
	if _, _, err := parsed(source, data, name); err != nil {
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

// parsed refuses whatever is outside the small language, and facts that the letter does not have. The root of an empty template is nil.
func parsed(source string, data map[string]string, name string) (*checker, *parse.ListNode, error) {
	if len(source) > maxSource {
		return nil, nil, fmt.Errorf("longer than %d bytes", maxSource)
	}
	trees, err := parse.Parse("letter", source, "", "", functions)
	if err != nil {
		return nil, nil, plainer(err)
	}
	if len(trees) > 1 {
		return nil, nil, errors.New("define and block are not offered")
	}
	tree := trees["letter"]
	if tree == nil || tree.Root == nil {
		return nil, nil, nil
	}
	c := &checker{tree: tree, data: data, letter: name}
	return c, tree.Root, c.node(tree.Root)
}

type checker struct {
	tree   *parse.Tree
	data   map[string]string
	letter string
	depth  int
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
		return c.within(n, n.Pipe, n.List, n.ElseList)
	case *parse.PipeNode:
		if len(n.Decl) > 0 {
			return c.fault(n, "variables are not offered")
		}
		return c.within(n, nodes(n.Cmds)...)
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

// within checks what is nested in a condition or an expression.
func (c *checker) within(n parse.Node, inner ...parse.Node) error {
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > maxDepth {
		return c.fault(n, "nested too deeply")
	}
	return each(c, inner)
}

func nodes[T parse.Node](of []T) []parse.Node {
	out := make([]parse.Node, len(of))
	for i, n := range of {
		out[i] = n
	}
	return out
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
			if out.subject == "" { // its facts are missing
				subject, err := fill(plain.Subject, false, data, l.Name)
				out.subject = cutSubject(subject)
				return out, err
			}
			return out, nil
		}
	}
	return render(plain, data, l.Name)
}

// escapeActions is a template for exactly that text.
func escapeActions(text string) string { return strings.ReplaceAll(text, "{", `{{"{"}}`) }

// candidates are the app's own templates for a letter, the best first.
func candidates(l *Letter) []hecate.MailTemplate {
	have := map[string]hecate.MailTemplate{}
	for key, t := range l.Settings.Templates {
		have[strings.ToLower(key)] = t
	}
	var found []hecate.MailTemplate
	for _, language := range hecate.Languages(l.Language, l.Settings.Language, "en") {
		if t, ok := have[l.Name+"."+language]; ok {
			found = append(found, t)
		}
	}
	return found
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
