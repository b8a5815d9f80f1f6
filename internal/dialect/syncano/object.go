package syncano

import (
	"context"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// objectList answers a page of the objects that the caller may read.
func (a *api) objectList(w *web.Response, r *web.Request, c *call) error {
	p, err := readPaging(r)
	if err != nil {
		return err
	}
	order, err := readOrder(r, c.class, p)
	if err != nil {
		return err
	}
	q, err := a.readQuery(r, c)
	if err != nil {
		return err
	}
	q.Limit = p.size
	order.into(&q, p)
	if counted, _ := asBool(r.QueryOne("include_count")); counted {
		q.Count, q.CountMax = true, maxCount
	}
	var page hecate.Page[*hecate.Record]
	err = within(r.Context(), queryTime, func(ctx context.Context) (err error) {
		page, err = a.engine.Records(ctx, c.actor, c.class, q)
		return err
	})
	if err != nil {
		return err
	}
	if err := a.warmObjects(r.Context(), c.app, c.class, page.Rows); err != nil {
		return err
	}
	return a.sendObjects(w, r, c, p, order, page, q.Count)
}

// maxCount is up to where objects_count is exact; beyond it this is what it says.
const maxCount = 100_000

// queryTime is how long the search for one page may take.
const queryTime = 2 * time.Second

// within runs fn for so long at most; when its time is over the client is told that its query is too slow.
func within(ctx context.Context, limit time.Duration, fn func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := fn(bounded)
	if err != nil && bounded.Err() == context.DeadlineExceeded && ctx.Err() == nil {
		return detail(http.StatusRequestTimeout, textTooSlow)
	}
	return err
}

// readQuery reads the filters that the request asks for.
func (a *api) readQuery(r *web.Request, c *call) (hecate.Query, error) {
	texts := r.Query()["query"]
	if len(texts) == 0 {
		return hecate.Query{}, nil
	}
	reader := queryReader{
		class: c.class,
		target: func(ctx context.Context, id hecate.CollectionID) (*hecate.Collection, error) {
			if id == hecate.UserTarget {
				return a.engine.LookupCollection(ctx, c.app.ID, hecate.ProfileName)
			}
			return a.engine.LookupCollectionByID(ctx, c.app.ID, id)
		},
		group: func(ctx context.Context, seq int64) (hecate.GroupID, error) {
			if seq <= 0 {
				return "", hecate.E(hecate.NotFound, "find group")
			}
			g, err := a.engine.LookupGroup(ctx, c.app.ID, engine.GroupRef{Seq: seq})
			if err != nil {
				return "", err
			}
			return g.ID, nil
		},
	}
	filter, err := reader.read(r.Context(), texts)
	if fault, ok := err.(queryFault); ok {
		return hecate.Query{}, single("query", string(fault))
	}
	return hecate.Query{Filter: filter}, err
}

// sendObjects answers a page of objects.
func (a *api) sendObjects(w *web.Response, r *web.Request, c *call, p paging, order ordering, page hecate.Page[*hecate.Record], counted bool) error {
	var first, last *place
	if rows := page.Rows; len(rows) > 0 {
		first, last = order.place(rows[0]), order.place(rows[len(rows)-1])
	}
	next, prev := p.neighbours(first, last, page.More && len(page.Rows) > 0)
	b := getBuffer()
	defer putBuffer(b)
	j := newJSON(b.bytes[:0])
	e := beginEnvelope(&j, r, order.repeated(p), order.at(next, p), order.at(prev, p), nil)
	for _, record := range page.Rows {
		e.row(func(dst []byte) []byte { return a.appendObject(dst, c.app, c.class, record, c.version) })
	}
	var count *int
	if counted {
		count = &page.Count
	}
	e.end(count)
	b.bytes = j.Buf
	w.SetType(jsonType)
	return w.Bytes(http.StatusOK, b.bytes)
}

func (a *api) objectGet(w *web.Response, r *web.Request, c *call) error {
	record, err := a.engine.Record(r.Context(), c.actor, c.class, objectRef(r))
	if err != nil {
		return err
	}
	return a.sendObject(w, r, c, http.StatusOK, record)
}

func objectRef(r *web.Request) engine.RecordRef {
	return engine.RecordRef{Seq: number(r.PathValue("id"))}
}

func (a *api) sendObject(w *web.Response, r *web.Request, c *call, status int, record *hecate.Record) error {
	if err := a.warmObjects(r.Context(), c.app, c.class, []*hecate.Record{record}); err != nil {
		return err
	}
	return a.answer(w, r, status, nil, func(dst []byte) []byte { return a.appendObject(dst, c.app, c.class, record, c.version) })
}

// objectCreate makes an object. Profiles come with their users only, whoever asks.
func (a *api) objectCreate(w *web.Response, r *web.Request, c *call) error {
	policy := hecate.Policy{Collection: c.class.Access}
	scope := hecate.Scope{Area: hecate.AreaRecords, Path: "/" + c.class.Name}
	// Asked before the body is read: who may create nothing uploads nothing.
	if c.class.Kind == hecate.ProfileCollection || !policy.Allow(c.actor, hecate.Create, scope) {
		return denied()
	}
	o := &objectReader{api: a, actor: c.actor, class: c.class, mode: createObject}
	return a.write(w, r, c, o, http.StatusCreated, func(ctx context.Context, in engine.RecordInput) (*hecate.Record, error) {
		return a.engine.CreateRecord(ctx, c.actor, c.class, in)
	})
}

// objectPost updates in full: there is no PUT on objects, and the old clients expect 200.
func (a *api) objectPost(w *web.Response, r *web.Request, c *call) error {
	return a.objectUpdate(w, r, c, replaceObject)
}

func (a *api) objectPatch(w *web.Response, r *web.Request, c *call) error {
	return a.objectUpdate(w, r, c, patchObject)
}

func (a *api) objectUpdate(w *web.Response, r *web.Request, c *call, mode inputMode) error {
	current, err := a.engine.Record(r.Context(), c.actor, c.class, objectRef(r))
	if err != nil {
		return err
	}
	// Asked before the body is read: the refusal precedes what is wrong with the body, and uploads.
	if !current.Private && !policyOf(c.class, current).Allow(c.actor, hecate.Update, scopeOf(c.class, current)) {
		return denied()
	}
	o := &objectReader{api: a, actor: c.actor, class: c.class, current: current, mode: mode}
	return a.write(w, r, c, o, http.StatusOK, func(ctx context.Context, in engine.RecordInput) (*hecate.Record, error) {
		return a.engine.UpdateRecord(ctx, c.actor, c.class, engine.RecordRef{ID: current.ID}, in)
	})
}

func (a *api) objectDelete(w *web.Response, r *web.Request, c *call) error {
	if c.class.Kind == hecate.ProfileCollection {
		return denied()
	}
	if err := a.engine.DeleteRecord(r.Context(), c.actor, c.class, objectRef(r)); err != nil {
		return err
	}
	return a.nothing(w)
}

// write reads the body, lets do write the object, and answers it. Files that the body brought and no object took are discarded.
func (a *api) write(w *web.Response, r *web.Request, c *call, o *objectReader, status int, do func(context.Context, engine.RecordInput) (*hecate.Record, error)) error {
	up := &upload{api: a, r: r, c: c}
	record, err := up.write(o, do)
	if err != nil {
		up.discard(append(up.staged, o.copied...))
		return writeFault(c.class, err)
	}
	up.discard(up.unused)
	return a.sendObject(w, r, c, status, record)
}

// writeFault words what the engine refuses about single fields.
func writeFault(c *hecate.Collection, err error) error {
	d := hecate.Detail(err)
	switch {
	case d.Kind == hecate.Forbidden && d.Field == "owner":
		text := textOwnerStays
		if c.Kind == hecate.ProfileCollection {
			text = textProfileOwner
		}
		return invalid("owner", text)
	case d.Kind == hecate.Invalid || d.Kind == hecate.NotFound:
		if f := c.Field(strings.TrimPrefix(d.Field, profileField+".")); f != nil && f.Type == hecate.ReferenceType {
			return invalid(d.Field, badTarget)
		}
	}
	return err
}

// upload is a body that may bring files.
type upload struct {
	*api
	r      *web.Request
	c      *call
	staged []hecate.FileRef          // all of them, in the order of their arrival
	byPart map[string]hecate.FileRef // the last one of each part name
	unused []hecate.FileRef          // staged, and no field's
	faults fieldErrors
}

func (u *upload) write(o *objectReader, do func(context.Context, engine.RecordInput) (*hecate.Record, error)) (*hecate.Record, error) {
	ctx := u.r.Context()
	body, err := u.r.ReadBody(web.Reading{PlainIsJSON: reading.PlainIsJSON, IsFile: u.isFile, File: u.take})
	if err != nil {
		return nil, err
	}
	if o.body, err = newInput(u.r, body); err != nil {
		return nil, err
	}
	u.nameSample(o.body)
	o.files, o.body.errs = u.byPart, u.faults
	in, err := o.read(ctx)
	if err != nil {
		return nil, err
	}
	if err := o.body.err(); err != nil {
		return nil, err
	}
	u.unused = slices.DeleteFunc(slices.Clone(u.staged), func(f hecate.FileRef) bool {
		return slices.ContainsFunc(slices.Collect(fileValues(in.Values)), func(v hecate.FileRef) bool { return v.ID == f.ID })
	})
	return do(ctx, in)
}

// fileValues are the files among values.
func fileValues(values hecate.Values) func(yield func(hecate.FileRef) bool) {
	return func(yield func(hecate.FileRef) bool) {
		for _, v := range values {
			if f, ok := v.(hecate.FileRef); ok && !yield(f) {
				return
			}
		}
	}
}

// The part that the old documentation's sample sends a file in, beside one called name that holds the field (decision D9).
const (
	samplePart = "filename"
	sampleName = "name"
)

// isFile takes a part for a file when the field of its name holds files and the part has a type or a file
// name (decision D7: one client sends no file name), and whatever else has a file name.
func (u *upload) isFile(p *web.Part) bool {
	if p.HasFilename {
		return true
	}
	f := u.c.class.Field(p.Name)
	return f != nil && f.Type == hecate.FileType && p.ContentType != ""
}

// take stages a file while it arrives. What is no field's is read and forgotten.
func (u *upload) take(p *web.Part) error {
	f := u.c.class.Field(p.Name)
	wanted := f != nil && isShown(f) && f.Type == hecate.FileType || p.Name == samplePart && u.takesSample()
	switch {
	case !wanted && f != nil && isShown(f):
		u.faults.add(p.Name, fileForField(f))
	case wanted && len(rawExtension(p.Filename)) > maxExtension:
		u.faults.add(p.Name, badExtension)
		wanted = false
	}
	if !wanted {
		_, err := io.Copy(io.Discard, p)
		return err
	}
	mediaType := p.ContentType
	if mediaType == "application/octet-stream" || len(mediaType) > maxMediaType {
		mediaType = "" // what clients say who do not know
	}
	ref, err := u.engine.StageFile(u.r.Context(), u.c.actor, engine.Upload{Name: p.Filename, Type: mediaType, Bytes: p})
	if d := hecate.Detail(err); err != nil && d.Kind == hecate.Invalid {
		u.faults.add(p.Name, sentence(d, badFile)) // its name cannot be kept
		_, err = io.Copy(io.Discard, p)
		return err
	}
	if err != nil {
		return err
	}
	u.staged = append(u.staged, ref)
	if u.byPart == nil {
		u.byPart = map[string]hecate.FileRef{}
	}
	u.byPart[p.Name] = ref
	return nil
}

// maxMediaType is the longest media type that is kept.
const maxMediaType = 128

// fileForField is what a field says of a file that it cannot hold.
func fileForField(f *hecate.Field) string {
	_, fault := readValue(f, []any{[]any{}}, manner{}) // a value that no field takes
	if fault == "" {
		return badObject
	}
	return fault
}

func rawExtension(name string) string { return path.Ext(strings.TrimLeft(path.Base(name), ".")) }

func (u *upload) takesSample() bool {
	return u.c.class.Field(samplePart) == nil && u.c.class.Field(sampleName) == nil
}

// nameSample gives the file of the documentation's sample to the field that its other part names.
func (u *upload) nameSample(body *input) {
	file, ok := u.byPart[samplePart]
	if !ok || !u.takesSample() {
		return
	}
	delete(u.byPart, samplePart)
	name, _ := body.values[sampleName].(string)
	if f := u.c.class.Field(name); f != nil && isShown(f) && f.Type == hecate.FileType {
		u.byPart[f.Name] = file
	}
}

// discard removes staged files also when the client is gone.
func (u *upload) discard(files []hecate.FileRef) {
	if len(files) > 0 {
		u.engine.DiscardFiles(context.WithoutCancel(u.r.Context()), u.c.actor, files)
	}
}

// ordering is what order_by asks for.
type ordering struct {
	given  string // as the client wrote it
	desc   bool
	order  *hecate.Order // nil: by id
	field  *hecate.Field // nil: a built-in member
	cursor any           // last_value
	last   *string       // last_value, as the client wrote it
}

// orderColumns are the built-in members that objects may be ordered by, besides the id.
var orderColumns = map[string]hecate.Column{"created_at": hecate.CreatedColumn, "updated_at": hecate.UpdatedColumn}

const (
	textBadOrder    = "Incorrect order_by parameter provided."
	textNoOrder     = "Cannot use specified order_by field."
	textOrderNoFlag = "Cannot use specified order_by field. Set required index on schema first."
)

func readOrder(r *web.Request, c *hecate.Collection, p paging) (ordering, error) {
	o := ordering{given: r.QueryOne("order_by")}
	if o.given == "" {
		return o, nil
	}
	name, desc := strings.CutPrefix(o.given, "-")
	o.desc = desc
	if name == "id" {
		return o, nil
	}
	if column, ok := orderColumns[name]; ok {
		o.order = &hecate.Order{Operand: hecate.Operand{Column: column}, Desc: desc}
	} else {
		if builtInNames[name] && name != "links" {
			return o, detail(http.StatusBadRequest, textNoOrder)
		}
		f := c.Field(name)
		switch {
		case f == nil || !isShown(f):
			return o, detail(http.StatusBadRequest, textBadOrder)
		case !f.Ordered:
			return o, detail(http.StatusBadRequest, textOrderNoFlag)
		}
		o.field = f
		o.order = &hecate.Order{Operand: hecate.FieldOperand(f), Desc: desc}
	}
	return o, o.readLast(r, p)
}

// readLast reads last_value; where it is absent, the row next to the page had no value.
func (o *ordering) readLast(r *web.Request, p paging) error {
	values, ok := r.Query()["last_value"]
	if !ok || p.direction == firstPage {
		if p.direction != firstPage && o.field == nil {
			return detail(http.StatusBadRequest, textBadPage)
		}
		return nil
	}
	text := last(values)
	o.last = &text
	var fault string
	if o.field == nil || o.field.Type == hecate.TimeType {
		t, ok := moment(text)
		if !ok {
			fault = textBadPage
		}
		o.cursor = t
	} else {
		var v given
		v, fault = readValue(o.field, text, manner{})
		o.cursor = v.value
	}
	if fault != "" {
		return detail(http.StatusBadRequest, textBadPage)
	}
	return nil
}

// into puts order and cursor into the query.
func (o *ordering) into(q *hecate.Query, p paging) {
	q.SeqDesc = o.desc && o.order == nil
	q.Backward = p.direction == backward
	if o.order != nil {
		q.Order = []hecate.Order{*o.order}
	}
	if p.direction == firstPage {
		return
	}
	q.After = &hecate.Cursor{Seq: p.lastPK}
	if o.order != nil {
		q.After.Values = []any{o.cursor}
	}
}

// place is a row at the edge of a page.
func (o *ordering) place(r *hecate.Record) *place {
	at := &place{pk: r.Seq}
	switch {
	case o.order == nil:
	case o.order.Operand.Column == hecate.CreatedColumn:
		at.value = momentText(r.CreatedAt)
	case o.order.Operand.Column == hecate.UpdatedColumn:
		at.value = momentText(r.UpdatedAt)
	default:
		at.value = valueText(r.Values[o.field.Name])
	}
	return at
}

// at completes the place from which an empty page was asked: it is as the client said.
func (o *ordering) at(to *place, p paging) *place {
	if to != nil && to.value == nil && to.pk == p.lastPK && p.direction != firstPage {
		to.value = o.last
	}
	return to
}

// repeated are the parameters that links of this list repeat.
func (o *ordering) repeated(p paging) []param {
	var repeat []param
	if p.sized {
		repeat = append(repeat, param{"page_size", strconv.Itoa(p.size)})
	}
	if o.given != "" {
		repeat = append(repeat, param{"order_by", o.given})
	}
	return repeat
}
