package skygear

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// fieldTypes are the types of fields on the wire.
var fieldTypes = map[string]hecate.FieldType{
	"string": hecate.TextType, "number": hecate.NumberType, "boolean": hecate.BooleanType, "json": hecate.JSONType,
	"location": hecate.GeoType, "datetime": hecate.TimeType, "asset": hecate.FileType, "integer": hecate.IntegerType,
	"sequence": hecate.SequenceType,
	// What Hecate has no type for is kept as it comes.
	"geometry": hecate.JSONType, "acl": hecate.JSONType, "unknown": hecate.JSONType,
}

// typeNames are what the types of fields are called on the wire.
var typeNames = map[hecate.FieldType]string{
	hecate.StringType: "string", hecate.TextType: "string", hecate.NumberType: "number", hecate.BooleanType: "boolean",
	hecate.JSONType: "json", hecate.ArrayType: "json", hecate.ObjectType: "json", hecate.RelationType: "json",
	hecate.GeoType: "location", hecate.TimeType: "datetime", hecate.FileType: "asset", hecate.IntegerType: "integer",
	hecate.SequenceType: "sequence",
}

// indexed reports whether queries find the values of a type faster by an index.
func indexed(t hecate.FieldType) bool {
	return t != hecate.GeoType && t != hecate.FileType && t != hecate.JSONType
}

// givenField is a field that schema:create asks for.
type givenField struct {
	name   string
	typ    hecate.FieldType
	target string // of references: a record type
}

// givenType is a record type that schema:create asks for.
type givenType struct {
	name   string
	fields []givenField
}

// schemaCreate makes record types, and fields of those that are there.
func (a *api) schemaCreate(w *web.Response, r *web.Request, c *call) error {
	types, err := readTypes(c.args)
	if err != nil {
		return err
	}
	for _, t := range types { // first all of them: their fields may refer to each other
		if err := a.makeType(r.Context(), c, t.name, nil); err != nil {
			return err
		}
	}
	for _, t := range types {
		if err := a.addFields(r.Context(), c, t); err != nil {
			return err
		}
	}
	return a.answerTypes(w, r, c)
}

func readTypes(args payload) ([]givenType, error) {
	object, err := args.object("record_types")
	if err != nil {
		return nil, err
	}
	if len(object) == 0 {
		return nil, invalid("missing required fields", "record_types")
	}
	types := make([]givenType, 0, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if name == "" || unusable(name) {
			return nil, invalid("attempts to create reserved table", name)
		}
		t := givenType{name: name}
		described, err := object.object(name)
		if err != nil {
			return nil, err
		}
		list, err := described.list("fields")
		if err != nil {
			return nil, err
		}
		for _, raw := range list {
			f, err := readSchemaField(raw)
			if err != nil {
				return nil, err
			}
			t.fields = append(t.fields, f)
		}
		types = append(types, t)
	}
	return types, nil
}

func readSchemaField(raw any) (f givenField, err error) {
	object, ok := raw.(map[string]any)
	if !ok {
		return f, undecodable()
	}
	described := payload(object)
	if f.name, err = described.text("name"); err != nil {
		return f, err
	}
	typ, err := described.text("type")
	switch {
	case err != nil:
		return f, err
	case f.name == "":
		return f, invalid("missing required fields", "name")
	case reserved(f.name):
		return f, invalid("attempts to create reserved field", f.name)
	}
	if target, ok := strings.CutPrefix(typ, "ref("); ok && strings.HasSuffix(target, ")") {
		f.typ, f.target = hecate.ReferenceType, strings.TrimSuffix(target, ")")
		return f, nil
	}
	if f.typ, ok = fieldTypes[typ]; !ok {
		return f, invalid("unexpected field type", typ)
	}
	return f, nil
}

// makeType makes a record type unless it is there. change, which may be nil, completes it.
func (a *api) makeType(ctx context.Context, c *call, name string, change func(*engine.CollectionInput)) error {
	_, err := a.collectionOf(ctx, c.app, name)
	if err == nil || !errors.Is(err, hecate.NotFound) {
		return err
	}
	in := newType()
	in.Name = name
	if change != nil {
		change(&in)
	}
	_, err = a.engine.CreateCollection(ctx, c.actor, in)
	if errors.Is(err, hecate.Exists) { // by somebody else meanwhile, or under a name that differs by its case alone
		_, err = a.collectionOf(ctx, c.app, name)
		if errors.Is(err, hecate.NotFound) {
			return fail(incompatibleSchema, "conflicting schema of "+name)
		}
	}
	return err
}

// addFields gives a type the fields that it lacks.
func (a *api) addFields(ctx context.Context, c *call, t givenType) error {
	if len(t.fields) == 0 {
		return nil
	}
	fields := make([]hecate.Field, 0, len(t.fields))
	for _, g := range t.fields {
		if t.name == userType && isProfileMember(g.name) {
			continue // they are there, and no fields
		}
		f := hecate.Field{Name: g.name, Type: g.typ, Indexed: indexed(g.typ)}
		if g.typ == hecate.ReferenceType {
			target, err := a.collectionOf(ctx, c.app, g.target)
			if errors.Is(err, hecate.NotFound) {
				return fail(incompatibleSchema, "failed to migrate record schema")
			}
			if err != nil {
				return err
			}
			f.Target = targetOf(target)
		}
		fields = append(fields, f)
	}
	return a.changeType(ctx, c, t.name, func(in *engine.CollectionInput) error {
		for _, f := range fields {
			if err := addField(in, f); err != nil {
				return err
			}
		}
		return nil
	})
}

func addField(in *engine.CollectionInput, f hecate.Field) error {
	at := slices.IndexFunc(in.Schema, func(have hecate.Field) bool { return have.Name == f.Name })
	if at < 0 {
		in.Schema = append(in.Schema, f)
		return nil
	}
	if have := in.Schema[at]; typeNames[have.Type] != typeNames[f.Type] || have.Target != f.Target {
		return conflicting(&have)
	}
	return nil
}

// changeType changes the collection of a record type. Kinds: NotFound.
func (a *api) changeType(ctx context.Context, c *call, name string, change func(*engine.CollectionInput) error) error {
	_, err := a.engine.UpdateCollection(ctx, c.actor, recordID{typ: name}.collection(), 0, change)
	return err
}

// isProfileMember reports whether a user's record has that member without a field.
func isProfileMember(name string) bool {
	return name == usernameField || name == emailField || name == lastLoginField
}

// schemaRename gives a field another name.
func (a *api) schemaRename(w *web.Response, r *web.Request, c *call) error {
	text, err := needTexts(c.args, "record_type", "item_name", "new_name")
	if err != nil {
		return err
	}
	if reserved(text["new_name"]) {
		return invalid("attempts to create reserved field", "new_name")
	}
	return a.changeField(w, r, c, text, func(ctx context.Context, collection string) error {
		_, err := a.engine.RenameField(ctx, c.actor, collection, text["item_name"], text["new_name"])
		return err
	})
}

// schemaDelete takes a field out of a record type.
func (a *api) schemaDelete(w *web.Response, r *web.Request, c *call) error {
	text, err := needTexts(c.args, "record_type", "item_name")
	if err != nil {
		return err
	}
	return a.changeField(w, r, c, text, func(ctx context.Context, collection string) error {
		_, err := a.engine.DeleteField(ctx, c.actor, collection, text["item_name"])
		return err
	})
}

func (a *api) changeField(w *web.Response, r *web.Request, c *call, text map[string]string, change func(ctx context.Context, collection string) error) error {
	t, err := a.collectionOf(r.Context(), c.app, text["record_type"])
	if err == nil {
		err = change(r.Context(), t.Name)
	}
	d := hecate.Detail(err)
	switch {
	case errors.Is(err, hecate.NotFound) && d.Field == "field":
		return fail(resourceNotFound, fmt.Sprintf("column %q does not exist", text["item_name"]))
	case errors.Is(err, hecate.NotFound):
		return fail(resourceNotFound, fmt.Sprintf("record type %q does not exist", text["record_type"]))
	case err != nil:
		return err
	}
	return a.answerTypes(w, r, c)
}

// needTexts reads strings that must all be there.
func needTexts(args payload, names ...string) (map[string]string, error) {
	out := make(map[string]string, len(names))
	var absent []string
	for _, name := range names {
		text, err := args.text(name)
		if err != nil {
			return nil, err
		}
		if text == "" {
			absent = append(absent, name)
		}
		out[name] = text
	}
	if absent != nil {
		return nil, invalid("missing required fields", absent...)
	}
	return out, nil
}

// schemaFetch answers all record types.
func (a *api) schemaFetch(w *web.Response, r *web.Request, c *call) error {
	return a.answerTypes(w, r, c)
}

func (a *api) answerTypes(w *web.Response, r *web.Request, c *call) error {
	page, err := a.engine.Collections(r.Context(), c.actor, engine.List{Limit: hecate.MaxPage})
	if err != nil {
		return err
	}
	byID := map[hecate.CollectionID]string{hecate.UserTarget: userType}
	for _, t := range page.Rows {
		byID[t.ID] = typeNameOf(t)
	}
	slices.SortFunc(page.Rows, func(x, y *hecate.Collection) int { return cmp.Compare(typeNameOf(x), typeNameOf(y)) })
	j := newJSON(nil)
	j.Open()
	j.Name("record_types")
	j.Open()
	for _, t := range page.Rows {
		if reserved(t.Name) {
			continue
		}
		j.Name(typeNameOf(t))
		writeType(&j, t, byID)
	}
	j.Close()
	j.Close()
	return answerResult(w, j.Buf)
}

func writeType(j *jsonWriter, t *hecate.Collection, byID map[hecate.CollectionID]string) {
	types := map[string]string{}
	for _, f := range t.Fields() {
		typ := typeNames[f.Type]
		if f.Type == hecate.ReferenceType {
			typ = "ref(" + byID[f.Target] + ")"
		}
		if !reserved(f.Name) {
			types[f.Name] = typ
		}
	}
	if t.Kind == hecate.ProfileCollection {
		types[usernameField], types[emailField], types[lastLoginField] = "string", "string", "datetime"
	}
	j.Open()
	j.Name("fields")
	j.OpenList()
	for _, name := range slices.Sorted(maps.Keys(types)) {
		j.Open()
		j.Text("name", name)
		j.Text("type", types[name])
		j.Close()
	}
	j.CloseList()
	j.Close()
}

// readType reads the record type that schema:access and schema:default_access are about.
func readType(args payload) (string, error) {
	name, err := args.text("type")
	switch {
	case err != nil:
		return "", err
	case name == "":
		return "", invalid("missing required fields", "type")
	case unusable(name):
		return "", invalid(`record type "`+name+`" is reserved`, "type")
	}
	return name, nil
}

// schemaAccess says who makes records of a type: holders of the roles, everybody signed in when there are none.
func (a *api) schemaAccess(w *web.Response, r *web.Request, c *call) error {
	name, err := readType(c.args)
	if err != nil {
		return err
	}
	roles, err := c.args.texts("create_roles")
	if err != nil {
		return err
	}
	if name == userType {
		return fail(notSupported, "user records are made by signing up")
	}
	set := func(in *engine.CollectionInput) { in.Access = creators(in.Access, roles) }
	if err := a.setUpType(r.Context(), c, name, set); err != nil {
		return err
	}
	j := newJSON(nil)
	j.Open()
	j.Text("type", name)
	if len(roles) > 0 {
		j.texts("create_roles", roles)
	}
	j.Close()
	return answerResult(w, j.Buf)
}

// setUpType changes a record type, which is made where it is not there.
func (a *api) setUpType(ctx context.Context, c *call, name string, set func(*engine.CollectionInput)) error {
	if err := a.makeType(ctx, c, name, set); err != nil {
		return err
	}
	return a.changeType(ctx, c, name, func(in *engine.CollectionInput) error { set(in); return nil })
}

// creators is the gate of a type with others who may make records; what else it lets do stays, and so do the app's keys.
func creators(gate hecate.Access, roles []string) hecate.Access {
	if !gate.Own {
		gate = newTypeAccess
	}
	out := hecate.Access{Own: true}
	for _, g := range gate.Grants {
		if kind, _ := g.Subject.Split(); kind != "key" {
			g.Permissions &^= hecate.Create
		}
		if g.Permissions != 0 {
			out.Grants = append(out.Grants, g)
		}
	}
	if len(roles) == 0 {
		out.Grants = append(out.Grants, hecate.Grant{Subject: hecate.Anyone, Permissions: hecate.Create})
	}
	for _, role := range distinct(roles) {
		out.Grants = append(out.Grants, hecate.Grant{Subject: hecate.SubjectRole(role), Permissions: hecate.Create})
	}
	return out
}

// schemaDefaultAccess says what access new records of a type get that bring none.
func (a *api) schemaDefaultAccess(w *web.Response, r *web.Request, c *call) error {
	name, err := readType(c.args)
	if err != nil {
		return err
	}
	given, err := readDefaultAccess(c.args["default_access"])
	if err != nil {
		return err
	}
	if given == nil {
		return invalid("missing required fields", "default_access")
	}
	users, err := a.userIDs(r.Context(), c.app, given.users())
	if err != nil {
		return err
	}
	access := given.access(users, hecate.Access{})
	if err := a.setUpType(r.Context(), c, name, func(in *engine.CollectionInput) { in.Defaults = &access }); err != nil {
		return err
	}
	j := newJSON(nil)
	j.Open()
	j.Text("type", name)
	j.Name("default_access")
	j.OpenList()
	for _, e := range given.entries {
		e.writeTo(&j)
	}
	j.CloseList()
	j.Close()
	return answerResult(w, j.Buf)
}
