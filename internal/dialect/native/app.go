package native

import (
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"hecate/internal/engine"
	"hecate/internal/web"
)

const (
	pageSize    = 50
	maxPageSize = 200
	maxAddress  = 64
)

// listOf reads `after` and `limit`. Kinds: Invalid on either.
func listOf(r *web.Request) (engine.List, error) {
	var list engine.List
	if text := r.QueryOne("after"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return list, invalid("after", "must be the next of a page before")
		}
		list.After = n
	}
	var err error
	list.Limit, err = limitOf(r)
	return list, err
}

// limitOf reads `limit`. Kinds: Invalid on it.
func limitOf(r *web.Request) (int, error) {
	text := r.QueryOne("limit")
	if text == "" {
		return pageSize, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPageSize {
		return 0, invalid("limit", "must be between 1 and 200")
	}
	return n, nil
}

func (a *api) apps(w *web.Response, r *web.Request, c caller) error {
	list, err := listOf(r)
	if err != nil {
		return err
	}
	page, err := a.engine.Apps(r.Context(), c, list)
	if err != nil {
		return err
	}
	return w.JSON(http.StatusOK, pageOf(page, shapeApp, appSeq))
}

// createApp makes an app in the caller's own org, with the caller as its owner.
func (a *api) createApp(w *web.Response, r *web.Request, c caller) error {
	var in struct {
		Name        string `json:"name"`
		Alias       string `json:"alias"`
		Description string `json:"description"`
	}
	if err := r.DecodeInto(&in); err != nil {
		return err
	}
	if err := checkAddress("name", in.Name); err != nil {
		return err
	}
	if in.Alias != "" {
		if err := checkAddress("alias", in.Alias); err != nil {
			return err
		}
	}
	d, err := a.engine.CreateApp(r.Context(), c, engine.CreateAppInput{Name: in.Name, Alias: in.Alias, Description: in.Description})
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v1/apps/"+url.PathEscape(d.App.Alias))
	return w.JSON(http.StatusCreated, shapeApp(d))
}

// address is what may stand in a path as it is. The engine allows more, for apps that come from elsewhere.
var address = regexp.MustCompile(`^[A-Za-z](-?[A-Za-z0-9])*$`)

func checkAddress(field, text string) error {
	if len(text) > maxAddress || !address.MatchString(text) {
		return invalid(field, "must be letters, digits and single hyphens, at most 64, beginning with a letter and not ending with a hyphen")
	}
	return nil
}

func (a *api) app(w *web.Response, r *web.Request, c caller) error {
	d, err := a.engine.App(r.Context(), c, c.App.ID)
	if err != nil {
		return err
	}
	return w.JSON(http.StatusOK, shapeApp(d))
}

// updateApp changes what the body names; settings that it does not name stay as they are.
func (a *api) updateApp(w *web.Response, r *web.Request, c caller) error {
	settings := shapeSettings(c.App.Settings)
	in := struct {
		Description *string        `json:"description"`
		Settings    *settingsShape `json:"settings"`
	}{Settings: &settings}
	if err := r.DecodeInto(&in); err != nil {
		return err
	}
	change := engine.UpdateAppInput{Description: in.Description}
	if !reflect.DeepEqual(settings, shapeSettings(c.App.Settings)) {
		next, err := settings.over(c.App.Settings)
		if err != nil {
			return err
		}
		change.Settings = &next
	}
	d, err := a.engine.UpdateApp(r.Context(), c, c.App.ID, change)
	if err != nil {
		return err
	}
	return w.JSON(http.StatusOK, shapeApp(d))
}

// deleteApp deletes the app and its data, for an owner who repeats its alias.
func (a *api) deleteApp(w *web.Response, r *web.Request, c caller) error {
	if !strings.EqualFold(r.QueryOne("confirm"), c.App.Alias) {
		return invalid("confirm", "must repeat the alias of the app")
	}
	// Nothing in this API brings an app back, so nothing of it is kept either.
	if err := a.engine.DeleteApp(r.Context(), c, c.App.ID, true); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
