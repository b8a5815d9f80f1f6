package syncano

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// Limits of an instance.
const (
	minInstanceName = 5
	maxInstanceName = 64
	maxDescription  = 256
	configKeys      = 1024
	configBytes     = 256 << 10
)

// reservedInstances are the names that no instance may have.
var reservedInstances = []string{
	"devcenter", "support", "sentry", "admin", "platform", "redirect", "media", "signup", "login", "instance_subdomain", "my_instance",
	"myinstance", "panel", "account", "noinstance", "public", "template1", "status",
}

// nameRules are what an instance name must match, with the text for one that does not.
var nameRules = []struct {
	holds func(string) bool
	text  string
}{
	{regexp.MustCompile(`^[a-z]`).MatchString, "Value has to start with a letter."},
	{regexp.MustCompile(`[a-z0-9]$`).MatchString, "Value has to end with a letter or a number."},
	{regexp.MustCompile(`^[a-z0-9-]*$`).MatchString, "Enter a valid value consisting of letters, numbers, hyphens."},
	{func(s string) bool { return !strings.Contains(s, "--") }, "Double hyphens are reserved."},
	{func(s string) bool { return !slices.Contains(reservedInstances, s) }, "Unable to use that value. Please choose a different one."},
}

// instanceName reads a name, lower-cased: "" when it is absent or wrong.
func (in *input) instanceName(field string) string {
	s := in.text(field, textRule{required: true, max: maxInstanceName})
	if s == nil {
		return ""
	}
	name := strings.ToLower(*s)
	if utf8.RuneCountInString(name) < minInstanceName {
		in.errs.add(field, "Ensure this field has at least "+strconv.Itoa(minInstanceName)+" characters.")
		return ""
	}
	for _, rule := range nameRules {
		if !rule.holds(name) {
			in.errs.add(field, rule.text)
			return ""
		}
	}
	return name
}

func (a *api) instanceList(w *web.Response, r *web.Request, c *call) error {
	p, err := readPaging(r)
	if err != nil {
		return err
	}
	page, err := a.engine.Apps(r.Context(), c.actor, p.list(strings.ToLower(r.QueryOne("name__startswith"))))
	if err != nil {
		return err
	}
	return sendPage(w, r, p, page, instanceNest, func(d *engine.AppDetail) int64 { return d.App.Seq },
		func(dst []byte, d *engine.AppDetail) []byte { return appendInstance(dst, c.version, d) })
}

func (a *api) instanceCreate(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	name := in.instanceName("name")
	create := engine.CreateAppInput{
		Name: name, Alias: name,
		Description: or(in.text("description", textRule{blank: true, max: maxDescription}), ""),
		Metadata:    in.metadata("metadata"),
	}
	if err := in.err(); err != nil {
		return err
	}
	d, err := a.engine.CreateApp(r.Context(), c.actor, create)
	if err != nil {
		return nameError(err, "name")
	}
	return a.sendInstance(w, r, http.StatusCreated, c, d)
}

// nameError puts what the engine says about an alias on the field that held it.
func nameError(err error, field string) error {
	if d := hecate.Detail(err); d.Field == "alias" || d.Field == "name" {
		if d.Kind == hecate.Exists {
			return invalid(field, textUnique)
		}
		return invalid(field, sentence(d, answers[hecate.Invalid].detail))
	}
	return err
}

func (a *api) instanceGet(w *web.Response, r *web.Request, c *call) error {
	d, err := a.engine.App(r.Context(), c.actor, c.app.ID)
	if err != nil {
		return err
	}
	return a.sendInstance(w, r, http.StatusOK, c, d)
}

func (a *api) instanceUpdate(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	update := engine.UpdateAppInput{
		Description: filled(in, in.text("description", textRule{blank: true, max: maxDescription}), ""),
		Metadata:    in.metadata("metadata"),
	}
	if update.Metadata == nil && !in.patch {
		update.Metadata = map[string]any{}
	}
	if err := in.err(); err != nil {
		return err
	}
	d, err := a.engine.UpdateApp(r.Context(), c.actor, c.app.ID, update)
	if err != nil {
		return err
	}
	return a.sendInstance(w, r, http.StatusOK, c, d)
}

func (a *api) instanceDelete(w *web.Response, r *web.Request, c *call) error {
	if err := a.engine.DeleteApp(r.Context(), c.actor, c.app.ID, true); err != nil {
		return err
	}
	return a.nothing(w)
}

func (a *api) instanceRename(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	name := in.instanceName("new_name")
	if err := in.err(); err != nil {
		return err
	}
	d, err := a.engine.UpdateApp(r.Context(), c.actor, c.app.ID, engine.UpdateAppInput{Alias: &name})
	if err != nil {
		return nameError(err, "new_name")
	}
	return a.sendInstance(w, r, http.StatusOK, c, d)
}

func (a *api) sendInstance(w *web.Response, r *web.Request, status int, c *call, d *engine.AppDetail) error {
	return a.answer(w, r, status, instanceNest, func(dst []byte) []byte { return appendInstance(dst, c.version, d) })
}

func (a *api) configGet(w *web.Response, r *web.Request, c *call) error {
	d, err := a.engine.App(r.Context(), c.actor, c.app.ID)
	if err != nil {
		return err
	}
	return a.sendConfig(w, d.App)
}

func (a *api) configPut(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	if !in.has("config") && !in.patch {
		in.errs.add("config", textRequired)
	}
	config := in.object("config")
	switch {
	case len(config) > configKeys:
		in.errs.add("config", "Too many keys defined (exceeds "+strconv.Itoa(configKeys)+").")
	case len(web.AppendJSON(nil, config)) > configBytes:
		in.errs.add("config", "Value is too long (exceeds "+strconv.Itoa(configBytes)+" bytes).")
	}
	if err := in.err(); err != nil {
		return err
	}
	if config == nil { // a PATCH without it
		return a.sendConfig(w, c.app)
	}
	d, err := a.engine.UpdateApp(r.Context(), c.actor, c.app.ID, engine.UpdateAppInput{Config: config})
	if err != nil {
		return err
	}
	return a.sendConfig(w, d.App)
}

func (a *api) sendConfig(w *web.Response, app *hecate.App) error {
	j := newJSON(nil)
	j.Open()
	j.Value("config", app.Config)
	j.Close()
	return writeJSON(w, http.StatusOK, j.Buf)
}
