package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// spec is the declared state of a server, as `hecate apply` reads it.
type spec struct {
	Admins []adminSpec           `yaml:"admins"`
	Orgs   []orgSpec             `yaml:"orgs"`
	Apps   []appSpec             `yaml:"apps"`
	Social map[string]socialSpec `yaml:"social"` // by which admins may come in

	root yaml.Node // the same text as a tree, for line numbers
}

type adminSpec struct {
	Email      string `yaml:"email"`
	Password   string `yaml:"password"`
	Name       string `yaml:"name"`
	Username   string `yaml:"username"`
	AccountKey string `yaml:"account_key"`
}

type orgSpec struct {
	Name         string   `yaml:"name"`
	Admins       []string `yaml:"admins"`
	ClientID     string   `yaml:"client_id"`
	ClientSecret string   `yaml:"client_secret"`
}

type appSpec struct {
	Org          string       `yaml:"org"`
	Name         string       `yaml:"name"`
	Alias        string       `yaml:"alias"`
	ClientID     string       `yaml:"client_id"`
	ClientSecret string       `yaml:"client_secret"`
	Sandbox      bool         `yaml:"sandbox"`
	Keys         []keySpec    `yaml:"keys"`
	Users        []userSpec   `yaml:"users"`
	Settings     settingsSpec `yaml:"settings"`
}

type keySpec struct {
	Name               string `yaml:"name"`
	Key                string `yaml:"key"`
	AllowUserCreate    bool   `yaml:"allow_user_create"`
	AllowGroupCreate   bool   `yaml:"allow_group_create"`
	AllowAnonymousRead bool   `yaml:"allow_anonymous_read"`
	IgnoreACL          bool   `yaml:"ignore_acl"`
	Master             bool   `yaml:"master"`
}

type userSpec struct {
	Username string   `yaml:"username"`
	Email    string   `yaml:"email"`
	Password string   `yaml:"password"`
	Roles    []string `yaml:"roles"`
}

// lineError is "LINE: reason", to be put behind "FILE:".
func lineError(line int, format string, args ...any) error {
	return fmt.Errorf("%d: %s", line, fmt.Sprintf(format, args...))
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s*)?line (\d+): (.*)$`)

// parseSpec reads the text of a file and checks every value in it. The error names the file, and the
// line of the first thing that is wrong.
func parseSpec(file string, text []byte) (*spec, error) {
	s, err := readSpec(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", file, err)
	}
	return s, nil
}

func readSpec(text []byte) (*spec, error) {
	var s spec
	if err := yaml.Unmarshal(text, &s.root); err != nil {
		return nil, placeYAMLError(err, &s.root)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&s); err != nil && !errors.Is(err, io.EOF) {
		return nil, placeYAMLError(err, &s.root)
	}
	if err := d.Decode(new(spec)); !errors.Is(err, io.EOF) {
		return nil, lineError(1, "more than one document")
	}
	c := checker{root: &s.root}
	c.spec(&s)
	if len(c.faults) > 0 {
		return nil, c.faults[0]
	}
	return &s, nil
}

// placeYAMLError turns the library's wording into "LINE: reason".
func placeYAMLError(err error, root *yaml.Node) error {
	message := err.Error()
	var several *yaml.TypeError
	if errors.As(err, &several) && len(several.Errors) > 0 {
		message = several.Errors[0]
	}
	m := yamlLine.FindStringSubmatch(message)
	if m == nil {
		return fmt.Errorf("1: %s", strings.TrimPrefix(message, "yaml: "))
	}
	reason := m[2]
	if field, rest, ok := strings.Cut(reason, " not found in type"); ok && rest != "" {
		reason = "unknown " + field
	}
	if line, err := strconv.Atoi(m[1]); err == nil && strings.HasPrefix(reason, "cannot unmarshal") {
		if key := keyOnLine(root, line, reason); key != "" {
			reason = key + ": " + reason
		}
	}
	return fmt.Errorf("%s: %s", m[1], reason)
}

// keyOnLine finds the name of the value that stands on a line and that the library's reason quotes, "" when it is not found.
func keyOnLine(n *yaml.Node, line int, reason string) string {
	for i, inner := range n.Content {
		isValue := n.Kind == yaml.MappingNode && i%2 == 1
		if isValue && inner.Line == line && inner.Kind == yaml.ScalarNode && strings.Contains(reason, "`"+inner.Value+"`") {
			return n.Content[i-1].Value
		}
		if key := keyOnLine(inner, line, reason); key != "" {
			return key
		}
	}
	return ""
}

// checker walks the values and remembers what is wrong, each at its line.
type checker struct {
	root   *yaml.Node
	faults []error
}

func (c *checker) fault(path []any, format string, args ...any) {
	c.faults = append(c.faults, lineError(lineOf(c.root, path), format, args...))
}

// lineOf returns the line of the value at a path of map keys and list
// indexes, or of the deepest part of the path that exists.
func lineOf(n *yaml.Node, path []any) int {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	line := max(n.Line, 1)
	for _, step := range path {
		next := child(n, step)
		if next == nil {
			return line
		}
		n, line = next, next.Line
	}
	return line
}

func child(n *yaml.Node, step any) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch step := step.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && step < len(n.Content) {
			return n.Content[step]
		}
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

var (
	hex40 = regexp.MustCompile(`^[0-9a-f]{40}$`)
	plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	email = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
)

func (c *checker) spec(s *spec) {
	admins, orgs := map[string]bool{}, map[string]bool{}
	for i, a := range s.Admins {
		c.admin(a, []any{"admins", i}, admins)
	}
	for i, o := range s.Orgs {
		c.org(o, []any{"orgs", i}, orgs)
	}
	aliases := map[string]bool{}
	for i, a := range s.Apps {
		c.app(a, []any{"apps", i}, aliases)
	}
	c.social(s.Social, []any{"social"})
}

func at(path []any, more ...any) []any { return append(append([]any{}, path...), more...) }

func (c *checker) once(seen map[string]bool, name string, path []any, what string) {
	if name = strings.ToLower(name); seen[name] {
		c.fault(path, "%s %q is declared twice", what, name)
	} else {
		seen[name] = true
	}
}

func (c *checker) admin(a adminSpec, path []any, seen map[string]bool) {
	if !email.MatchString(a.Email) {
		c.fault(at(path, "email"), "an admin needs an email address")
		return
	}
	c.once(seen, a.Email, at(path, "email"), "admin")
	if a.AccountKey != "" && !hex40.MatchString(a.AccountKey) {
		c.fault(at(path, "account_key"), "account_key must be 40 lower-case hex digits")
	}
}

func (c *checker) org(o orgSpec, path []any, seen map[string]bool) {
	if !plain.MatchString(o.Name) {
		c.fault(at(path, "name"), "an org needs a name of letters, digits, '.', '_' and '-'")
		return
	}
	c.once(seen, o.Name, at(path, "name"), "org")
	for i, a := range o.Admins {
		if !email.MatchString(a) {
			c.fault(at(path, "admins", i), "%q is no email address", a)
		}
	}
	c.client(o.ClientID, o.ClientSecret, path)
}

func (c *checker) client(id, secret string, path []any) {
	if (id == "") != (secret == "") {
		c.fault(path, "client_id and client_secret come together")
	}
}

func (c *checker) app(a appSpec, path []any, aliases map[string]bool) {
	if !plain.MatchString(a.Org) {
		c.fault(at(path, "org"), "an app needs an org")
	}
	if !plain.MatchString(a.Name) {
		c.fault(at(path, "name"), "an app needs a name of letters, digits, '.', '_' and '-'")
		return
	}
	if a.Alias != "" && !plain.MatchString(a.Alias) {
		c.fault(at(path, "alias"), "alias: letters, digits, '.', '_' and '-' only")
	}
	c.once(aliases, a.alias(), path, "app")
	c.client(a.ClientID, a.ClientSecret, path)
	names, users := map[string]bool{}, map[string]bool{}
	for i, k := range a.Keys {
		c.key(k, at(path, "keys", i), names)
	}
	for i, u := range a.Users {
		c.user(u, at(path, "users", i), users)
	}
	c.settings(a.Settings, at(path, "settings"))
}

// alias is the app's server-wide name.
func (a appSpec) alias() string {
	if a.Alias != "" {
		return a.Alias
	}
	return a.Name
}

func (c *checker) key(k keySpec, path []any, seen map[string]bool) {
	if k.Name == "" {
		c.fault(path, "a key needs a name: it is how a repeated apply finds it again")
		return
	}
	c.once(seen, k.Name, at(path, "name"), "key")
	if k.Key != "" && len(k.Key) < 16 {
		c.fault(at(path, "key"), "key %q is shorter than 16 characters", k.Name)
	}
}

func (c *checker) user(u userSpec, path []any, seen map[string]bool) {
	switch {
	case u.Username == "" && u.Email == "":
		c.fault(path, "a user needs a username or an email")
	case u.Email != "" && !email.MatchString(u.Email):
		c.fault(at(path, "email"), "%q is no email address", u.Email)
	case u.Password == "":
		c.fault(path, "a user needs a password")
	default:
		c.once(seen, u.Username+"\x00"+u.Email, path, "user")
	}
	for i, r := range u.Roles {
		if r == "" {
			c.fault(at(path, "roles", i), "a role needs a name")
		}
	}
}
