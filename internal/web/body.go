package web

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"

	"hecate"
)

// BodyKind says how a body was read.
type BodyKind uint8

// The kinds of bodies.
const (
	NoBody    BodyKind = iota // nothing was sent
	JSON                      // Value
	Form                      // Form
	Multipart                 // Form holds the text parts; file parts went to Reading.File
	Other                     // any other media type: Stream is the body, unread
)

// Body is what a request carried, in neutral form.
type Body struct {
	Kind      BodyKind
	MediaType string     // lower case, without parameters; "" when none or a bad one was declared
	Value     any        // JSON: map[string]any, []any, string, json.Number, bool or nil
	Form      url.Values // Form, Multipart
	Stream    io.Reader  // Other; bounded by the route's MaxUpload
}

// Object returns the JSON object of a body, or nil and false when it is none.
func (b *Body) Object() (map[string]any, bool) {
	object, ok := b.Value.(map[string]any)
	return object, ok && b.Kind == JSON
}

// Part is one part of a multipart body. Reading it reads from the connection.
type Part struct {
	io.Reader
	Name        string
	Filename    string // last element of the path given, "" when none
	HasFilename bool   // a filename was declared, if only an empty one
	ContentType string // as declared, "" when none
}

// Reading says how a dialect wants bodies read. The zero value: JSON by its media
// types, forms, multipart whose parts with a file name are refused.
type Reading struct {
	AlwaysJSON  bool // the media type does not matter
	SniffJSON   bool // a body whose first byte is { or [ is JSON, save multipart and octet-stream
	PlainIsJSON bool // text/plain is JSON

	// IsFile tells file parts from text parts; nil: a part with a file name is a file.
	IsFile func(*Part) bool
	// File takes one file part and must read it to its end or return an error. It
	// is called while the body arrives: text parts behind it are not known yet. nil: files are Unsupported.
	File func(*Part) error
}

// limitBody puts the limits between the connection and whoever reads the body.
func (r *Request) limitBody(w *Response, memory, upload int64) error {
	r.maxBody, r.maxUpload = memory, upload
	if r.Request.Body == nil || r.Request.Body == http.NoBody {
		return nil
	}
	if r.ContentLength > upload {
		// net/http reads a little of what is unread, then closes: the client may not have finished sending.
		return tooLarge("body", upload)
	}
	r.Request.Body = http.MaxBytesReader(w.ResponseWriter, r.Request.Body, upload)
	return nil
}

// ReadBody reads the body once; later calls return the same Body whatever they
// ask for. Kinds: Malformed, TooLarge, Unsupported (Content-Encoding, files where
// none are taken), and what Reading.File returns.
func (r *Request) ReadBody(how Reading) (*Body, error) {
	if r.body == nil && r.failed == nil {
		body, err := r.readBody(how)
		if err != nil {
			r.failed = err
			return nil, err
		}
		r.body = body
	}
	return r.body, r.failed
}

func (r *Request) readBody(how Reading) (*Body, error) {
	mediaType, params := r.mediaType()
	body := &Body{MediaType: mediaType}
	if r.Request.Body == nil || r.Request.Body == http.NoBody {
		return body, nil
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, hecate.E(hecate.Unsupported, "read request").On("Content-Encoding").Says("only unencoded bodies are read")
	}
	switch {
	case how.AlwaysJSON, isJSON(mediaType), mediaType == "text/plain" && how.PlainIsJSON:
		return body, r.readJSON(r.Request.Body, body)
	case mediaType == "multipart/form-data":
		return body, r.readMultipart(params["boundary"], how, body)
	}
	in := bufio.NewReader(r.Request.Body)
	if how.SniffJSON && mediaType != "application/octet-stream" && looksJSON(in) {
		return body, r.readJSON(in, body)
	}
	if mediaType == "application/x-www-form-urlencoded" {
		return body, r.readForm(in, body)
	}
	if _, err := in.Peek(1); err != nil {
		if err == io.EOF {
			return body, nil
		}
		return nil, bodyError(err)
	}
	body.Kind, body.Stream = Other, &bodyReader{in}
	return body, nil
}

// ReadJSON is ReadBody for a route that takes JSON only, whatever its media type:
// the value, or nil without error when there is no body. See DecodeJSON.
func (r *Request) ReadJSON() (any, error) {
	body, err := r.ReadBody(Reading{AlwaysJSON: true})
	if err != nil {
		return nil, err
	}
	return body.Value, nil
}

// DecodeInto reads a JSON body into a struct with json tags; unknown members are
// ignored, an empty body leaves v as it is. Invalid: a member of the wrong type; Malformed, TooLarge.
// It reads the body itself: use it instead of ReadBody, not after it.
func (r *Request) DecodeInto(v any) error {
	if r.body != nil || r.failed != nil {
		return hecate.E(hecate.Internal, "decode body").Says("the body was read before")
	}
	if r.Request.Body == nil || r.Request.Body == http.NoBody {
		return nil
	}
	buf := getBuffer()
	defer putBuffer(buf)
	if err := r.readInto(buf, r.Request.Body); err != nil {
		return err
	}
	if len(bytes.TrimSpace(buf.Bytes())) == 0 {
		return nil
	}
	return decodeJSON(buf.Bytes(), r.limits, v)
}

// MediaType returns the body's declared media type, lower case, without parameters.
func (r *Request) MediaType() string {
	mediaType, _ := r.mediaType()
	return mediaType
}

func (r *Request) mediaType() (string, map[string]string) {
	declared := r.Header.Get("Content-Type")
	if declared == "application/json" || declared == "" {
		return declared, nil
	}
	mediaType, params, err := mime.ParseMediaType(declared)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return "", nil
	}
	return mediaType, params
}

func isJSON(mediaType string) bool {
	return mediaType == "application/json" || strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}

// looksJSON peeks at the first byte that is not a space.
func looksJSON(in *bufio.Reader) bool {
	for n := 1; n <= in.Size(); n++ {
		head, err := in.Peek(n)
		if err != nil {
			return false
		}
		switch c := head[n-1]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c == '{' || c == '['
		}
	}
	return false
}

// readInto reads what may stand in memory.
func (r *Request) readInto(buf *bytes.Buffer, in io.Reader) error {
	// A declared length is a hint that costs its sender nothing, so it is trusted for little.
	buf.Grow(int(min(max(r.ContentLength, 0), 64<<10)) + bytes.MinRead)
	n, err := buf.ReadFrom(io.LimitReader(in, r.maxBody+1))
	if err != nil {
		return bodyError(err)
	}
	if n > r.maxBody {
		return tooLarge("body", r.maxBody)
	}
	return nil
}

func (r *Request) readJSON(in io.Reader, body *Body) error {
	buf := getBuffer()
	defer putBuffer(buf)
	if err := r.readInto(buf, in); err != nil {
		return err
	}
	if len(bytes.TrimSpace(buf.Bytes())) == 0 {
		return nil
	}
	value, err := DecodeJSON(buf.Bytes(), r.limits)
	body.Kind, body.Value = JSON, value
	return err
}

func (r *Request) readForm(in io.Reader, body *Body) error {
	buf := getBuffer()
	defer putBuffer(buf)
	if err := r.readInto(buf, in); err != nil {
		return err
	}
	if buf.Len() == 0 {
		return nil
	}
	form, err := parsePairs(buf.String(), r.limits.Pairs)
	body.Kind, body.Form = Form, form
	return err
}

func (r *Request) readMultipart(boundary string, how Reading, body *Body) error {
	if boundary == "" {
		return malformed("multipart body without a boundary")
	}
	if how.IsFile == nil {
		how.IsFile = func(p *Part) bool { return p.HasFilename }
	}
	body.Kind, body.Form = Multipart, url.Values{}
	parts := multipart.NewReader(r.Request.Body, boundary)
	memory := r.maxBody
	for n := 0; ; n++ {
		raw, err := parts.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return bodyError(err)
		}
		if n >= r.limits.Parts {
			return tooLarge("number of parts", int64(r.limits.Parts))
		}
		used, err := r.takePart(raw, how, body.Form, memory)
		if err != nil {
			return err
		}
		memory -= used
	}
}

// takePart hands a file on, or keeps a text; it returns the bytes of memory used.
func (r *Request) takePart(raw *multipart.Part, how Reading, form url.Values, memory int64) (int64, error) {
	part, err := newPart(raw)
	if err != nil {
		return 0, err
	}
	if how.IsFile(part) {
		return 0, r.takeFile(part, how.File)
	}
	limit := min(r.limits.FieldBytes, memory)
	text, err := io.ReadAll(io.LimitReader(raw, limit+1))
	if err != nil {
		return 0, bodyError(err)
	}
	if int64(len(text)) > limit {
		return 0, tooLarge("part "+part.Name, limit)
	}
	value := string(text)
	if fault := textFault(value); fault != "" {
		return 0, hecate.E(hecate.Malformed, "read request").On(part.Name).Says("value " + fault)
	}
	form[part.Name] = append(form[part.Name], value)
	return int64(len(text) + len(part.Name)), nil
}

func (r *Request) takeFile(part *Part, take func(*Part) error) error {
	if take == nil {
		return hecate.E(hecate.Unsupported, "read request").On(part.Name).Says("files are not taken here")
	}
	file := &fileReader{in: part.Reader, left: r.limits.FileBytes, limit: r.limits.FileBytes}
	part.Reader = file
	if err := take(part); err != nil {
		return err
	}
	return file.err // also when take swallowed it
}

func newPart(raw *multipart.Part) (*Part, error) {
	_, params, err := mime.ParseMediaType(raw.Header.Get("Content-Disposition"))
	if err != nil {
		return nil, malformed("a part without a readable Content-Disposition")
	}
	_, hasFilename := params["filename"]
	p := &Part{Reader: raw, Name: params["name"], Filename: raw.FileName(), HasFilename: hasFilename, ContentType: raw.Header.Get("Content-Type")}
	for _, text := range [...]string{p.Name, p.Filename, p.ContentType} {
		if fault := textFault(text); fault != "" {
			return nil, malformed("the header of a part " + fault)
		}
	}
	return p, nil
}

// fileReader ends a file at its limit with an error, and gives reading errors their Kind.
type fileReader struct {
	in          io.Reader
	left, limit int64
	err         error
}

func (f *fileReader) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if int64(len(p)) > f.left+1 {
		p = p[:f.left+1]
	}
	n, err := f.in.Read(p)
	if int64(n) > f.left {
		f.err = tooLarge("file", f.limit)
		return int(f.left), f.err
	}
	f.left -= int64(n)
	if err != nil && err != io.EOF {
		f.err = bodyError(err)
		return n, f.err
	}
	return n, err
}

// bodyReader gives the errors of a streamed body their Kind.
type bodyReader struct{ in io.Reader }

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if err != nil && err != io.EOF {
		err = bodyError(err)
	}
	return n, err
}

// bodyError gives an error of reading the body its Kind: whatever it is, the request did not arrive whole.
func bodyError(err error) error {
	var tooMuch *http.MaxBytesError
	switch {
	case errors.As(err, &tooMuch):
		return tooLarge("body", tooMuch.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return malformed("the body did not arrive in time")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return malformed("the body ends too early")
	}
	return malformed("the body cannot be read").Because(err)
}
