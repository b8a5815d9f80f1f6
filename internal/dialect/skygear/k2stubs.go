package skygear

import (
	"hecate"
	"hecate/internal/web"
)

// Stubs of what is being written; this file goes.

const maxAsset = 100 << 20

func (a *api) stub(*web.Response, *web.Request, *call) error {
	return fail(notImplemented, "not built yet")
}

func (a *api) recordSave(w *web.Response, r *web.Request, c *call) error     { return a.stub(w, r, c) }
func (a *api) recordFetch(w *web.Response, r *web.Request, c *call) error    { return a.stub(w, r, c) }
func (a *api) recordQuery(w *web.Response, r *web.Request, c *call) error    { return a.stub(w, r, c) }
func (a *api) recordDelete(w *web.Response, r *web.Request, c *call) error   { return a.stub(w, r, c) }
func (a *api) relationAdd(w *web.Response, r *web.Request, c *call) error    { return a.stub(w, r, c) }
func (a *api) relationRemove(w *web.Response, r *web.Request, c *call) error { return a.stub(w, r, c) }
func (a *api) relationQuery(w *web.Response, r *web.Request, c *call) error  { return a.stub(w, r, c) }
func (a *api) schemaAccess(w *web.Response, r *web.Request, c *call) error   { return a.stub(w, r, c) }
func (a *api) schemaDefaultAccess(w *web.Response, r *web.Request, c *call) error {
	return a.stub(w, r, c)
}
func (a *api) schemaCreate(w *web.Response, r *web.Request, c *call) error   { return a.stub(w, r, c) }
func (a *api) schemaRename(w *web.Response, r *web.Request, c *call) error   { return a.stub(w, r, c) }
func (a *api) schemaDelete(w *web.Response, r *web.Request, c *call) error   { return a.stub(w, r, c) }
func (a *api) schemaFetch(w *web.Response, r *web.Request, c *call) error    { return a.stub(w, r, c) }
func (a *api) fieldAccessGet(w *web.Response, r *web.Request, c *call) error { return a.stub(w, r, c) }
func (a *api) fieldAccessUpdate(w *web.Response, r *web.Request, c *call) error {
	return a.stub(w, r, c)
}
func (a *api) assetPut(w *web.Response, r *web.Request, c *call) error { return a.stub(w, r, c) }
func (a *api) fileGet(w *web.Response, r *web.Request, c *call) error  { return a.stub(w, r, c) }
func (a *api) filePost(w *web.Response, r *web.Request, c *call) error { return a.stub(w, r, c) }
func (a *api) filePut(w *web.Response, r *web.Request, c *call) error  { return a.stub(w, r, c) }

// assetOf is what a file is called on the wire, and where it is read. app is whose file it is.
func (a *api) assetOf(_ *web.Request, _ *hecate.App, f hecate.FileRef) (name, url string) {
	return string(f.ID) + "-" + f.Name, ""
}
