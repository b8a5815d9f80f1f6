package usergrid

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// assetBytes is how large an asset may be: contracts/usergrid.md 11.
const assetBytes = 50 << 20

// assetUpload is the largest body of a route that takes assets: the bytes and what stands around them.
const assetUpload = assetBytes + 1<<20

// assetTime is how long an asset may take to arrive.
const assetTime = 2 * time.Minute

// entityBody is the body of a request about entities: properties, an array of them, and an asset.
type entityBody struct {
	payload
	asset *hecate.FileRef // staged; nil: none came
}

// single are the properties of a body that must not be an array.
func (b entityBody) single() (map[string]any, error) {
	if b.batch != nil {
		return nil, illegalArgument("an array makes entities in a collection; here an object is expected")
	}
	return b.object, nil
}

// filePart is the part of a multipart body that is an asset.
const filePart = "file"

// readBody reads properties and an asset. Kinds: as readPayload, and those of engine.StageFile.
func (a *api) readBody(r *web.Request, c *call) (entityBody, error) {
	var out entityBody
	stage := func(in io.Reader, name string) error {
		ref, err := a.engine.StageFile(r.Context(), c.actor, engine.Upload{Name: name, Bytes: in, Limit: assetBytes})
		if err == nil {
			out.asset = &ref
		}
		return err
	}
	body, err := r.ReadBody(web.Reading{
		SniffJSON: true,
		IsFile:    func(p *web.Part) bool { return p.Name == filePart || p.HasFilename },
		File: func(p *web.Part) error {
			if p.Name != filePart || out.asset != nil {
				return illegalArgument("only one asset is taken, as the part named file")
			}
			return stage(p, p.Filename)
		},
	})
	if err == nil && body.Kind == web.Other && body.MediaType == "application/octet-stream" {
		err = stage(body.Stream, "")
	} else if err == nil {
		out.payload, err = readPayload(r)
	}
	if err != nil {
		a.drop(r.Context(), c, out)
	}
	return out, err
}

// drop takes back the asset of a body that nothing came of.
func (a *api) drop(ctx context.Context, c *call, body entityBody) {
	if body.asset != nil {
		a.engine.DiscardFiles(ctx, c.actor, []hecate.FileRef{*body.asset})
	}
}

// wantsBytes reports whether a request asks for the asset of an entity instead of the entity: it names types, and JSON is not among them.
func wantsBytes(r *web.Request) bool {
	named := false
	for _, accept := range r.Header.Values("Accept") {
		for kind := range strings.SplitSeq(accept, ",") {
			kind, _, _ = strings.Cut(strings.ToLower(kind), ";")
			kind = strings.TrimSpace(kind)
			if kind == "*/*" || kind == "application/*" || strings.Contains(kind, "json") || strings.Contains(kind, "javascript") {
				return false
			}
			named = named || kind != ""
		}
	}
	return named
}

// sendAsset answers with the bytes of an asset whose entity the caller may read.
func (a *api) sendAsset(w *web.Response, r *web.Request, ref hecate.FileRef) error {
	f, bytes, err := a.engine.OpenFile(r.Context(), ref.Handle)
	if err != nil {
		return lost(err)
	}
	defer bytes.Close()
	shown := *f
	// As file-metadata says, which knows the reference alone.
	shown.Digest, shown.CreatedAt = string(f.ID), madeAt(string(f.ID))
	w.File(r, &shown, bytes)
	return nil
}

// assetsName is the collection whose entities have their bytes under /data too.
const assetsName = "assets"

// assetData answers with the bytes of an asset.
func (a *api) assetData(w *web.Response, r *web.Request, c *call) error {
	ref := itemOf(r.PathValue("item"))
	_, rec, err := a.record(r.Context(), c, c.actor, http.MethodGet, assetsName, ref)
	if errors.Is(err, hecate.NotFound) {
		return ref.absent()
	}
	if err != nil {
		return err
	}
	asset, ok := rec.Values[assetField].(hecate.FileRef)
	if !ok {
		return resourceNotFound()
	}
	return a.sendAsset(w, r, asset)
}

// putAssetData replaces the bytes of an asset.
func (a *api) putAssetData(w *web.Response, r *web.Request, c *call) error {
	ctx, ref := r.Context(), itemOf(r.PathValue("item"))
	body, err := a.readBody(r, c)
	if err != nil {
		return err
	}
	if body.asset == nil {
		return illegalArgument("no data was sent")
	}
	coll, rec, err := a.replaceAsset(ctx, c, r.Method, ref, body)
	if err != nil {
		a.drop(ctx, c, body)
		return lost(err)
	}
	return a.answerOne(w, r, c, coll, rec)
}

func (a *api) replaceAsset(ctx context.Context, c *call, method string, ref itemRef, body entityBody) (*hecate.Collection, *hecate.Record, error) {
	coll, err := a.dataCollection(ctx, c, assetsName)
	if err != nil {
		return nil, nil, err
	}
	id, err := a.locateItem(ctx, coll, ref)
	if err != nil {
		return nil, nil, err
	}
	if err := a.permit(c, c.actor, method, entityPath(coll, id)); err != nil {
		return nil, nil, err
	}
	in := engine.SaveInput{Mode: engine.ChangeOnly, Input: engine.RecordInput{ID: id}}
	return a.saveBody(ctx, c, c.actor, assetsName, in, body)
}
