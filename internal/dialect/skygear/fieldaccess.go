package skygear

import (
	"strings"

	"hecate"
	"hecate/internal/web"
)

// fieldUses are the members of an entry of field access.
var fieldUses = []struct {
	name string
	use  hecate.FieldAccess
}{
	{"writable", hecate.FieldWrite}, {"readable", hecate.FieldRead}, {"comparable", hecate.FieldCompare}, {"discoverable", hecate.FieldDiscover},
}

// fieldSubjects are what subjects of field access are called on the wire; those that end with a colon bring a name.
var fieldSubjects = []struct{ wire, kind string }{
	{"_owner", "owner"}, {"_any_user", "anyone"}, {"_public", "public"}, {"_user_id:", "user"}, {"_field:", "field"}, {"_role:", "role"},
}

// fieldAccessGet answers the rules for fields.
func (a *api) fieldAccessGet(w *web.Response, r *web.Request, c *call) error {
	return a.answerFieldAccess(w, r, c)
}

// fieldAccessUpdate replaces all rules for fields.
func (a *api) fieldAccessUpdate(w *web.Response, r *web.Request, c *call) error {
	list, err := c.args.list("access")
	if err != nil {
		return err
	}
	if !c.args.has("access") {
		return badAccessEntry()
	}
	rules := make(hecate.FieldRules, len(list))
	users := make([]string, len(list)) // named by their keys, where one is
	for i, raw := range list {
		if rules[i], users[i], err = readFieldRule(raw); err != nil {
			return err
		}
	}
	ids, err := a.userIDs(r.Context(), c.app, users)
	if err != nil {
		return err
	}
	for i, key := range users {
		if id, known := ids[key]; known {
			rules[i].Subject = hecate.SubjectUser(id)
		}
	}
	if err := a.engine.SetFieldRules(r.Context(), c.actor, rules); err != nil {
		return err
	}
	return a.answerFieldAccess(w, r, c)
}

func badAccessEntry() *failure { return invalid("invalid access entry", "access") }

// readFieldRule reads an entry, of which every member is needed. user is the key of the user whom it names.
func readFieldRule(raw any) (rule hecate.FieldRule, user string, err error) {
	object, ok := raw.(map[string]any)
	if !ok {
		return rule, "", badAccessEntry()
	}
	for name, into := range map[string]*string{"record_type": &rule.Collection, "record_field": &rule.Field} {
		if *into, ok = object[name].(string); !ok || *into == "" {
			return rule, "", badAccessEntry()
		}
	}
	if rule.Collection == hecate.ProfileName {
		return rule, "", badAccessEntry() // no type is called so
	}
	if rule.Collection == userType {
		rule.Collection = hecate.ProfileName
	}
	for _, u := range fieldUses {
		allowed, ok := object[u.name].(bool)
		if !ok {
			return rule, "", badAccessEntry()
		}
		if allowed {
			rule.Access |= u.use
		}
	}
	role, _ := object["user_role"].(string)
	if rule.Subject, user, ok = readFieldSubject(role); !ok {
		return rule, "", badAccessEntry()
	}
	return rule, user, nil
}

func readFieldSubject(text string) (subject hecate.Subject, user string, ok bool) {
	for _, s := range fieldSubjects {
		if !strings.HasSuffix(s.wire, ":") {
			if text == s.wire {
				return hecate.Subject(s.kind), "", true
			}
			continue
		}
		if name, ok := strings.CutPrefix(text, s.wire); ok && name != "" {
			if s.kind == "user" {
				user = name
			}
			return hecate.Subject(s.kind + ":" + name), user, true
		}
	}
	return "", "", false
}

func (a *api) answerFieldAccess(w *web.Response, r *web.Request, c *call) error {
	rules, err := a.engine.FieldRules(r.Context(), c.actor)
	if err != nil {
		return err
	}
	keys, err := a.userKeys(r.Context(), c.app, namedIn(rules))
	if err != nil {
		return err
	}
	j := newJSON(nil)
	j.Open()
	j.Name("access")
	j.OpenList()
	for _, rule := range rules {
		writeFieldRule(&j, rule, keys)
	}
	j.CloseList()
	j.Close()
	return answerResult(w, j.Buf)
}

// namedIn is a record that names the users whom rules name, for userKeys.
func namedIn(rules hecate.FieldRules) []*hecate.Record {
	named := &hecate.Record{}
	for _, rule := range rules {
		named.Access.Grants = append(named.Access.Grants, hecate.Grant{Subject: rule.Subject})
	}
	return []*hecate.Record{named}
}

func writeFieldRule(j *jsonWriter, rule hecate.FieldRule, userKey func(hecate.UserID) string) {
	typ := rule.Collection
	if typ == hecate.ProfileName {
		typ = userType
	}
	j.Open()
	j.Text("record_type", typ)
	j.Text("record_field", rule.Field)
	kind, name := rule.Subject.Split()
	if kind == "user" {
		name = userKey(hecate.UserID(name))
	}
	for _, s := range fieldSubjects {
		if s.kind == kind {
			j.Text("user_role", s.wire+name)
		}
	}
	for _, u := range fieldUses {
		j.Bool(u.name, rule.Access.Has(u.use))
	}
	j.Close()
}
