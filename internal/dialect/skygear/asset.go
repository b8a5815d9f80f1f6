package skygear

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

const (
	maxAsset    = 100 << 20 // bytes of one upload
	assetValid  = 15 * time.Minute
	fileRoute   = "/files/"
	filePart    = "file" // of an upload
	expiryQuery = "expiredAt"
	signQuery   = "signature"
	appQuery    = "app" // whose file it is: the old server had one app
)

// assetPut promises a place for a file, and says where to send it.
func (a *api) assetPut(w *web.Response, r *web.Request, c *call) error {
	name, typ, err := readAssetPut(c.args)
	if err != nil {
		return err
	}
	f, err := a.engine.ReserveFile(r.Context(), c.actor, name, typ)
	if err != nil {
		return uploadFault(err)
	}
	j := newJSON(nil)
	j.Open()
	j.Name("post-request")
	j.Open()
	j.Text("action", fileRoute+escapeAction(engine.FileName(f)))
	j.Close()
	j.Raw("asset", a.valuesOf(r, c.app).appendAsset(nil, f))
	j.Close()
	return answerResult(w, j.Buf)
}

// escapeAction escapes what the client does not when it puts the name behind its end point: what would not be part of the path
// then, and, which only browsers do themselves, what is not ASCII.
func escapeAction(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c >= utf8.RuneSelf || strings.IndexByte(`%?#\`, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func readAssetPut(args payload) (name, typ string, err error) {
	name, err = args.text("filename")
	if err != nil || name == "" {
		return "", "", invalid("Missing filename or filename is invalid", "filename")
	}
	typ, err = args.text("content-type")
	if err != nil || typ == "" {
		return "", "", invalid("Missing content type or content type is invalid", "content-type")
	}
	size, _, err := args.int("content-size")
	if err != nil || size <= 0 {
		return "", "", invalid("Missing content size or content size is invalid", "content-size")
	}
	if size > maxAsset {
		return "", "", assetTooLarge()
	}
	return name, typ, nil
}

func assetTooLarge() *failure { return fail(assetSizeTooLarge, "asset is too large") }

// uploadFault shows what the engine says about an upload.
func uploadFault(err error) error {
	d := hecate.Detail(err)
	switch {
	case errors.Is(err, hecate.TooLarge):
		return assetTooLarge()
	case errors.Is(err, hecate.NotFound):
		return fail(resourceNotFound, "asset not found")
	case errors.Is(err, hecate.Exists):
		return fail(duplicated, "the asset has been uploaded already")
	case errors.Is(err, hecate.Invalid) && d.Field == "bytes":
		return invalid("Zero-byte content")
	case errors.Is(err, hecate.Invalid) && d.Field == "name":
		return invalid("Missing filename or filename is invalid", "filename")
	case errors.Is(err, hecate.Invalid) && d.Field == "type":
		return invalid("Missing content type or content type is invalid", "content-type")
	}
	return err
}

// filePost takes a file as a form, for a place that asset:put has promised.
func (a *api) filePost(w *web.Response, r *web.Request, c *call) error {
	var stored *hecate.FileRef
	_, err := r.ReadBody(web.Reading{
		IsFile: func(p *web.Part) bool { return p.Name == filePart },
		File: func(p *web.Part) error {
			if stored != nil {
				return invalid("one file at a time", filePart)
			}
			f, err := a.engine.UploadFile(r.Context(), c.actor, r.PathValue("name"), engine.Upload{Bytes: p, Limit: maxAsset})
			if err != nil {
				return uploadFault(err)
			}
			stored = &f
			return nil
		},
	})
	if err != nil {
		return uploadFault(err)
	}
	if stored == nil {
		return invalid("Missing file", filePart)
	}
	return a.answerAsset(w, r, c, *stored)
}

// filePut takes a file as it is; where nothing was promised under its name, it makes a place itself.
func (a *api) filePut(w *web.Response, r *web.Request, c *call) error {
	typ := r.Header.Get("Content-Type")
	if typ == "" {
		return invalid("Content-Type cannot be empty")
	}
	f, err := a.putFile(r.Context(), c, r.PathValue("name"), typ, r.Body)
	if err != nil {
		return uploadFault(err)
	}
	return a.answerAsset(w, r, c, f)
}

func (a *api) putFile(ctx context.Context, c *call, name, typ string, body io.Reader) (hecate.FileRef, error) {
	in := engine.Upload{Type: typ, Bytes: body, Limit: maxAsset}
	found, err := a.engine.FilesByName(ctx, c.app.ID, []string{name})
	if err != nil {
		return hecate.FileRef{}, err
	}
	if found[name] != nil {
		return a.engine.UploadFile(ctx, c.actor, name, in)
	}
	f, err := a.engine.ReserveFile(ctx, c.actor, name, typ)
	if err != nil {
		return f, err
	}
	return a.engine.UploadFile(ctx, c.actor, engine.FileName(f), in)
}

func (a *api) answerAsset(w *web.Response, r *web.Request, c *call, f hecate.FileRef) error {
	return answerResult(w, a.valuesOf(r, c.app).appendAsset(nil, f))
}

// assetOf is what a file is called on the wire, and where it is read for a while. app is whose file it is.
func (a *api) assetOf(r *web.Request, app *hecate.App, f hecate.FileRef) (name, at string) {
	name = engine.FileName(f)
	expires := a.now().Add(assetValid)
	query := expiryQuery + "=" + strconv.FormatInt(expires.Unix(), 10) + "&" + signQuery + "=" + a.engine.SignFile(app.ID, name, expires) +
		"&" + appQuery + "=" + url.QueryEscape(string(app.ID))
	return name, a.base(r) + fileRoute + url.PathEscape(name) + "?" + query
}

// base is where the client has this API: what was taken off the path of its request, or the root of a host name of its own.
func (a *api) base(r *web.Request) string {
	public := a.publicURL()
	if r.Prefix() != "" {
		return public + r.Prefix()
	}
	scheme := "http"
	if strings.HasPrefix(public, "https:") {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// fileGet gives a file to whoever has its URL, until that expires.
func (a *api) fileGet(w *web.Response, r *web.Request, _ *call) error {
	app, err := a.appOfFile(r)
	if err != nil {
		return err
	}
	at, err := strconv.ParseInt(r.QueryOne(expiryQuery), 10, 64)
	if err != nil {
		return invalid("missing or malformed "+expiryQuery, expiryQuery)
	}
	f, bytes, err := a.engine.OpenSignedFile(r.Context(), app, r.PathValue("name"), time.Unix(at, 0), r.QueryOne(signQuery))
	switch {
	case errors.Is(err, hecate.Expired):
		return fail(permissionDenied, "Access denied")
	case errors.Is(err, hecate.BadToken):
		return fail(invalidSignature, "Invalid signature")
	case err != nil:
		return uploadFault(err)
	}
	defer bytes.Close()
	w.File(r, f, bytes)
	return nil
}

// appOfFile is the app that the host name stands for, else the one that the URL names: its signature tells whether that is true.
func (a *api) appOfFile(r *web.Request) (hecate.AppID, error) {
	if a.doors.appByHost != nil {
		app, err := a.doors.appByHost(r)
		if !errors.Is(err, hecate.NoApp) {
			if err != nil {
				return "", err
			}
			return app.ID, nil
		}
	}
	return hecate.AppID(r.QueryOne(appQuery)), nil
}
